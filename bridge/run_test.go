package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// refund reads two things, changes two things in order, and reports.
const refund = `
scenes:
  - when: {turn: 1}
    say: I will look.
    call:
      - tool: payment_get
        with: {id: '{{ match "pi_[0-9]+" }}'}
      - tool: crm_find
  - when: {last_tool: crm_find}
    call:
      - tool: payment_refund
        with: {id: '{{ result "payment_get" "id" }}'}
      - tool: crm_note
  - when: {last_tool: crm_note}
    say: 'Refunded {{ result "payment_refund" "amount" }}.'
`

func refundWorld(t *testing.T) *world {
	return newWorld(t).rehearse(refund).
		tool("payment_get", bridge.Read, true, returns(`{"id":"pi_7"}`)).
		tool("crm_find", bridge.Read, true, returns("Ada")).
		tool("payment_refund", bridge.Money, true, returns(`{"amount":500}`)).
		tool("crm_note", bridge.Write, true, returns("noted"))
}

var ignoreUnexported = cmpopts.IgnoreUnexported(bridge.Outcome{})

func TestThreeTurnsEndInTheAnswer(t *testing.T) {
	w := refundWorld(t)
	got := w.run()
	want := bridge.Outcome{
		Status: bridge.Succeeded, Reason: bridge.Answered, Answer: "Refunded 500.",
		Usage: bridge.Usage{Turns: 3, Calls: 4, PromptTokens: got.Usage.PromptTokens, CompletionTokens: got.Usage.CompletionTokens},
	}
	if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
		t.Error(diff)
	}
	if got.Usage.PromptTokens == 0 || got.Usage.CompletionTokens == 0 {
		t.Errorf("no tokens counted: %+v", got.Usage)
	}
	if diff := cmp.Diff([]string{"payment_refund", "crm_note"}, w.calls()[2:]); diff != "" {
		t.Error(diff)
	}
}

func TestTurnCostsAsFewCommitsAsItsPromisesAllow(t *testing.T) {
	w := refundWorld(t)
	task := w.task()
	journal := &commits{Journal: w.journal}
	task.Journal = journal
	if _, err := bridge.New(w.model, w.options).Run(context.Background(), task); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"brief",
		"answer intent intent", // two reads
		"result result",
		"answer intent", // two writes, in order
		"result intent",
		"result",
		"answer",
	}
	if diff := cmp.Diff(want, journal.seen); diff != "" {
		t.Error(diff)
	}
}

func TestBriefSaysWhatTheRunBeganWith(t *testing.T) {
	w := refundWorld(t)
	w.agent.Budget.Turns = 7
	w.run()
	got := bodies[bridge.Brief](w, bridge.EntryBrief)[0]
	budget := bridge.DefaultBudget
	budget.Turns = 7
	want := bridge.Brief{
		Agent: "desk", Model: "rehearsal", Instructions: "You work at the desk.", Prompt: "Please see to pi_7.",
		Budget: budget, Window: 128_000, ResultLimit: 8192, FunctionsHash: got.FunctionsHash,
		Functions: []string{"read_result", "crm_find", "crm_note", "payment_get", "payment_refund"},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got.FunctionsHash) != 64 {
		t.Error(got.FunctionsHash, diff)
	}
}

func TestFinishedRunAsksAndCallsNothingAgain(t *testing.T) {
	w := refundWorld(t)
	first := w.run()
	requests, calls := len(w.requests), len(w.calls())
	w.agent.Instructions, w.agent.Budget.Turns = "Changed.", 1 // a new configuration
	second := w.run()
	if diff := cmp.Diff(first, second, ignoreUnexported); diff != "" {
		t.Error(diff)
	}
	if len(w.requests) != requests || len(w.calls()) != calls {
		t.Error("the model was asked or a tool called again")
	}
}

func TestJournaledOutcomeIsTheOutcome(t *testing.T) {
	w := refundWorld(t)
	task := w.task()
	b := bridge.New(w.model, w.options)
	first, err := b.Run(context.Background(), task)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.journal.Append(context.Background(), task.Lease, first.Entry(w.now)); err != nil {
		t.Fatal(err)
	}
	task.Session = nil // not so much as a look at the tools
	second, err := b.Run(context.Background(), task)
	if diff := cmp.Diff(first, second, ignoreUnexported); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestReadsOfOneTurnOverlap(t *testing.T) {
	w := newWorld(t).rehearse(`
scenes:
  - when: {turn: 1}
    call: [{tool: a}, {tool: b}, {tool: c}]
  - say: 'done: {{ result "a" }} {{ result "b" }} {{ result "c" }}'
`)
	w.options.CallTimeout = 10 * time.Second // ends the test if they do not
	arrived, all := make(chan struct{}, 3), make(chan struct{})
	go func() {
		for range 3 {
			<-arrived
		}
		close(all)
	}()
	for _, name := range []string{"a", "b", "c"} {
		w.tool(name, bridge.Read, true, func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			arrived <- struct{}{}
			select {
			case <-all:
				return mcp.NewToolResultText("x" + name), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
	}
	if got := w.run().Answer; got != "done: xa xb xc" {
		t.Errorf("answer %q, want each result under its own call", got)
	}
}

func TestReadsSideBySideAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := make([]openai.Call, 12)
		for i := range calls {
			calls[i] = openai.Call{Name: "a"}
		}
		w := newWorld(t)
		w.model = answers(asks(calls...), says("done"))
		w.options.Concurrency = 3
		var active atomic.Int32
		release := make(chan struct{})
		w.tool("a", bridge.Read, true, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			active.Add(1)
			defer active.Add(-1)
			<-release
			return mcp.NewToolResultText("x"), nil
		})
		ended := make(chan bridge.Outcome)
		go func() { ended <- w.run() }()
		for range calls {
			synctest.Wait() // everybody who can come in is in
			if n := active.Load(); n > 3 {
				t.Errorf("%d reads at once, want at most 3", n)
			}
			release <- struct{}{}
		}
		if got := <-ended; got.Usage.Calls != 12 {
			t.Errorf("outcome %+v, want 12 calls", got)
		}
	})
}

func TestTurnThatChangesSomethingKeepsTheOrderGiven(t *testing.T) {
	w := newWorld(t).rehearse(`
scenes:
  - when: {turn: 1}
    call: [{tool: read_a}, {tool: write_b}, {tool: read_c}, {tool: write_d}, {tool: read_e}]
  - say: done
`)
	var active atomic.Int32
	alone := func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if active.Add(1) != 1 {
			t.Error("two calls at once")
		}
		defer active.Add(-1)
		return mcp.NewToolResultText("ok"), nil
	}
	order := []string{"read_a", "write_b", "read_c", "write_d", "read_e"}
	for _, name := range order {
		effect := bridge.Read
		if strings.HasPrefix(name, "write") {
			effect = bridge.Write
		}
		w.tool(name, effect, false, alone)
	}
	w.run()
	if diff := cmp.Diff(order, w.calls()); diff != "" {
		t.Error(diff)
	}
}

func TestToolErrorGoesToTheModelAsText(t *testing.T) {
	w := newWorld(t).rehearse(`
scenes:
  - when: {turn: 1}
    call: [{tool: crm_find}]
  - when: {last_result: '^error: no customer of that id'}
    say: I will say so.
`).tool("crm_find", bridge.Read, true, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultError("no customer of that id; search by name first"), nil
	})
	if got := w.run(); got.Answer != "I will say so." {
		t.Errorf("answer %q", got.Answer)
	}
	if r := w.results()[0]; !r.IsError || r.Code != "" {
		t.Errorf("journaled %+v", r)
	}
}

func TestFinalAnswersAreNamedByWhatTheyAre(t *testing.T) {
	call := openai.Call{ID: "a", Name: "crm_note", Arguments: "{}"}
	for name, c := range map[string]struct {
		answer openai.Answer
		status bridge.Status
		reason bridge.Reason
		text   string
	}{
		"words":               {says("Hello."), bridge.Succeeded, bridge.Answered, "Hello."},
		"refusal":             {openai.Answer{Refusal: "I will not.", Finish: openai.FinishStop}, bridge.Failed, bridge.ModelRefused, "I will not."},
		"refusal with a call": {openai.Answer{Refusal: "I will not.", Calls: []openai.Call{call}}, bridge.Failed, bridge.ModelRefused, "Left undone: crm_note"},
		"filtered":            {openai.Answer{Finish: openai.FinishFiltered}, bridge.Failed, bridge.ContentFiltered, "withheld"},
		"filtered in a call":  {openai.Answer{Calls: []openai.Call{call}, Finish: openai.FinishFiltered}, bridge.Failed, bridge.ContentFiltered, "Left undone: crm_note"},
		"cut":                 {openai.Answer{Content: "Once upon", Finish: openai.FinishLength}, bridge.Failed, bridge.Length, "Once upon"},
		"cut before a word":   {openai.Answer{Finish: openai.FinishLength}, bridge.Failed, bridge.Length, "cut off at its limit"},
		"calls, it says":      {openai.Answer{Content: "Hm.", Finish: openai.FinishCalls}, bridge.Succeeded, bridge.Answered, "Hm."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).tool("crm_note", bridge.Write, true, returns("noted"))
			w.model = answers(c.answer)
			got := w.run()
			if got.Status != c.status || got.Reason != c.reason || !strings.Contains(got.Answer, c.text) {
				t.Errorf("outcome %+v, want %s, %s, %q", got, c.status, c.reason, c.text)
			}
			if len(w.calls()) != 0 {
				t.Errorf("called %v", w.calls())
			}
		})
	}
}

func TestUnavailableModelParksTheRun(t *testing.T) {
	w := refundWorld(t)
	up := w.model
	w.serve(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "30")
		rw.WriteHeader(http.StatusTooManyRequests)
	})
	got := w.run()
	if got.Status != bridge.Waiting || got.Reason != bridge.ModelUnavailable || got.RetryAfter != 30*time.Second {
		t.Errorf("outcome %+v, want waiting 30 s for the model", got)
	}
	w.model = up
	if got := w.run(); got.Answer != "Refunded 500." {
		t.Errorf("later: %+v", got)
	}
}

func TestUnknownModelErrorParksTheRun(t *testing.T) {
	w := newWorld(t)
	w.model = modelFunc(func(context.Context, openai.Request) (openai.Answer, error) {
		return openai.Answer{}, errors.New("who knows")
	})
	if got := w.run(); got.Status != bridge.Waiting || got.Reason != bridge.ModelUnavailable {
		t.Errorf("outcome %+v", got)
	}
}

func TestPermanentModelErrorFailsTheRun(t *testing.T) {
	w := refundWorld(t)
	w.agent.Model = "gpt-5"
	got := w.run()
	if got.Status != bridge.Failed || got.Reason != bridge.ModelError || !strings.Contains(got.Answer, `the model "gpt-5" does not exist`) {
		t.Errorf("outcome %+v", got)
	}
}

func TestForeignJournalIsRefused(t *testing.T) {
	brief := bridge.Entry{Seq: 1, Kind: bridge.EntryBrief, Body: json.RawMessage(`{}`)}
	for name, entries := range map[string][]bridge.Entry{
		"no brief":           {{Seq: 1, Kind: bridge.EntryAnswer, Body: json.RawMessage(`{}`)}},
		"two briefs":         {brief, {Seq: 2, Kind: bridge.EntryBrief, Body: json.RawMessage(`{}`)}},
		"not JSON":           {{Seq: 1, Kind: bridge.EntryBrief, Body: json.RawMessage(`{`)}},
		"unknown kind":       {brief, {Seq: 2, Kind: "dream", Body: json.RawMessage(`{}`)}},
		"result of nothing":  {brief, {Seq: 2, Kind: bridge.EntryResult, Body: json.RawMessage(`{"answer":2}`)}},
		"intent of nothing":  {brief, {Seq: 2, Kind: bridge.EntryIntent, Body: json.RawMessage(`{"answer":2}`)}},
		"after the outcome":  {brief, {Seq: 2, Kind: bridge.EntryOutcome, Body: json.RawMessage(`{}`)}, {Seq: 3, Kind: bridge.EntryAnswer, Body: json.RawMessage(`{}`)}},
		"index out of range": {brief, {Seq: 2, Kind: bridge.EntryAnswer, Body: json.RawMessage(`{}`)}, {Seq: 3, Kind: bridge.EntryIntent, Body: json.RawMessage(`{"answer":2,"index":-1}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			task := w.task()
			if err := w.journal.Append(context.Background(), task.Lease, entries...); err != nil {
				t.Fatal(err)
			}
			_, err := bridge.New(w.model, w.options).Run(context.Background(), task)
			if err == nil || !strings.Contains(err.Error(), `replaying the journal of run "run_1": entry `) {
				t.Errorf("error %v", err)
			}
		})
	}
}
