package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
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
	State     State        `json:"state"`
	Reason    string       `json:"reason"`
	Answer    string       `json:"answer"`
	AnswerCut bool         `json:"answer_cut,omitempty"`
	Usage     bridge.Usage `json:"usage"`
	Calls     []CallReport `json:"calls"`
}

// CallReport is one tool call of a run.
type CallReport struct {
	Tool           string `json:"tool"`
	Status         string `json:"status"` // ok, error, or unknown: nobody can say whether it took effect
	IdempotencyKey string `json:"idempotency_key,omitempty"`
}

// reportedAnswer and reportedCalls keep a callback below 20 kB (DEL-02).
const (
	reportedAnswer = 8 << 10
	reportedCalls  = 50
)

func (d *Dispatcher) report(ctx context.Context, run Run, end Ending) (*Callback, error) {
	entries, err := d.store.Entries(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	calls, err := Calls(entries)
	if err != nil {
		return nil, err
	}
	o := end.Outcome
	report := Report{Run: run.ID, Event: run.Event, Source: run.Source, Agent: run.Agent, State: end.State, Reason: string(o.Reason),
		Answer: o.Answer, Usage: o.Usage, Calls: calls[max(0, len(calls)-reportedCalls):]}
	if len(report.Answer) > reportedAnswer {
		report.Answer, report.AnswerCut = strings.ToValidUTF8(report.Answer[:reportedAnswer], ""), true
	}
	data, err := json.Marshal(report)
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
			calls = append(calls, CallReport{Tool: intent.Function, Status: "unknown", IdempotencyKey: intent.Key})
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
