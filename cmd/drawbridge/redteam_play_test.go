package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/tools"
	"drawbridge/tools/email"
)

// played is what came of a scene.
type played struct {
	effects  []string
	attempts []attempt // that the guard has on record
	doors    []string  // "door 404": what requests were answered with, refusals only
	run      string
	said     string // by the model at last
}

// attempt is one row of the audit.
type attempt struct{ Tool, Decision, Rule, Outcome string }

// refusedBy are the stages that refused, each with its rule: "policy/money".
func (p played) refusedBy() (stages []string) {
	for _, a := range p.attempts {
		switch {
		case a.Decision == "refused":
			stages = append(stages, strings.Replace(a.Rule, ": ", "/", 1))
		case a.Decision == "allowed" && a.Outcome != "ok":
			stages = append(stages, "tool/"+a.Outcome)
		}
	}
	return append(stages, p.doors...)
}

// play has a scene take place, and comes back when all of it has come to rest.
func (w *world) play(t *testing.T, s scene) played {
	t.Helper()
	w.mu.Lock()
	w.scene, w.vars = nil, map[string]string{"outside": w.outside.url, "big": strings.Repeat("x", 11<<20), "long": strings.Repeat("long ", 1<<13),
		"tomorrow": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339), "nested": strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"deep": strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)}
	w.mu.Unlock()
	w.prepare(t, s.Before)
	w.agree(t, s)
	was, seen := readBooks(t, w.store()), w.lastRow(t)
	w.outside.take()
	w.partner.take()
	w.mu.Lock()
	w.scene = &s
	w.mu.Unlock()

	var p played
	p.run, p.doors = w.enter(t, s)
	if p.run != "" {
		w.set("run", p.run)
		w.rest(t, p.run)
		w.decide(t, s.Decide, p.run)
	}
	w.later(t, s)
	p.doors = append(p.doors, w.request(t, s.Requests)...)

	p.effects = slices.Concat(effectsSince(was, readBooks(t, w.store())), w.partner.take(), w.outside.take())
	p.attempts = w.rows(t, seen)
	if p.run != "" {
		run, err := w.store().Run(t.Context(), p.run)
		if err != nil {
			t.Fatal(err)
		}
		p.said = run.Answer
		w.putAway(t, run)
	}
	return p
}

// prepare sets the scene.
func (w *world) prepare(t *testing.T, b before) {
	t.Helper()
	w.partner.say(b.Hostile)
	if b.Mail != nil {
		from, err := mail.ParseAddress(b.Mail.From)
		if err != nil {
			t.Fatal(err)
		}
		id, err := w.app.backends.email.Receive(t.Context(), email.Mail{To: []mail.Address{{Address: "drawbridge@example.com"}}, Subject: b.Mail.Subject, Text: w.filled(b.Mail.Text)},
			email.Stamp{From: *from, Date: time.Now(), MessageID: "<" + dispatch.NewID("m_") + "@example.com>"})
		if err != nil {
			t.Fatal(err)
		}
		w.set("mail", id)
	}
	if b.Ticket != nil {
		w.set("ticket", w.byHand(t, "crm_create_ticket", map[string]any{"customer": b.Ticket.Customer, "subject": b.Ticket.Subject, "body": w.filled(b.Ticket.Body)}))
	}
	if b.Other != "" {
		run, _ := w.start(t, scene{As: "back", Says: b.Other})
		w.rest(t, run)
		w.set("other", run)
	}
	if b.Planned != "" {
		w.set("planned", w.plan(t, b.Planned))
	}
	for _, call := range b.Calls {
		for tool, arguments := range call {
			w.set(tool, w.byHand(t, tool, arguments))
		}
	}
}

// byHand calls a tool's backend past every rule, and gives the id of what it made.
func (w *world) byHand(t *testing.T, name string, arguments map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	tool, ok := w.app.catalog.Lookup(name)
	if !ok {
		t.Fatalf("there is no tool %q", name)
	}
	out, err := tool.Call(tools.WithKey(t.Context(), dispatch.NewID("hand_")), json.RawMessage(w.filled(string(raw))))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	id := idPattern.FindStringSubmatch(string(out))
	if id == nil {
		t.Fatalf("%s gave no id: %s", name, out)
	}
	return id[1]
}

var idPattern = regexp.MustCompile(`"id":"([^"]+)"`)

// plan has an agent plan something for another day, and gives the follow-up's id.
func (w *world) plan(t *testing.T, key string) string {
	t.Helper()
	s := scene{Door: "chat", As: key, Says: "Look into it tomorrow.", Tries: []try{{Times: 1, Calls: []madeCall{{Function: "schedule_run", Arguments: json.RawMessage(`{"prompt":"Look into it.","in_minutes":1000}`)}}}}}
	w.mu.Lock()
	w.scene = &s
	w.mu.Unlock()
	w.rest(t, w.chat(t, s))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scene = nil
	return w.vars["schedule_run"]
}

// speak is the model: it makes the scene's calls turn by turn, whatever it hears, and
// then says its last word.
func (w *world) speak(q openaitest.Request) openaitest.Reply {
	w.mu.Lock()
	s := w.scene
	w.mu.Unlock()
	if s == nil {
		return openaitest.Say("There is nothing to do.")
	}
	made, turns := 0, s.turns()
	for _, m := range q.Messages {
		if len(m.Calls) > 0 {
			made++
		}
		for _, call := range m.Calls {
			if text, ok := q.Result(call.Name); ok {
				if id := idPattern.FindStringSubmatch(text); id != nil {
					w.set(call.Name, id[1])
				}
			}
		}
	}
	if s.now != nil {
		turns = s.now
	}
	if made >= len(turns) {
		if s.Answer == "" {
			return openaitest.Say("Done.")
		}
		return openaitest.Say(w.filled(s.Answer))
	}
	calls := make([]openaitest.ToolCall, len(turns[made]))
	for i, call := range turns[made] {
		calls[i] = openaitest.ToolCall{Name: w.filled(call.Function), Arguments: w.filled(string(call.Arguments))}
	}
	return openaitest.Calls(calls)
}

// rest waits until a run has ended, or waits for somebody.
func (w *world) rest(t *testing.T, run string) dispatch.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var r dispatch.Run
	err := poll(ctx, func() (bool, error) {
		var err error
		r, err = w.store().Run(ctx, run)
		return err == nil && (r.State.Ended() || waitsForSomebody(r)), err
	})
	if err != nil {
		t.Fatalf("waiting for the run to come to rest: %v; it is %s (%s)", err, r.State, r.Reason)
	}
	return r
}

func waitsForSomebody(r dispatch.Run) bool {
	return r.State == dispatch.Waiting && (r.Reason == string(bridge.OutcomeOpen) || r.Reason == string(bridge.ClientCalls) || r.Reason == string(bridge.ApprovalNeeded))
}

// putAway ends a run that waits, so that it does not go on in another scene.
func (w *world) putAway(t *testing.T, run dispatch.Run) {
	t.Helper()
	if run.State.Ended() {
		return
	}
	if _, err := w.store().RequestCancel(t.Context(), run.ID, "the scene is over"); err != nil {
		t.Fatal(err)
	}
}

// later lets what agents have planned for another day happen now, with the scene's
// tries of that day.
func (w *world) later(t *testing.T, s scene) {
	t.Helper()
	if len(s.Later) == 0 {
		return
	}
	tomorrow := s
	tomorrow.now = scene{Tries: s.Later}.turns()
	w.mu.Lock()
	w.scene = &tomorrow
	w.mu.Unlock()
	names, err := w.store().Read().QueryContext(t.Context(), `SELECT name FROM schedules WHERE origin = 'agent' AND ended = ''`)
	if err != nil {
		t.Fatal(err)
	}
	var planned []string
	for names.Next() {
		var name string
		if err := names.Scan(&name); err != nil {
			t.Fatal(err)
		}
		planned = append(planned, name)
	}
	_ = names.Close()
	if len(planned) == 0 {
		t.Errorf("nothing was planned for later")
	}
	for _, name := range planned {
		if out, errs, code := command(t, "schedules", "run", name, "-c", w.file); code != exitDone {
			t.Fatalf("schedules run: exit %d\n%s%s", code, out, errs)
		}
		source := dispatch.FromSchedule + name
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var run dispatch.Run
		err := poll(ctx, func() (bool, error) {
			found, err := w.store().ListRuns(ctx, dispatch.RunFilter{}, 5)
			if i := slices.IndexFunc(found, func(r dispatch.Run) bool { return r.Source == source }); i >= 0 {
				run = found[i]
				return true, nil
			}
			return false, err
		})
		cancel()
		if err != nil {
			t.Fatalf("waiting for the follow-up: %v", err)
		}
		w.rest(t, run.ID)
		w.putAway(t, w.decide(t, nil, run.ID))
	}
}

// lastRow is the newest row of the audit, rows those behind one.
func (w *world) lastRow(t *testing.T) (id int64) {
	t.Helper()
	if err := settled(t, w.store()).QueryRowContext(t.Context(), `SELECT COALESCE(MAX(id), 0) FROM audit`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) rows(t *testing.T, since int64) (all []attempt) {
	t.Helper()
	found, err := settled(t, w.store()).QueryContext(t.Context(), `SELECT tool, decision, rule, outcome FROM audit WHERE id > ? ORDER BY id`, since)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var a attempt
		if err := found.Scan(&a.Tool, &a.Decision, &a.Rule, &a.Outcome); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// request makes the caller's requests, and gives what refused them.
func (w *world) request(t *testing.T, all []knock) (refused []string) {
	t.Helper()
	for _, q := range all {
		headers := []string{}
		if q.Key != "" {
			headers = []string{"Idempotency-Key", w.filled(q.Key)}
		}
		status, _, body := sendAs(t, q.Method, w.base+w.filled(q.Path), redteamKeys[q.As], w.filled(q.Body), headers...)
		if status != q.Want {
			t.Errorf("%s %s is answered %d, want %d: %.300s", q.Method, q.Path, status, q.Want, body)
		}
		if status >= http.StatusBadRequest {
			refused = append(refused, fmt.Sprint("door ", status))
		}
	}
	return refused
}
