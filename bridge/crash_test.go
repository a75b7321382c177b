package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

var errKilled = errors.New("killed")

// mortal is a journal whose process is killed at its n-th append: before it takes
// hold, or after, when it is on disk but nobody was told. n = 0 lives for ever.
type mortal struct {
	bridge.Journal
	n     int
	after bool
	count int
}

func (m *mortal) Append(ctx context.Context, lease bridge.Lease, entries ...bridge.Entry) error {
	m.count++
	switch {
	case m.n == 0 || m.count < m.n:
		return m.Journal.Append(ctx, lease, entries...)
	case m.count > m.n:
		panic("the bridge went on after its death")
	case m.after:
		if err := m.Journal.Append(ctx, lease, entries...); err != nil {
			return err
		}
	}
	return errKilled
}

// life gives the run to a fresh bridge for as long as the journal lets it.
func (w *world) life(m *mortal) (bridge.Outcome, error) {
	task := w.task()
	m.Journal, task.Journal = w.journal, m
	return bridge.New(w.model, w.options).Run(context.Background(), task)
}

// deaths calls test for every way to die at one of the appends of a whole life,
// twice over: the second life is killed at each of its own appends as well.
func deaths(t *testing.T, make func(t *testing.T) *world, test func(t *testing.T, w *world)) {
	for n := 1; ; n++ {
		for _, after := range []bool{false, true} {
			for m := 0; ; m++ {
				w := make(t)
				if _, err := w.life(&mortal{n: n, after: after}); err == nil {
					return // it lived to its end: every death has been died
				} else if !errors.Is(err, errKilled) {
					t.Fatalf("killed at append %d: %v", n, err)
				}
				over := false
				if m > 0 {
					_, err := w.life(&mortal{n: m, after: (n+m)%2 == 0})
					over = err == nil
				}
				t.Run(fmt.Sprintf("append %d, after %v, then %d", n, after, m), func(t *testing.T) {
					w.t = t
					test(t, w)
				})
				if over {
					break
				}
			}
		}
	}
}

func TestEveryDeathEndsInTheSameOutcomeWithEachEffectOnce(t *testing.T) {
	whole := refundWorld(t)
	want := whole.run()
	tried := 0
	deaths(t, refundWorld, func(t *testing.T, w *world) {
		tried++
		got := w.run()
		if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(whole.effects, w.effects); diff != "" {
			t.Errorf("effects, once a key each (-whole life +this):\n%s", diff)
		}
		for _, request := range w.requests {
			if !slices.Contains(whole.requests, request) {
				t.Errorf("asked the model what a whole life would not have:\n%s", request)
			}
		}
	})
	if tried < 30 {
		t.Errorf("died %d deaths, want every append of both lives", tried)
	}
}

// mail sends a message with a tool that honours no key.
const mail = `
scenes:
  - when: {turn: 1}
    call: [{tool: email_send}, {tool: crm_note}]
  - when: {turn: 2}
    call: [{tool: crm_find}]
  - when: {turn: 3}
    say: '{{ result "email_send" }}'
`

func mailWorld(t *testing.T) *world {
	return newWorld(t).rehearse(mail).
		tool("email_send", bridge.Message, false, returns("sent")).
		tool("crm_note", bridge.Write, true, returns("noted")).
		tool("crm_find", bridge.Read, true, returns("Ada"))
}

func TestEveryDeathSendsOnceAndNeverGuesses(t *testing.T) {
	unknown := 0
	deaths(t, mailWorld, func(t *testing.T, w *world) {
		got := w.run()
		if got.Reason == bridge.OutcomeOpen {
			unknown++
			got = w.told(w.sent("email_send") > 0)
		}
		for call, times := range w.effects {
			if times != 1 {
				t.Errorf("%s took effect %d times", call, times)
			}
		}
		if got.Status != bridge.Succeeded || w.sent("email_send") != 1 || got.Answer != "sent" && !strings.HasPrefix(got.Answer, "This call took effect") {
			t.Errorf("sent %d times, outcome %+v", w.sent("email_send"), got)
		}
	})
	if unknown == 0 {
		t.Error("no death left the outcome unknown: the test missed the gap it is for")
	}
}

func TestLostLeaseStopsTheRunAtOnce(t *testing.T) {
	w := newWorld(t).rehearse(mail)
	w.tool("crm_note", bridge.Write, true, returns("noted"))
	w.tool("email_send", bridge.Message, false, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		w.journal.Lease(runID) // another worker takes over meanwhile
		return mcp.NewToolResultText("sent"), nil
	})
	_, err := bridge.New(w.model, w.options).Run(context.Background(), w.task())
	if !errors.Is(err, bridge.ErrFenced) {
		t.Fatalf("error %v, want ErrFenced", err)
	}
	if diff := cmp.Diff([]string{"email_send"}, w.calls()); diff != "" {
		t.Error(diff)
	}
	if len(w.results()) != 0 {
		t.Error("the stale worker journaled a result")
	}
}

func TestStoppedRunWaitsForItsWriteAndJournalsIt(t *testing.T) {
	w := newWorld(t).rehearse(mail).tool("crm_note", bridge.Write, true, returns("noted"))
	ctx, cancel := context.WithCancel(context.Background())
	w.tool("email_send", bridge.Message, false, func(calling context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		cancel()
		return mcp.NewToolResultText("sent"), calling.Err()
	})
	_, err := bridge.New(w.model, w.options).Run(ctx, w.task())
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want the context's", err)
	}
	if diff := cmp.Diff([]string{"email_send"}, w.calls()); diff != "" {
		t.Error(diff)
	}
	if r := w.results(); len(r) != 1 || r[0].Content != "sent" {
		t.Errorf("journaled %+v, want the message as sent", r)
	}
}

func TestStoppedRunBreaksItsReadsOffAndMakesThemAgain(t *testing.T) {
	w := newWorld(t).rehearse(refund).
		tool("payment_get", bridge.Read, true, returns(`{"id":"pi_7"}`)).
		tool("payment_refund", bridge.Money, true, returns(`{"amount":500}`)).
		tool("crm_note", bridge.Write, true, returns("noted"))
	ctx, cancel := context.WithCancel(context.Background())
	first := true
	w.tool("crm_find", bridge.Read, true, func(calling context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if first {
			first = false
			cancel()
			<-calling.Done()
			return nil, calling.Err()
		}
		return mcp.NewToolResultText("Ada"), nil
	})
	if _, err := bridge.New(w.model, w.options).Run(ctx, w.task()); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want the context's", err)
	}
	for _, r := range w.results() {
		if r.IsError {
			t.Errorf("journaled the breaking off as a result: %+v", r)
		}
	}
	if got := w.run(); got.Answer != "Refunded 500." {
		t.Errorf("resumed: %+v", got)
	}
}

func TestAnswerOfAStoppedRunIsKept(t *testing.T) {
	w := refundWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	w.model = cancelling{w.model, cancel}
	if _, err := bridge.New(w.model, w.options).Run(ctx, w.task()); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want the context's", err)
	}
	if e := w.entries(); len(e) != 2 || e[1].Kind != bridge.EntryAnswer {
		t.Errorf("journaled %d entries, want the answer and no intent", len(e))
	}
	if len(w.calls()) != 0 {
		t.Errorf("called %v", w.calls())
	}
}

// cancelling is a model during whose answer the run is stopped.
type cancelling struct {
	bridge.Model
	cancel context.CancelFunc
}

func (c cancelling) Complete(ctx context.Context, r openai.Request) (openai.Answer, error) {
	a, err := c.Model.Complete(ctx, r)
	c.cancel()
	return a, err
}

// severed is a transport that loses the answers to calls while told to.
type severed struct {
	transport.Interface
	lose *int // how many more
}

func (s severed) SendRequest(ctx context.Context, r transport.JSONRPCRequest) (*transport.JSONRPCResponse, error) {
	response, err := s.Interface.SendRequest(ctx, r)
	if r.Method == string(mcp.MethodToolsCall) && *s.lose > 0 {
		*s.lose--
		return nil, errors.New("connection reset")
	}
	return response, err
}

func TestLostAnswerIsTreatedLikeACrash(t *testing.T) {
	for name, c := range map[string]struct {
		effect     bridge.Effect
		idempotent bool
		waits      bridge.Reason
		answer     string
		calls      int
		effects    int
	}{
		"read":             {bridge.Read, true, bridge.ToolsUnavailable, "fine", 2, 0},
		"idempotent write": {bridge.Write, true, bridge.ToolsUnavailable, "fine", 2, 1},
		"other write":      {bridge.Write, false, bridge.OutcomeOpen, "This call took effect", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).rehearse("scenes:\n  - {when: {turn: 1}, call: [{tool: x}]}\n  - {say: '{{ result \"x\" }}'}\n")
			w.tool("x", c.effect, c.idempotent, returns("fine"))
			lose := 1
			w.between = func(t transport.Interface) transport.Interface { return severed{t, &lose} }
			got := w.run()
			if got.Status != bridge.Waiting || got.Reason != c.waits {
				t.Fatalf("outcome %+v, want waiting: %s", got, c.waits)
			}
			if c.waits == bridge.OutcomeOpen {
				got = w.told(true)
			} else {
				got = w.run()
			}
			if !strings.HasPrefix(got.Answer, c.answer) {
				t.Errorf("answer %q, want %q", got.Answer, c.answer)
			}
			total := 0
			for _, times := range w.effects {
				total += times
			}
			if len(w.calls()) != c.calls || total != c.effects {
				t.Errorf("%d calls, %d effects; want %d, %d", len(w.calls()), total, c.calls, c.effects)
			}
		})
	}
}

// listless is a transport that cannot list tools.
type listless struct{ transport.Interface }

func (l listless) SendRequest(ctx context.Context, r transport.JSONRPCRequest) (*transport.JSONRPCResponse, error) {
	if r.Method == string(mcp.MethodToolsList) {
		return nil, errors.New("connection refused")
	}
	return l.Interface.SendRequest(ctx, r)
}

func TestToolsThatCannotBeListedParkTheRun(t *testing.T) {
	w := refundWorld(t)
	w.between = func(t transport.Interface) transport.Interface { return listless{t} }
	if got := w.run(); got.Status != bridge.Waiting || got.Reason != bridge.ToolsUnavailable {
		t.Errorf("outcome %+v", got)
	}
	w.between = nil
	if got := w.run(); got.Answer != "Refunded 500." {
		t.Errorf("later: %+v", got)
	}
}

func TestResumedRunIsToldTheToolsOfToday(t *testing.T) {
	w := refundWorld(t)
	if _, err := w.life(&mortal{n: 2, after: true}); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	w.tool("a_new_one", bridge.Read, true, returns("x"))
	if got := w.run(); got.Answer != "Refunded 500." {
		t.Errorf("resumed: %+v", got)
	}
	if last := w.requests[len(w.requests)-1]; !strings.Contains(last, `"a_new_one"`) {
		t.Error("the new tool is not offered")
	}
}
