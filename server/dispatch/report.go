package dispatch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"drawbridge/bridge"
	"drawbridge/server/callback"
)

// Report is the data of a callback: what came of a run.
type Report struct {
	Run       string       `json:"run"`
	Event     string       `json:"event,omitempty"`
	Source    string       `json:"source"`
	Agent     string       `json:"agent"`
	Model     string       `json:"model"` // "rehearsal" if a script spoke
	State     State        `json:"state"`
	Reason    string       `json:"reason"`
	Answer    string       `json:"answer"`
	AnswerCut bool         `json:"answer_cut,omitempty"`
	Usage     bridge.Usage `json:"usage"`
	Calls     []CallReport `json:"calls"`
	// CallsCut: Calls are the last ones only, or the journal could not be read;
	// Usage has the number of all.
	CallsCut bool `json:"calls_cut,omitempty"`
}

// CallReport is one tool call of a run.
type CallReport struct {
	Tool           string `json:"tool"`
	Status         string `json:"status"` // ok, error, or unknown: nobody can say whether it took effect
	IdempotencyKey string `json:"idempotency_key,omitempty"`
}

// A callback stays below 20 kB (DEL-02): the answer gets what the rest leaves.
const (
	reportedAnswer = 8 << 10 // bytes
	reportedCalls  = 50
	reportedBytes  = 20_000 - 200 // the envelope takes the rest
)

// report makes the callback that tells of a run's end.
func (d *Dispatcher) report(ctx context.Context, run Run, end Ending) (*Callback, error) {
	entries, err := d.store.Entries(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	calls, err := Calls(entries)
	if err != nil {
		// Not to end the run for this would be to come here again for ever.
		d.o.Log.Error("reporting a run without its calls", "run", run.ID, "err", err)
		calls = []CallReport{}
	}
	o := end.Outcome
	data, err := Report{Run: run.ID, Event: run.Event, Source: run.Source, Agent: run.Agent, Model: d.settings.Agents[run.Agent].Model,
		State: end.State, Reason: string(o.Reason), Answer: o.Answer,
		Usage: o.Usage, Calls: calls[max(0, len(calls)-reportedCalls):], CallsCut: err != nil || len(calls) > reportedCalls}.encode()
	if err != nil {
		return nil, fmt.Errorf("encoding the report of run %q: %w", run.ID, err)
	}
	id := NewID("msg_")
	body, err := callback.Message{ID: id, Type: "run." + string(end.State), Timestamp: end.At, Data: data}.Body()
	if err != nil {
		return nil, fmt.Errorf("encoding the report of run %q: %w", run.ID, err)
	}
	return &Callback{ID: id, Run: run.ID, Route: run.Route, Body: body, Created: end.At}, nil
}

// encode gives the report as JSON, with as much of the answer as there is room for.
func (r Report) encode() ([]byte, error) {
	answer := strings.ToValidUTF8(r.Answer, "\uFFFD")
	r.Answer, r.AnswerCut = "", true
	rest, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	r.Answer = fit(answer, min(reportedAnswer, reportedBytes-len(rest)))
	r.AnswerCut = r.Answer != answer
	return json.Marshal(r)
}

// fit cuts a text to the longest start of at most limit bytes, counted as JSON:
// some characters take six bytes there.
func fit(text string, limit int) string {
	start := func(n int) string { return strings.ToValidUTF8(text[:n], "") }
	most := max(0, min(len(text), limit))
	tooLong := sort.Search(most+1, func(n int) bool {
		encoded, err := json.Marshal(start(n))
		return err != nil || len(encoded)-len(`""`) > limit
	})
	return start(max(0, tooLong-1))
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
			made[place{intent.Answer, intent.Index}] = len(calls)
			calls = append(calls, CallReport{Tool: cmp.Or(intent.Tool, intent.Function), Status: "unknown", IdempotencyKey: intent.Key})
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
