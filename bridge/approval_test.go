package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// desk is a server's memory of what people decide, by the id of the approval.
type desk struct {
	*world
	calling sync.Mutex        // reads come side by side
	made    map[string]string // ids, by key of the call
	stands  map[string]bridge.Standing
	expires time.Time
	asked   []string // calls that were told to wait, in order
	ahead   []string // and those that were only asked about
}

type aheadOnly struct{}

// deskWorld is one whose tools named pay_... need an approval each.
func deskWorld(t *testing.T) *desk {
	w := newWorld(t)
	d := &desk{world: w, made: map[string]string{}, stands: map[string]bridge.Standing{}, expires: w.now.Add(time.Hour)}
	w.between = func(t transport.Interface) transport.Interface { return direct{t, w} }
	w.tool("note", bridge.Write, true, returns("noted"))
	d.guarded("pay", bridge.Money).guarded("send", bridge.Message).guarded("peek", bridge.Read)
	return d
}

// direct is a transport with a way beside JSON-RPC, on which contexts reach the tools.
type direct struct {
	transport.Interface
	w *world
}

func (d direct) CallTool(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if ctx.Value(aheadOnly{}) != nil && r.Params.Name == "note" {
		return mcp.NewToolResultError("this needs no approval, and was not made"), nil
	}
	tool := d.w.server.GetTool(r.Params.Name)
	if tool == nil {
		return mcp.NewToolResultError("there is no such tool"), nil
	}
	return tool.Handler(ctx, r)
}

// guarded adds a tool whose calls wait until somebody has agreed.
func (d *desk) guarded(name string, effect bridge.Effect) *desk {
	act := d.counted(name, effect, true, returns(name+" done"))
	d.server.AddTool(mcp.Tool{
		Name: name, Description: "A tool of the test.", RawInputSchema: json.RawMessage(`{"type":"object","properties":{"id":{"type":"string"}}}`),
		Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: effect, bridge.MetaClaims: true}),
	}, func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		key, _ := r.Params.Meta.AdditionalFields[bridge.MetaKey].(string)
		d.calling.Lock()
		defer d.calling.Unlock()
		id := d.made[key]
		if id == "" {
			var in struct{ ID string }
			_ = json.Unmarshal(r.Params.RawArguments, &in)
			id = "apr_" + in.ID
			d.made[key] = id
		}
		switch s := d.stands[id]; s.State {
		case bridge.ApprovalApproved:
			return act(ctx, r)
		case "":
			if ctx.Value(aheadOnly{}) != nil {
				d.ahead = append(d.ahead, name)
			}
			d.asked = append(d.asked, id)
			result := mcp.NewToolResultError("approval_required: ask the lead about " + id)
			result.Meta = mcp.NewMetaFromMap(map[string]any{
				"error":               map[string]any{"code": "approval_required"},
				"drawbridge/approval": map[string]any{"id": id, "expires_at": d.expires.Format(time.RFC3339), "state": "pending"},
			})
			return result, nil
		default:
			return mcp.NewToolResultError(fmt.Sprintf("denied: %s %s: %s", id, s.State, s.Reason)), nil
		}
	})
	return d
}

func (d *desk) task() bridge.Task {
	task := d.world.task()
	task.Approval = func(_ context.Context, id string) (bridge.Standing, error) {
		if s, decided := d.stands[id]; decided {
			return s, nil
		}
		if !d.now.Before(d.expires) {
			d.stands[id] = bridge.Standing{State: bridge.ApprovalExpired}
			return d.stands[id], nil
		}
		return bridge.Standing{State: bridge.ApprovalPending}, nil
	}
	task.Ahead = func(ctx context.Context) context.Context { return context.WithValue(ctx, aheadOnly{}, true) }
	return task
}

func (d *desk) life(m *mortal) (bridge.Outcome, error) {
	task := d.task()
	m.Journal, task.Journal = d.journal, m
	outcome, err := bridge.New(d.model, d.options).Run(context.Background(), task)
	if err == nil {
		d.ended = outcome
	}
	return outcome, err
}

func (d *desk) run() bridge.Outcome {
	d.t.Helper()
	outcome, err := d.life(&mortal{})
	if err != nil {
		d.t.Fatal(err)
	}
	return outcome
}

func (d *desk) decide(id string, state bridge.ApprovalState, reason string) {
	d.stands[id] = bridge.Standing{State: state, By: "ada", Reason: reason}
}

// awaited are the ids that the run waits for.
func (d *desk) awaited() []string {
	d.t.Helper()
	list, err := bridge.Approvals(runID, d.entries())
	if err != nil {
		d.t.Fatal(err)
	}
	var ids []string
	for _, a := range list {
		id := a.ID
		if a.Next {
			id += "!"
		}
		ids = append(ids, id)
	}
	return ids
}

func call(id, name string) openai.Call {
	return openai.Call{ID: id, Name: name, Arguments: fmt.Sprintf(`{"id":%q}`, id)}
}

// repeatsResults is a model that says what its calls came to.
func repeatsResults() bridge.Model {
	return modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
		var told []string
		for _, m := range r.Messages {
			if m.Role == openai.Tool {
				told = append(told, m.Content)
			}
		}
		return says(strings.Join(told, " | ")), nil
	})
}

// then is a model that makes these calls, and then says what they came to.
func then(calls ...openai.Call) bridge.Model {
	return modelFunc(func(ctx context.Context, r openai.Request) (openai.Answer, error) {
		if r.Messages[len(r.Messages)-1].Role == openai.Tool {
			return repeatsResults().Complete(ctx, r)
		}
		return asks(calls...), nil
	})
}

func TestCallThatNeedsAnApprovalWaitsAndIsMadeOnceItIsDecided(t *testing.T) {
	for state, want := range map[bridge.ApprovalState]string{
		bridge.ApprovalApproved: "pay done",
		bridge.ApprovalDenied:   "error: denied: apr_a denied: too much",
		bridge.ApprovalExpired:  "error: denied: apr_a expired: ",
	} {
		t.Run(string(state), func(t *testing.T) {
			d := deskWorld(t)
			d.model = then(call("a", "pay"))
			got := d.run()
			if got.Status != bridge.Waiting || got.Reason != bridge.ApprovalNeeded || got.RetryAfter != time.Hour || !slices.Equal(got.Approvals, []string{"apr_a"}) {
				t.Fatalf("outcome %+v", got)
			}
			list, err := bridge.Approvals(runID, d.entries())
			if err != nil || len(list) != 1 || list[0].Tool != "pay" || string(list[0].Arguments) != `{"id":"a"}` || !list[0].Expires.Equal(d.expires) || !list[0].Asked.Equal(d.now) || !strings.Contains(list[0].Why, "ask the lead") {
				t.Fatalf("waits for %+v (%v)", list, err)
			}
			before := len(d.entries())
			d.pass(10 * time.Minute)
			if again := d.run(); again.Reason != bridge.ApprovalNeeded || len(d.entries()) != before || len(d.asked) != 1 || again.RetryAfter != 50*time.Minute {
				t.Fatalf("looked at again: %+v, %d entries, asked %v", again, len(d.entries())-before, d.asked)
			}
			if state == bridge.ApprovalExpired {
				d.pass(time.Hour)
			} else {
				d.decide("apr_a", state, "too much")
			}
			if got = d.run(); got.Status != bridge.Succeeded || got.Answer != want {
				t.Errorf("outcome %+v", got)
			}
			if paid := d.sent("pay"); paid != map[bool]int{true: 1}[state == bridge.ApprovalApproved] {
				t.Errorf("paid %d times", paid)
			}
			decided := bodies[bridge.Approved](d.world, bridge.EntryApproved)
			if len(decided) != 1 || decided[0].ID != "apr_a" || decided[0].State != state || state != bridge.ApprovalExpired && (decided[0].Reason != "too much" || decided[0].By != "ada") {
				t.Errorf("decided %+v", decided)
			}
			intents := bodies[bridge.Intent](d.world, bridge.EntryIntent)
			if len(intents) != 2 || intents[0].Key != intents[1].Key || got.Usage.Calls != 1 || bridge.Spent(d.entries()).Calls != 1 {
				t.Errorf("intents %+v, %d calls counted", intents, got.Usage.Calls)
			}
		})
	}
}

// TestCallsBehindOneThatWaitsKeepTheirTurn: what they need is asked for meanwhile, and
// nothing of them is made before the one ahead of them.
func TestCallsBehindOneThatWaitsKeepTheirTurn(t *testing.T) {
	for name, first := range map[string]string{"in the order of the calls": "apr_a", "the later one first": "apr_c"} {
		t.Run(name, func(t *testing.T) {
			d := deskWorld(t)
			d.model = then(call("a", "pay"), call("b", "note"), call("c", "send"))
			if got := d.run(); got.Reason != bridge.ApprovalNeeded || !slices.Equal(got.Approvals, []string{"apr_a"}) {
				t.Fatalf("outcome %+v", got)
			}
			if diff := cmp.Diff([]string{"apr_a!", "apr_c"}, d.awaited()); diff != "" {
				t.Fatal(diff)
			}
			if diff := cmp.Diff([]string{"send"}, d.ahead); diff != "" || len(d.effects) != 0 {
				t.Fatalf("asked ahead: %s\nmade: %v", diff, d.effects)
			}
			second := map[string]string{"apr_a": "apr_c", "apr_c": "apr_a"}[first]
			d.decide(first, bridge.ApprovalApproved, "")
			got := d.run()
			made := []string{"pay", "note"}
			if first == "apr_c" {
				made = nil
			}
			if diff := cmp.Diff(made, d.calls()); got.Reason != bridge.ApprovalNeeded || got.Approvals[0] != second || diff != "" {
				t.Fatalf("outcome %+v, made %v", got, d.calls())
			}
			d.decide(second, bridge.ApprovalDenied, "no")
			got = d.run()
			want := map[string]string{"apr_a": "pay done | noted | error: denied: apr_c denied: no", "apr_c": "error: denied: apr_a denied: no | noted | send done"}[first]
			if got.Answer != want || got.Usage.Calls != 3 {
				t.Errorf("outcome %+v, want %q", got, want)
			}
		})
	}
}

func TestReadsThatNeedAnApprovalWaitTogether(t *testing.T) {
	d := deskWorld(t)
	d.tool("look", bridge.Read, true, returns("seen"))
	d.model = then(call("a", "peek"), call("b", "look"), call("c", "peek"))
	got := d.run()
	if diff := cmp.Diff([]string{"apr_a", "apr_c"}, got.Approvals); diff != "" || !slices.Equal(d.calls(), []string{"look"}) {
		t.Fatalf("%+v, made %v", got, d.calls())
	}
	if diff := cmp.Diff([]string{"apr_a!", "apr_c!"}, d.awaited()); diff != "" {
		t.Error(diff)
	}
	d.decide("apr_c", bridge.ApprovalApproved, "")
	if got = d.run(); !slices.Equal(got.Approvals, []string{"apr_a"}) || len(d.calls()) != 2 {
		t.Fatalf("%+v, made %v", got, d.calls())
	}
	d.decide("apr_a", bridge.ApprovalDenied, "no")
	if got = d.run(); got.Answer != "error: denied: apr_a denied: no | seen | peek done" {
		t.Errorf("outcome %+v", got)
	}
}

// TestRunThatIsCancelledWhileItWaitsHasNotMadeTheCall: nobody is told that something may have happened.
func TestRunThatIsCancelledWhileItWaitsHasNotMadeTheCall(t *testing.T) {
	d := deskWorld(t)
	d.model = then(call("a", "pay"))
	d.run()
	end, err := bridge.Cancel(runID, d.entries(), "by ada")
	if err != nil || end.Answer != "Cancelled: by ada\nLeft undone: pay" {
		t.Fatalf("%q (%v)", end.Answer, err)
	}
	d.ended = end // for its replay
}

func TestWaitingForAnApprovalTakesNothingOfTheBudget(t *testing.T) {
	d := deskWorld(t)
	d.agent.Budget = bridge.Budget{Wall: time.Minute}
	d.model = then(call("a", "pay"))
	d.run()
	d.pass(50 * time.Minute) // nobody works on it: world.worked stays
	d.decide("apr_a", bridge.ApprovalApproved, "")
	if got := d.run(); got.Status != bridge.Succeeded || d.sent("pay") != 1 {
		t.Errorf("outcome %+v", got)
	}
}

// TestEveryDeathAroundAnApprovalEndsInTheSameOutcome kills the run at each append, before and
// after people have decided.
func TestEveryDeathAroundAnApprovalEndsInTheSameOutcome(t *testing.T) {
	world := func(t *testing.T) *desk {
		d := deskWorld(t)
		d.model = then(call("a", "pay"), call("b", "note"), call("c", "send"))
		return d
	}
	// carried is the whole of the run, decisions included; once a death was died it lives on.
	carried := func(d *desk, m *mortal) (bridge.Outcome, int) {
		deaths := 0
		for {
			outcome, err := d.life(m)
			if errors.Is(err, errKilled) {
				deaths++
				m = &mortal{}
				continue
			} else if err != nil {
				d.t.Fatal(err)
			}
			if outcome.Reason != bridge.ApprovalNeeded {
				return outcome, deaths
			}
			d.decide(outcome.Approvals[0], map[string]bridge.ApprovalState{"apr_a": bridge.ApprovalApproved}[outcome.Approvals[0]], "")
			if outcome.Approvals[0] != "apr_a" {
				d.decide(outcome.Approvals[0], bridge.ApprovalDenied, "no")
			}
		}
	}
	whole := world(t)
	want, _ := carried(whole, &mortal{})
	if want.Answer != "pay done | noted | error: denied: apr_c denied: no" {
		t.Fatalf("outcome %+v", want)
	}
	for n := 1; ; n++ {
		for _, after := range []bool{false, true} {
			d := world(t)
			got, died := carried(d, &mortal{n: n, after: after})
			if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
				t.Errorf("killed at append %d, after %v:\n%s", n, after, diff)
			}
			if diff := cmp.Diff(whole.effects, d.effects); diff != "" {
				t.Errorf("killed at append %d, after %v: %s", n, after, diff)
			}
			if died == 0 {
				if n < 8 {
					t.Errorf("only %d appends", n)
				}
				return
			}
		}
	}
}

func TestAnApprovalThatWasAgainNeededIsWaitedForAgain(t *testing.T) {
	d := deskWorld(t)
	d.model = then(call("a", "pay"))
	d.run()
	d.decide("apr_a", bridge.ApprovalApproved, "")
	for key := range d.made { // the rules have changed meanwhile: it counts no more
		d.made[key] = "apr_9"
	}
	if got := d.run(); got.Reason != bridge.ApprovalNeeded || !slices.Equal(got.Approvals, []string{"apr_9"}) {
		t.Fatalf("outcome %+v", got)
	}
	d.decide("apr_9", bridge.ApprovalApproved, "")
	if got := d.run(); got.Answer != "pay done" || d.sent("pay") != 1 {
		t.Errorf("outcome %+v", got)
	}
}
