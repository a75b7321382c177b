package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func always() bool { return true }
func never() bool  { return false }

// call puts a tools/call to a far side, as a node does; false if the connection broke.
func call(t *testing.T, base, name, key, event string) (string, bool) {
	t.Helper()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":{"event":%q,"step":"1a"},"_meta":{%q:%q}}}`, name, event, keyMember, key)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set(nodeHeader, "n1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", false
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	return string(raw), err == nil
}

func farSideAt(t *testing.T, calm func() bool) (*farSide, string) {
	t.Helper()
	f := newFarSide(newBook(), calm)
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return f, s.URL
}

func TestFarSideHonoursKeysWhereItSaysSo(t *testing.T) {
	f, base := farSideAt(t, always)
	for _, c := range []struct {
		tool string
		want int
	}{{"crm_add_note", 1}, {"payment_refund", 1}, {"mail_send", 2}, {"crm_raise_score", 2}, {"payment_get", 0}} {
		before := f.book.count()
		var answers []string
		for range 2 {
			answer, ok := call(t, base, c.tool, "key of "+c.tool, "ev_a_000001")
			if !ok || !strings.Contains(answer, "done") || strings.Contains(answer, "isError\":true") {
				t.Errorf("%s answered %q", c.tool, answer)
			}
			answers = append(answers, answer)
		}
		if got := f.book.count() - before; got != c.want || answers[0] != answers[1] {
			t.Errorf("two calls of %s under one key had %d effects, want %d (%q)", c.tool, got, c.want, answers)
		}
	}
	f.doubles = true
	before := f.book.count()
	for range 2 {
		call(t, base, "crm_add_note", "another", "ev_a_000001")
	}
	if got := f.book.count() - before; got != 2 {
		t.Errorf("a broken far side had %d effects of two calls, want 2", got)
	}
}

// keyOfFate looks for a key whose first call goes a certain way.
func keyOfFate(t *testing.T, want fate) string {
	t.Helper()
	for i := range 100_000 {
		f := &farSide{book: newBook(), calm: never}
		var c asked
		c.Params.Meta = map[string]any{keyMember: fmt.Sprint("key ", i)}
		if f.fateOf(c) == want {
			return fmt.Sprint("key ", i)
		}
	}
	t.Fatalf("no key has the fate %d", want)
	return ""
}

func TestFarSideBreaksConnectionsBeforeAndAfterTheEffect(t *testing.T) {
	for what, effects := range map[fate]int{cutBefore: 0, cutAfter: 1} {
		f, base := farSideAt(t, never)
		key := keyOfFate(t, what)
		if answer, ok := call(t, base, "mail_send", key, "ev_a_000001"); ok {
			t.Errorf("fate %d: answered %q", what, answer)
		}
		if got := f.book.count(); got != effects {
			t.Errorf("fate %d: %d effects, want %d", what, got, effects)
		}
		if carried := f.book.carried("n1", time.Now()); len(carried) > 0 {
			t.Errorf("fate %d: the run counts as carried, and it may rest: %q", what, carried)
		}
		if _, ok := call(t, base, "crm_add_note", key, "ev_a_000001"); !ok {
			t.Errorf("fate %d: the second call under the key went wrong, too", what)
		}
	}
}

func TestBookKnowsWhichNodeWasAtWork(t *testing.T) {
	b, now := newBook(), time.Now()
	b.enter("n1", "asking")
	b.enter("n1", "moved")
	b.enter("n2", "moved")
	b.leave("n1", "moved", false, false) // the node that had it before hears too late
	b.enter("n1", "answered")
	b.leave("n1", "answered", false, true)
	b.enter("n1", "between")
	b.leave("n1", "between", false, false)
	if got := b.carried("n2", now); len(got) != 1 || got[0] != "moved" {
		t.Errorf("n2 carries %q", got)
	}
	if got := b.carried("n1", now); len(got) != 2 {
		t.Errorf("n1 carries %q, want asking and between", got)
	}
	if got := b.carried("n1", now.Add(time.Hour)); len(got) != 1 || got[0] != "asking" {
		t.Errorf("an hour on n1 carries %q, want asking", got)
	}
}

func TestPlanFollowsFromTheEventAndWritesSomething(t *testing.T) {
	lengths, tools := map[int]bool{}, map[string]bool{}
	for i := range 200 {
		event := fmt.Sprintf("ev_a_%06d", i)
		first, again := plan(event), plan(event)
		if fmt.Sprint(first) != fmt.Sprint(again) {
			t.Fatalf("%s has two plans", event)
		}
		names, writes := map[string]bool{}, 0
		for _, turn := range first {
			for _, s := range turn {
				if names[s.name] {
					t.Errorf("%s has the step %s twice", event, s.name)
				}
				names[s.name], tools[s.tool.name] = true, true
				if !s.tool.reads() {
					writes++
				}
			}
		}
		if lengths[len(first)] = true; writes == 0 {
			t.Errorf("%s only reads", event)
		}
	}
	if len(lengths) != 3 || len(tools) != len(farTools) {
		t.Errorf("plans are of %v turns, and of the tools %v", lengths, tools)
	}
}

// ask puts a question to the model and gives what it streams.
func ask(t *testing.T, base, body string) string {
	t.Helper()
	res, err := http.Post(base+"/n1/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the model answered %s (%v): %s", res.Status, err, raw)
	}
	return string(raw)
}

func TestModelCallsTurnByTurnAndThenAnswers(t *testing.T) {
	m := &model{book: newBook(), calm: always, gate: &gate{}}
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	event := "ev_a_000001"
	messages := []any{map[string]any{"role": "user", "content": "Handle " + event + "."}}
	for turn, steps := range plan(event) {
		body, _ := json.Marshal(map[string]any{"messages": messages, "stream": true})
		answer := ask(t, s.URL, string(body))
		for _, step := range steps {
			if want := fmt.Sprintf(`\"step\":\"%s\"`, step.name); !strings.Contains(answer, want) || !strings.Contains(answer, mount+"__"+step.tool.name) {
				t.Errorf("turn %d: the answer does not call %s, step %s: %s", turn, step.tool.name, step.name, answer)
			}
		}
		messages = append(messages, map[string]any{"role": "assistant", "tool_calls": []any{map[string]any{"id": "x", "type": "function", "function": map[string]any{"name": "y", "arguments": "{}"}}}})
	}
	body, _ := json.Marshal(map[string]any{"messages": messages})
	if answer := ask(t, s.URL, string(body)); !strings.Contains(answer, "Done with "+event) || !strings.Contains(answer, `"stop"`) {
		t.Errorf("the last answer is %s", answer)
	}
	if got := m.book.carried("n1", time.Now()); len(got) > 0 {
		t.Errorf("a run that was answered counts as carried: %q", got)
	}
}

func TestGateOpensOnceEnoughAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		g.pass(t.Context(), "ev_x_000001") // nothing is shut
		opened := g.shut("ev_x_", 2)
		g.pass(t.Context(), "ev_y_000001") // of others
		go g.pass(t.Context(), "ev_x_000001")
		synctest.Wait()
		select {
		case <-opened:
			t.Error("it opened for one")
		default:
		}
		g.pass(t.Context(), "ev_x_000002")
		<-opened
		if there := g.open(); there != 2 {
			t.Errorf("%d were there, want 2", there)
		}
		g.shut("ev_x_", 2)
		go g.pass(t.Context(), "ev_x_000003")
		synctest.Wait()
		if there := g.open(); there != 1 {
			t.Errorf("%d were there, want 1", there)
		}
		ctx, cancel := context.WithCancel(t.Context())
		g.shut("ev_x_", 2)
		cancel()
		g.pass(ctx, "ev_x_000004") // whose node is gone
		g.open()
	})
}

func TestReceiverKnowsATrueSignature(t *testing.T) {
	c := newReceiver(always)
	tell := func(id, run, signature string) {
		body := fmt.Appendf(nil, `{"type":"run.succeeded","data":{"run":%q,"state":"succeeded"}}`, run)
		now := stamp(time.Now())
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/done", bytes.NewReader(body))
		if signature == "" {
			signature = sign(id, now, body)
		}
		r.Header.Set("webhook-id", id)
		r.Header.Set("webhook-timestamp", now)
		r.Header.Set("webhook-signature", "v1a,x "+signature)
		w := httptest.NewRecorder()
		if c.ServeHTTP(w, r); w.Code != http.StatusNoContent {
			t.Errorf("answered %d", w.Code)
		}
	}
	tell("good", "run_1", "")
	tell("good", "run_1", "")
	tell("forged", "run_2", "v1,AAAA")
	tell("changed", "run_3", "")
	tell("changed", "run_4", "")
	for _, got := range c.all() {
		if want := got.ID == "good"; got.Valid != want || !got.Taken || want && got.Times != 2 {
			t.Errorf("%+v", got)
		}
	}
}

func TestSignatureIsThatOfTheSpecification(t *testing.T) {
	// The example of the specification has a key of its own; ours is checked by its form
	// and by Drawbridge, which takes what we sign and signs what we take.
	if got := sign("msg", "1", []byte("x")); !strings.HasPrefix(got, "v1,") || len(got) != len("v1,")+44 || got == sign("msg", "2", []byte("x")) || got == sign("msh", "1", []byte("x")) {
		t.Errorf("the signature is %q", got)
	}
}

func TestSenderInsistsAndKeepsWhatItWasTold(t *testing.T) {
	var times atomic.Int64
	took := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := times.Add(1); {
		case n == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n == 2:
			panic(http.ErrAbortHandler)
		case n == 3:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			id := "evt_1"
			if n > 4 {
				id = "evt_2"
			}
			_, _ = fmt.Fprintf(w, `{"id":%q}`, id)
		}
	}))
	t.Cleanup(took.Close)
	s := newSender("a", func() []string { return []string{"http://127.0.0.1:1", took.URL} })
	a := &ack{Key: "ev_a_000001", Source: bounded}
	s.sent[a.Key], s.sent["ev_a_000002"] = bounded, bounded
	s.insist(t.Context(), a)
	s.insist(t.Context(), a)
	acks, open, refused := s.account()
	if len(acks) != 1 || acks[0].ID != "evt_1" || len(acks[0].Others) != 1 || acks[0].Others[0] != "evt_2" {
		t.Errorf("acknowledged: %+v", acks)
	}
	if len(open) != 1 || open[0] != "ev_a_000002" || len(refused) != 1 || !strings.Contains(refused[0], "401") {
		t.Errorf("open: %q, refused: %q", open, refused)
	}
}

func TestWorldCannotBeMadeOfWrongFlags(t *testing.T) {
	for _, args := range [][]string{{"--store", "oracle"}, {"--nodes", "2"}, {"--for", "1s"}, {"--rate", "0"}, {"now"}, {"--store", "postgres", "--nodes", "10"}, {"--dir", "."}, {"--binary", "./none", "--what"}} {
		var out, said strings.Builder
		if code := run(t.Context(), args, &out, &said); code != 2 || out.Len() > 0 || said.Len() == 0 {
			t.Errorf("chaos %q: code %d, %q, %q", args, code, out.String(), said.String())
		}
	}
}

func TestDeskDecidesByWhatTookEffectAndOnlyOnceNothingCanHappenAnyMore(t *testing.T) {
	b, now := newBook(), time.Now()
	b.act(tool{name: "mail_send"}, effect{Key: "done", Event: "ev_a_000001", Step: "1a"}, "")
	for _, c := range []struct {
		key   string
		since time.Duration
		still bool
		want  string
	}{{"done", 0, false, "happened"}, {"open", time.Minute, true, "did-not-happen"}, {"open", time.Minute, false, ""}, {"open", settled / 2, true, ""}} {
		d := &desk{book: b, still: func() bool { return c.still }}
		if got := d.verdict(undecided{Key: c.key, Since: now.Add(-c.since)}, now); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if !b.has("ev_a_000001", "1a") || b.has("ev_a_000001", "1b") {
		t.Error("the far side does not know what it has done")
	}
}
