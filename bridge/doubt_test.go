package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// sent counts how often calls of a tool took effect.
func (w *world) sent(tool string) int {
	n := 0
	for call, times := range w.effects {
		if strings.HasPrefix(call, tool+" ") {
			n += times
		}
	}
	return n
}

// unknown are the calls that the run waits for a word about.
func (w *world) unknown() []bridge.UnknownCall {
	w.t.Helper()
	calls, err := bridge.Unknown(runID, w.entries())
	if err != nil {
		w.t.Fatal(err)
	}
	return calls
}

// decide has a person decide, and reports whether the run can go on.
func (w *world) decide(r bridge.Ruling) bool {
	w.t.Helper()
	added, ready, err := bridge.Decide(runID, w.entries(), r, w.now)
	if err == nil {
		err = w.journal.Append(context.Background(), w.journal.Lease(runID), added...)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return ready
}

// told is how the run goes on once a person has said of its call in doubt whether it
// took effect.
func (w *world) told(happened bool) bridge.Outcome {
	w.t.Helper()
	r := bridge.Ruling{Verdict: bridge.DidNotHappen, By: "ada"}
	if happened {
		r.Verdict = bridge.Happened
	}
	if !w.decide(r) {
		w.t.Error("the run cannot go on")
	}
	return w.run()
}

// lossy has a model that makes two calls of a write and then says what it knows; the
// answer of the first is lost before or after it took effect.
func lossy(t *testing.T, policy bridge.Policy, took bool) *world {
	w := newWorld(t)
	first := openai.Call{ID: "a", Name: "pay", Arguments: `{"id":"1"}`}
	second := openai.Call{ID: "b", Name: "note", Arguments: `{"id":"2"}`}
	w.model = modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
		if last := r.Messages[len(r.Messages)-1]; last.Role == openai.Tool {
			return says(r.Messages[len(r.Messages)-2].Content + " | " + last.Content), nil
		}
		return asks(first, second), nil
	})
	lost := false
	pay := func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		key, _ := r.Params.Meta.AdditionalFields[bridge.MetaKey].(string)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.made = append(w.made, "pay")
		if lost {
			w.effects["pay "+key]++
			return mcp.NewToolResultText("paid"), nil
		}
		lost = true
		if took {
			w.effects["pay "+key]++
		}
		result := mcp.NewToolResultError("no answer came")
		result.Meta = mcp.NewMetaFromMap(map[string]any{"error": map[string]any{"code": "outcome_unknown"}})
		return result, nil
	}
	w.server.AddTool(mcp.Tool{Name: "pay", Description: "Pays.", RawInputSchema: json.RawMessage(`{"type":"object","properties":{"id":{"type":"string"}}}`),
		Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: bridge.Money, bridge.MetaUnknown: policy})}, pay)
	return w.tool("note", bridge.Write, true, returns("noted")).
		tool("find", bridge.Read, true, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultText(fmt.Sprint(w.sent("pay"))), nil
		})
}

func TestRUN05_UnknownOutcomeAsksAndTheDecisionIsJournaled(t *testing.T) {
	for name, c := range map[string]struct {
		took   bool
		ruling bridge.Ruling
		answer string
		calls  []string
	}{
		"it happened":                {true, bridge.Ruling{Verdict: bridge.Happened, By: "ada", Result: json.RawMessage(`{"id":"p1"}`)}, `{"id":"p1"} | noted`, []string{"pay", "note"}},
		"it happened, no more known": {true, bridge.Ruling{Verdict: bridge.Happened, By: "ada"}, `This call took effect, as a person has found out. What it returned is lost. Do not make it again. | noted`, []string{"pay", "note"}},
		"it did not happen":          {false, bridge.Ruling{Verdict: bridge.DidNotHappen, By: "ada"}, "paid | noted", []string{"pay", "pay", "note"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := lossy(t, bridge.PolicyAsk, c.took)
			got := w.run()
			if got.Status != bridge.Waiting || got.Reason != bridge.OutcomeOpen || !strings.Contains(got.Answer, "no answer came") {
				t.Fatalf("outcome %+v", got)
			}
			open := w.unknown()
			if len(open) != 1 || open[0].Tool != "pay" || string(open[0].Arguments) != `{"id":"1"}` || open[0].Key == "" || !open[0].Since.Equal(w.now) || open[0].Effect != bridge.Money {
				t.Fatalf("unknown %+v", open)
			}
			calls := w.calls()
			if again := w.run(); again.Reason != bridge.OutcomeOpen || !slices.Equal(calls, w.calls()) {
				t.Errorf("looked at again: %+v after calls %v", again, w.calls())
			}
			c.ruling.Call = open[0].Call
			w.decide(c.ruling)
			if got = w.run(); got.Answer != c.answer {
				t.Errorf("answer %q, want %q", got.Answer, c.answer)
			}
			if diff := cmp.Diff(c.calls, w.calls()); diff != "" || w.sent("pay") != 1 {
				t.Errorf("paid %d times, calls %s", w.sent("pay"), diff)
			}
			if d := bodies[bridge.Decision](w, bridge.EntryDecision); len(d) != 1 || d[0].By != "ada" || d[0].Verdict != c.ruling.Verdict {
				t.Errorf("decisions %+v", d)
			}
			if got.Usage.Calls != 2 || bridge.Spent(w.entries()).Calls != 2 {
				t.Errorf("counted %d and %d calls", got.Usage.Calls, bridge.Spent(w.entries()).Calls)
			}
			if _, _, err := bridge.Decide(runID, w.entries(), c.ruling, w.now); !errors.Is(err, bridge.ErrNotUnknown) {
				t.Errorf("decided twice: %v", err)
			}
		})
	}
}

func TestGivenUpCallEndsTheRun(t *testing.T) {
	w := lossy(t, bridge.PolicyAsk, true)
	w.run()
	w.decide(bridge.Ruling{Verdict: bridge.GiveUp, By: "ada"})
	got := w.run()
	if got.Status != bridge.Failed || got.Reason != bridge.OutcomeOpen ||
		got.Answer != "Not finished. It is not known whether the call of pay took effect, and ada gave it up.\nDone: pay (not known whether it took effect)\nLeft undone: note" {
		t.Errorf("outcome %+v", got)
	}
	if err := w.journal.Append(context.Background(), w.journal.Lease(runID), got.Entry(w.now)); err != nil {
		t.Fatal(err)
	}
	// Whoever has it go on is asked once more.
	resume, err := bridge.Resume(runID, w.entries(), "bob", w.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.journal.Append(context.Background(), w.journal.Lease(runID), resume); err != nil {
		t.Fatal(err)
	}
	if got = w.run(); got.Reason != bridge.OutcomeOpen || got.Status != bridge.Waiting {
		t.Errorf("resumed: %+v", got)
	}
	if got = w.told(true); got.Status != bridge.Succeeded || w.sent("pay") != 1 {
		t.Errorf("decided: %+v, paid %d times", got, w.sent("pay"))
	}
}

// TestEveryUnknownCallOfATurnIsDecidedAbout: each holds up the ones behind it.
func TestEveryUnknownCallOfATurnIsDecidedAbout(t *testing.T) {
	w := newWorld(t)
	w.model = answers(asks(openai.Call{ID: "a", Name: "x"}, openai.Call{ID: "b", Name: "x"}), says("ok"))
	w.tool("x", bridge.Write, false, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return nil, errors.New("half way")
	})
	for i := range 2 {
		if got := w.run(); got.Reason != bridge.OutcomeOpen || len(w.unknown()) != 1 || len(w.calls()) != i+1 {
			t.Fatalf("call %d: %+v, unknown %+v", i, got, w.unknown())
		}
		w.decide(bridge.Ruling{Verdict: bridge.Happened, By: "ada"})
	}
	if got := w.run(); got.Answer != "ok" || len(w.calls()) != 2 {
		t.Errorf("outcome %+v", got)
	}
}

func TestDecisionThatMakesNoSenseIsRefused(t *testing.T) {
	w := lossy(t, bridge.PolicyAsk, false)
	w.run()
	call := w.unknown()[0].Call
	for name, r := range map[string]bridge.Ruling{
		"no verdict":                    {Call: call},
		"a result of what did not":      {Call: call, Verdict: bridge.DidNotHappen, Result: json.RawMessage(`{}`)},
		"a result of what was given up": {Call: call, Verdict: bridge.GiveUp, Result: json.RawMessage(`{}`)},
		"another call":                  {Call: call + 1, Verdict: bridge.Happened},
	} {
		if added, _, err := bridge.Decide(runID, w.entries(), r, w.now); err == nil {
			t.Errorf("%s: %+v", name, added)
		}
	}
}

func TestRUN05_LookUpTellsWhatBecameOfACall(t *testing.T) {
	for name, c := range map[string]struct {
		took     bool
		broken   bool // the look-up tells nothing
		findings []bridge.Finding
		answer   string
		reason   bridge.Reason
	}{
		"found":     {true, false, []bridge.Finding{bridge.Found}, "This call took effect. Its own answer was lost; find shows it:\n1 | noted", bridge.Answered},
		"not found": {false, false, []bridge.Finding{bridge.NotFound}, "paid | noted", bridge.Answered},
		"unclear":   {true, true, []bridge.Finding{bridge.Unclear}, "", bridge.OutcomeOpen},
	} {
		t.Run(name, func(t *testing.T) {
			w := lossy(t, bridge.PolicyCheck, c.took)
			fresh := 0
			run := func() bridge.Outcome {
				task := w.task()
				task.Fresh = func(ctx context.Context) context.Context {
					fresh++ // once a look-up: what was read before tells nothing of the call
					return ctx
				}
				task.LookUp = func(tool string, arguments json.RawMessage, key string) (bridge.LookUp, error) {
					if tool != "pay" || string(arguments) != `{"id":"1"}` || key == "" {
						t.Errorf("look-up of %s %s", tool, arguments)
					}
					return bridge.LookUp{Tool: "find", Arguments: json.RawMessage(`{"id":"9"}`), After: time.Minute, Judge: func(content string) (bool, error) {
						if c.broken {
							return false, errors.New("it is neither here nor there")
						}
						return content == "1", nil
					}}, nil
				}
				got, err := bridge.New(w.model, w.options).Run(context.Background(), task)
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			if got := run(); got.Reason != bridge.OutcomeCheck || got.RetryAfter != time.Minute {
				t.Fatalf("outcome %+v, want to wait a minute for the look-up", got)
			}
			w.pass(time.Minute)
			got := run()
			if got.Reason != c.reason || c.answer != "" && got.Answer != c.answer {
				t.Errorf("outcome %+v, want %s %q", got, c.reason, c.answer)
			}
			var findings []bridge.Finding
			for _, checked := range bodies[bridge.Checked](w, bridge.EntryChecked) {
				findings = append(findings, checked.Finding)
			}
			if diff := cmp.Diff(c.findings, findings); diff != "" || w.sent("pay") != 1 {
				t.Errorf("paid %d times, findings %s", w.sent("pay"), diff)
			}
			if fresh != 1 {
				t.Errorf("%d of one look-up were marked as such", fresh)
			}
			if checks := bodies[bridge.Check](w, bridge.EntryCheck); len(checks) != 1 || checks[0].Tool != "find" || string(checks[0].Arguments) != `{"id":"9"}` {
				t.Errorf("checks %+v", checks)
			}
			if c.reason == bridge.OutcomeOpen {
				if open := w.unknown(); len(open) != 1 || open[0].LookedUp != "unclear it is neither here nor there" {
					t.Errorf("unknown %+v", open)
				}
			}
		})
	}
}

// TestLookUpThatIsNoReadIsNotMade: nor is one that nobody knows any more.
func TestLookUpThatIsNoReadIsNotMade(t *testing.T) {
	for name, ask := range map[string]func(string, json.RawMessage, string) (bridge.LookUp, error){
		"none": nil,
		"a write": func(string, json.RawMessage, string) (bridge.LookUp, error) {
			return bridge.LookUp{Tool: "note", Arguments: json.RawMessage(`{}`)}, nil
		},
		"not there any more": func(string, json.RawMessage, string) (bridge.LookUp, error) {
			return bridge.LookUp{}, errors.New("gone")
		},
	} {
		w := lossy(t, bridge.PolicyCheck, true)
		task := w.task()
		task.LookUp = ask
		got, err := bridge.New(w.model, w.options).Run(context.Background(), task)
		if err != nil || got.Reason != bridge.OutcomeOpen || !slices.Equal(w.calls(), []string{"pay"}) {
			t.Errorf("%s: %+v, %v after %v", name, got, err, w.calls())
		}
	}
}

// TestCallThatIsNeverFoundIsSoonAskedAbout: its answer is lost each time.
func TestCallThatIsNeverFoundIsSoonAskedAbout(t *testing.T) {
	w := newWorld(t)
	w.model = answers(asks(openai.Call{ID: "a", Name: "x"}), says("ok"))
	w.server.AddTool(mcp.Tool{Name: "x", RawInputSchema: json.RawMessage(`{"type":"object"}`),
		Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: bridge.Write, bridge.MetaUnknown: bridge.PolicyCheck})},
		w.counted("x", bridge.Write, false, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return nil, errors.New("half way")
		}))
	w.tool("find", bridge.Read, true, returns("nothing"))
	task := w.task()
	task.LookUp = func(string, json.RawMessage, string) (bridge.LookUp, error) {
		return bridge.LookUp{Tool: "find", Arguments: json.RawMessage(`{}`), Judge: func(string) (bool, error) { return false, nil }}, nil
	}
	got, err := bridge.New(w.model, w.options).Run(context.Background(), task)
	if err != nil || got.Reason != bridge.OutcomeOpen || len(w.calls()) != 8 {
		t.Errorf("%+v, %v after %d calls, want four of each", got, err, len(w.calls()))
	}
}

// TestRUN05_RetryIsMadeAgainUnderItsKey where the tool says so, however it was lost.
func TestRUN05_RetryIsMadeAgainUnderItsKey(t *testing.T) {
	w := lossy(t, bridge.PolicyRetry, false)
	if got := w.run(); got.Reason != bridge.ToolsUnavailable {
		t.Fatalf("outcome %+v", got)
	}
	if got := w.run(); got.Answer != "paid | noted" || len(w.effects) != 2 {
		t.Errorf("outcome %+v, effects %v", got, w.effects)
	}
}

// TestServerThatNotesItsCallsIsAskedBeforeAnybodyElse: it makes what it had not come
// to, gives again what it has, and says so if it does not know.
func TestServerThatNotesItsCallsIsAskedBeforeAnybodyElse(t *testing.T) {
	for _, death := range []struct {
		append int
		after  bool
	}{{2, true}, {3, false}} { // behind the intent; before the result
		for _, unknown := range []bool{false, true} {
			w := newWorld(t)
			w.model = answers(asks(openai.Call{ID: "a", Name: "x"}), says("ok"))
			again, marked := 0, 0
			result := mcp.NewToolResultText("done")
			w.server.AddTool(mcp.Tool{Name: "x", RawInputSchema: json.RawMessage(`{"type":"object"}`),
				Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: bridge.Write, bridge.MetaClaims: true})},
				func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
					again++
					if ctx.Value(sure{}) != nil {
						marked++
						return mcp.NewToolResultText("done"), nil
					}
					return result, nil
				})
			if _, err := w.life(&mortal{n: death.append, after: death.after}); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			if unknown {
				result = mcp.NewToolResultError("never settled")
				result.Meta = mcp.NewMetaFromMap(map[string]any{"error": map[string]any{"code": "outcome_unknown"}})
			}
			got := w.run()
			if unknown != (got.Reason == bridge.OutcomeOpen) {
				t.Errorf("%+v, unknown %v: %+v", death, unknown, got)
			}
			if !unknown {
				continue
			}
			w.decide(bridge.Ruling{Verdict: bridge.DidNotHappen, By: "ada"})
			task := w.task()
			task.Again = func(ctx context.Context) context.Context { return context.WithValue(ctx, sure{}, true) }
			if got, err := bridge.New(w.model, w.options).Run(context.Background(), task); err != nil || got.Answer != "ok" || marked != 1 {
				t.Errorf("decided: %+v, %v, %d calls of which %d were marked", got, err, again, marked)
			}
		}
	}
}

type sure struct{}

// TestEveryDeathAroundADecisionMakesTheCallOnce: a decision counts for one call only.
func TestEveryDeathAroundADecisionMakesTheCallOnce(t *testing.T) {
	for n := 1; ; n++ {
		for _, after := range []bool{false, true} {
			w := lossy(t, bridge.PolicyAsk, false)
			w.run()
			w.decide(bridge.Ruling{Verdict: bridge.DidNotHappen, By: "ada"})
			_, err := w.life(&mortal{n: n, after: after})
			if err == nil {
				if n < 4 {
					t.Errorf("only %d appends", n)
				}
				return
			}
			got := w.run()
			if got.Reason == bridge.OutcomeOpen {
				got = w.told(w.sent("pay") > 0)
			}
			if got.Status != bridge.Succeeded || w.sent("pay") != 1 || w.sent("note") != 1 {
				t.Errorf("killed at append %d, after %v: %+v, effects %v", n, after, got, w.effects)
			}
		}
	}
}

// TestJournalsWithoutPoliciesAreRead: intents of older journals name none.
func TestJournalsWithoutPoliciesAreRead(t *testing.T) {
	for _, c := range []struct {
		intent bridge.Intent
		reason bridge.Reason
	}{
		{bridge.Intent{Effect: bridge.Read}, bridge.Answered},
		{bridge.Intent{Effect: bridge.Write, Idempotent: true}, bridge.Answered},
		{bridge.Intent{Effect: bridge.Write}, bridge.OutcomeOpen},
	} {
		w := newWorld(t)
		w.model = answers(asks(openai.Call{ID: "a", Name: "x"}), says("ok"))
		w.tool("x", c.intent.Effect, c.intent.Idempotent, returns("done"))
		if _, err := w.life(&mortal{n: 2}); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		c.intent.Answer, c.intent.Function, c.intent.Tool, c.intent.Arguments, c.intent.Key, c.intent.CallID = 2, "x", "x", json.RawMessage(`{}`), "k", "a"
		body, _ := json.Marshal(c.intent)
		answer, _ := json.Marshal(asks(openai.Call{ID: "a", Name: "x"}))
		if err := w.journal.Append(context.Background(), w.journal.Lease(runID), bridge.Entry{Seq: 2, Kind: bridge.EntryAnswer, At: w.now, Body: answer},
			bridge.Entry{Seq: 3, Kind: bridge.EntryIntent, At: w.now, Body: body}); err != nil {
			t.Fatal(err)
		}
		if got := w.run(); got.Reason != c.reason {
			t.Errorf("%+v: outcome %+v", c.intent, got)
		}
	}
}
