package dispatch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"drawbridge/bridge"
	"drawbridge/server/callback"
)

// Report is the data of a callback: what came of a run.
type Report struct {
	Run    string       `json:"run"`
	Event  string       `json:"event,omitempty"`
	Source string       `json:"source"`
	Agent  string       `json:"agent"`
	Model  string       `json:"model"` // "rehearsal" if a script spoke
	State  State        `json:"state"`
	Reason string       `json:"reason"`
	Answer string       `json:"answer"`
	Usage  bridge.Usage `json:"usage"`
	Calls  []CallReport `json:"calls"`
	// CallsCut: the journal could not be read, so Calls are not told; Usage has their number.
	CallsCut bool `json:"calls_cut,omitempty"`
	// Thin: Answer and Calls are left out because they would be too long. URL is where
	// to fetch the run with them; a path only where the server's own address is not known.
	Thin bool   `json:"thin,omitempty"`
	URL  string `json:"url,omitempty"`
}

// CallReport is one tool call of a run.
type CallReport struct {
	Tool           string `json:"tool"`
	Status         string `json:"status"` // ok, error, waiting (for an approval: not made), or unknown: nobody can say whether it took effect
	IdempotencyKey string `json:"idempotency_key,omitempty"`
}

// A callback stays below 20 kB (DEL-02).
const (
	reportedBytes = 20_000 - 200 // the envelope takes the rest
	reportedName  = 200          // bytes of a name, in a report that would be too long
)

// report makes the callback that tells of a run's end.
func (d *Dispatcher) report(ctx context.Context, run Run, end Ending) (*Callback, error) {
	entries, err := d.store.Entries(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	calls, err := Calls(append(entries, end.Entries...))
	if err != nil {
		// Not to end the run for this would be to come here again for ever.
		d.o.Log.Error("reporting a run without its calls", "run", run.ID, "err", err)
		calls = []CallReport{}
	}
	o := end.Outcome
	data, err := Report{Run: run.ID, Event: run.Event, Source: run.Source, Agent: run.Agent, Model: d.settings.Agents[run.Agent].Model,
		State: end.State, Reason: string(o.Reason), Answer: o.Answer, Usage: o.Usage, Calls: calls, CallsCut: err != nil}.encode(d.settings.Callbacks.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("encoding the report of run %q: %w", run.ID, err)
	}
	id := NewID("msg_")
	body, err := callback.Message{ID: id, Type: "run." + string(end.State), Timestamp: end.At, Data: data}.Body()
	if err != nil {
		return nil, fmt.Errorf("encoding the report of run %q: %w", run.ID, err)
	}
	owed := &Callback{ID: id, Run: run.ID, Route: run.Route, URL: run.CallbackURL, Body: body, Created: end.At}
	return owed, nil
}

// encode gives the report as JSON: all of it, or, if that is too long, all but the
// answer and the calls, with where to fetch them.
func (r Report) encode(publicURL string) ([]byte, error) {
	r.Answer = strings.ToValidUTF8(r.Answer, "\uFFFD")
	if whole, err := json.Marshal(r); err != nil || len(whole) <= reportedBytes {
		return whole, err
	}
	r.Answer, r.Calls = "", []CallReport{}
	r.Thin, r.URL = true, strings.TrimSuffix(publicURL, "/")+"/v1/runs/"+r.Run
	for _, name := range []*string{&r.Source, &r.Agent, &r.Model, &r.Reason, &r.Event} {
		*name = strings.ToValidUTF8((*name)[:min(len(*name), reportedName)], "")
	}
	return json.Marshal(r)
}

// Calls reads from a journal which calls a run made and what each came to. What was
// refused before it became a call, such as malformed arguments, is not among them.
func Calls(entries []bridge.Entry) ([]CallReport, error) {
	type place struct {
		answer int64
		index  int
	}
	calls := []CallReport{}
	made := map[place]int{}
	for _, entry := range entries {
		switch entry.Kind {
		case bridge.EntryIntent:
			var intent bridge.Intent
			if err := json.Unmarshal(entry.Body, &intent); err != nil {
				return nil, fmt.Errorf("reading journal entry %d: %w", entry.Seq, err)
			}
			if i, again := made[place{intent.Answer, intent.Index}]; again && intent.Again > 0 {
				calls[i].Status = "unknown"
				continue // the same call, made again
			}
			made[place{intent.Answer, intent.Index}] = len(calls)
			calls = append(calls, CallReport{Tool: cmp.Or(intent.Tool, intent.Function), Status: "unknown", IdempotencyKey: intent.Key})
		case bridge.EntryApproval:
			var approval bridge.Approval
			if err := json.Unmarshal(entry.Body, &approval); err != nil {
				return nil, fmt.Errorf("reading journal entry %d: %w", entry.Seq, err)
			}
			if i, ok := made[place{approval.Answer, approval.Index}]; ok {
				calls[i].Status = "waiting"
			}
		case bridge.EntryResult:
			var result bridge.Result
			if err := json.Unmarshal(entry.Body, &result); err != nil {
				return nil, fmt.Errorf("reading journal entry %d: %w", entry.Seq, err)
			}
			if i, ok := made[place{result.Answer, result.Index}]; ok {
				calls[i].Status = statusOf(result)
			}
		}
	}
	return calls, nil
}

func statusOf(result bridge.Result) string {
	switch {
	case result.Code == bridge.OutcomeUnknown:
		return "unknown"
	case result.IsError:
		return "error"
	}
	return "ok"
}
