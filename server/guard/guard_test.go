package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/tools"
)

// address has a bit of everything that a schema can ask for.
type address struct {
	Street string `json:"street" minLength:"3"`
	Zip    string `json:"zip,omitempty" pattern:"^[0-9]{5}$"`
}

type order struct {
	Email   string   `json:"email" jsonschema:"The customer's address." format:"email" maxLength:"254"`
	Amount  int64    `json:"amount" minimum:"1" maximum:"100000"`
	To      []string `json:"to,omitempty" maxItems:"3" format:"email"`
	Status  string   `json:"status,omitempty" enum:"open,closed"`
	Address *address `json:"address,omitempty"`
	Secret  string   `json:"api_token,omitempty" maxLength:"5"`
}

type receipt struct {
	ID     string `json:"id"`
	Amount int64  `json:"amount"`
}

// world is a catalog whose tools do what the test says, and a guard before it.
type world struct {
	*guard.Guard
	ledger *guardtest.Ledger
	log    *strings.Builder

	mu   sync.Mutex
	do   func(ctx context.Context, in order) (receipt, error)
	keys []string // that reached the tools, one for each call
}

func newWorld(t testing.TB, o guard.Options) *world {
	t.Helper()
	w := &world{ledger: guardtest.NewLedger(), log: &strings.Builder{}}
	w.do = func(_ context.Context, in order) (receipt, error) {
		return receipt{ID: "r1", Amount: in.Amount}, nil
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(w.log, nil))
	}
	w.Guard = guard.New(catalogOf(w), w.ledger, o)
	return w
}

func catalogOf(w *world) *tools.Catalog {
	define := func(name string, effect tools.Effect, idempotent bool) tools.Tool {
		return tools.Define(tools.Spec{
			Name: name, Title: name, Description: "A tool for tests.", Effect: effect, Idempotent: idempotent,
		}, w.call)
	}
	shopOrder := define("shop_order", tools.Write, true) // its backend honours keys
	shopOrder.Timeout = 2 * time.Second
	return tools.NewCatalog([]tools.Tool{
		define("shop_quote", tools.Read, true),
		shopOrder,
		define("shop_charge", tools.Money, false), // its backend does not
	})
}

func (w *world) call(ctx context.Context, in order) (receipt, error) {
	w.mu.Lock()
	w.keys = append(w.keys, tools.Key(ctx))
	do := w.do
	w.mu.Unlock()
	return do(ctx, in)
}

func (w *world) calls() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.keys)
}

// lastRow is the newest audit row; there must be want of them.
func (w *world) lastRow(t *testing.T, want int) guard.Row {
	t.Helper()
	rows := w.ledger.Rows()
	if len(rows) != want {
		t.Fatalf("%d audit rows, want %d: %+v", len(rows), want, rows)
	}
	return rows[want-1]
}

var desk = auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"shop_*"}, Effects: auth.AllEffects()}

const goodOrder = `{"email":"ada@example.com","amount":250}`

func callFor(tool, arguments, key string) guard.Call {
	return guard.Call{Principal: desk, Door: auth.DoorHTTP, Tool: tool, Arguments: json.RawMessage(arguments), Key: key}
}

func code(r guard.Result) tools.Code {
	if r.Err == nil {
		return ""
	}
	return r.Err.Code
}

func TestAllowedCallIsMadeAndRecorded(t *testing.T) {
	start := time.UnixMilli(1_790_000_000_000)
	now := start
	w := newWorld(t, guard.Options{Now: func() time.Time { now = now.Add(time.Second); return now }})
	call := callFor("shop_quote", goodOrder, "")
	call.Run = "run_1"
	result := w.Call(t.Context(), call)
	if result.Err != nil || string(result.Output) != `{"id":"r1","amount":250}` {
		t.Fatalf("got %s, %v", result.Output, result.Err)
	}
	want := guard.Row{
		At: start.Add(time.Second), Principal: "key:desk", Door: "http", Tool: "shop_quote", Effect: tools.Read,
		Arguments: json.RawMessage(goodOrder), Decision: guard.Allowed, Outcome: "ok", Duration: time.Second, Run: "run_1",
	}
	if diff := cmp.Diff(want, w.lastRow(t, 1)); diff != "" {
		t.Error(diff)
	}
}

func TestAbsentArgumentsMeanAnEmptyObject(t *testing.T) {
	for _, absent := range []string{"", " ", "null"} {
		w := newWorld(t, guard.Options{})
		result := w.Call(t.Context(), callFor("shop_quote", absent, ""))
		if code(result) != tools.Invalid || !strings.Contains(result.Err.Message, "email: required") {
			t.Errorf("%q: got %v", absent, result.Err)
		}
		if got := string(w.lastRow(t, 1).Arguments); got != "{}" {
			t.Errorf("%q: recorded as %s", absent, got)
		}
	}
}

func TestPrincipalSeesItsOwnToolsOnly(t *testing.T) {
	w := newWorld(t, guard.Options{})
	reader := auth.Principal{Kind: auth.Key, Name: "reader", Tools: []string{"shop_quote", "other_*"}}
	for tool, want := range map[string]bool{"shop_quote": true, "shop_order": false, "other_tool": false, guard.Unlisted: false, "": false} {
		if got := w.Visible(reader, tool); got != want {
			t.Errorf("%q visible: %v, want %v", tool, got, want)
		}
	}
	if w.Visible(auth.Principal{}, "shop_quote") {
		t.Error("nobody sees a tool")
	}
}

func TestPanickingToolIsAnInternalErrorAndRecorded(t *testing.T) {
	w := newWorld(t, guard.Options{})
	w.do = func(context.Context, order) (receipt, error) { panic("the secret of the tool") }
	result := w.Call(t.Context(), callFor("shop_quote", goodOrder, ""))
	if code(result) != tools.Internal {
		t.Fatalf("got %v", result.Err)
	}
	if got := w.lastRow(t, 1).Outcome; got != "internal" {
		t.Errorf("outcome %q", got)
	}
	if strings.Contains(w.log.String()+result.Err.Message, "the secret") || !strings.Contains(w.log.String(), "tool panicked") {
		t.Errorf("log: %s", w.log)
	}
}

func TestFaultOfAToolIsHiddenFromTheCallerAndLogged(t *testing.T) {
	w := newWorld(t, guard.Options{})
	w.do = func(context.Context, order) (receipt, error) { return receipt{}, errors.New("disk on fire") }
	result := w.Call(t.Context(), callFor("shop_quote", goodOrder, ""))
	if code(result) != tools.Internal || strings.Contains(result.Err.Message, "disk") {
		t.Errorf("got %v", result.Err)
	}
	if !strings.Contains(w.log.String(), "disk on fire") {
		t.Errorf("log: %s", w.log)
	}
}

func TestReadStopsWhenItsCallerGoesAway(t *testing.T) {
	w := newWorld(t, guard.Options{})
	w.do = func(ctx context.Context, _ order) (receipt, error) { <-ctx.Done(); return receipt{}, ctx.Err() }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if result := w.Call(ctx, callFor("shop_quote", goodOrder, "")); code(result) != tools.Unavailable {
		t.Errorf("got %v", result.Err)
	}
	if got := w.lastRow(t, 1).Outcome; got != "unavailable" {
		t.Errorf("outcome %q", got)
	}
}

func TestWriteGoesOnWhenItsCallerGoesAway(t *testing.T) {
	w := newWorld(t, guard.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	w.do = func(ctx context.Context, _ order) (receipt, error) {
		cancel()
		return receipt{ID: "r1"}, ctx.Err()
	}
	if result := w.Call(ctx, callFor("shop_charge", goodOrder, "k1")); result.Err != nil {
		t.Fatalf("got %v", result.Err)
	}
	if got := w.lastRow(t, 1).Outcome; got != "ok" {
		t.Errorf("outcome %q", got)
	}
	again := w.Call(t.Context(), callFor("shop_charge", goodOrder, "k1"))
	if !again.Repeated || w.calls() != 1 {
		t.Errorf("repeated %v after %d calls", again.Repeated, w.calls())
	}
}

func TestCallEndsAtItsTimeout(t *testing.T) {
	for _, test := range []struct {
		tool, key string
		after     time.Duration
		code      tools.Code
		retryable bool
	}{
		{"shop_quote", "", time.Minute, tools.Unavailable, true},
		{"shop_order", "k1", 2 * time.Second, tools.OutcomeUnknown, true}, // the backend honours the key
		{"shop_order", "", 2 * time.Second, tools.OutcomeUnknown, false},  // nobody knows the key
		{"shop_charge", "k1", time.Minute, tools.OutcomeUnknown, false},
	} {
		t.Run(test.tool+test.key, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, guard.Options{Timeout: time.Minute})
				w.do = func(ctx context.Context, _ order) (receipt, error) { <-ctx.Done(); return receipt{}, ctx.Err() }
				began := time.Now()
				result := w.Call(t.Context(), callFor(test.tool, goodOrder, test.key))
				if took := time.Since(began); took != test.after {
					t.Errorf("took %v, want %v", took, test.after)
				}
				if code(result) != test.code || result.Err.Retryable != test.retryable {
					t.Errorf("got %v, retryable %v", result.Err, result.Err.Retryable)
				}
			})
		})
	}
}

// TestReadEndsByTheEnderOfItsDoor, and nothing else does: what goes on without its caller has
// its own time all the same.
func TestReadEndsByTheEnderOfItsDoor(t *testing.T) {
	for _, test := range []struct {
		name, tool, key string
		after           time.Duration
		ended           error // the cause of the door's context, behind the call
	}{
		{"read", "shop_quote", "", time.Minute, context.DeadlineExceeded},
		{"read under a key", "shop_quote", "k1", time.Minute, context.DeadlineExceeded},
		{"write", "shop_order", "", 2 * time.Second, nil},
		{"money", "shop_charge", "k1", time.Minute, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, guard.Options{Timeout: time.Minute})
				began := time.Now()
				w.do = func(ctx context.Context, _ order) (receipt, error) {
					if at, ok := ctx.Deadline(); !ok || at.Sub(began) != test.after {
						t.Errorf("the tool has until %v (%v), want %v", at.Sub(began), ok, test.after)
					}
					<-ctx.Done()
					return receipt{}, ctx.Err()
				}
				ctx, end := context.WithCancelCause(auth.With(t.Context(), desk))
				defer end(nil)
				request := mcp.CallToolRequest{}
				request.Params.Name, request.Params.RawArguments = test.tool, json.RawMessage(goodOrder)
				if test.key != "" {
					request.Params.Meta = &mcp.Meta{AdditionalFields: map[string]any{guard.MetaKey: test.key}}
				}
				result, err := w.Handle(guard.WithEnder(ctx, end), request)
				if took := time.Since(began); err != nil || !result.IsError || took != test.after {
					t.Errorf("after %v: %+v, %v; want an error after %v", took, result, err, test.after)
				}
				if cause := context.Cause(ctx); !errors.Is(cause, test.ended) {
					t.Errorf("the door's context ended by %v, want %v", cause, test.ended)
				}
				w.do = func(context.Context, order) (receipt, error) { return receipt{}, nil }
				ctx, end = context.WithCancelCause(auth.With(t.Context(), desk))
				defer end(nil)
				request.Params.Meta = nil
				if result, err := w.Handle(guard.WithEnder(ctx, end), request); err != nil || result.IsError {
					t.Errorf("got %+v, %v", result, err)
				}
				if time.Sleep(time.Hour); ctx.Err() != nil {
					t.Errorf("a call in time ended the context of its door: %v", context.Cause(ctx))
				}
			})
		})
	}
}

func TestSchemaThatDoesNotCompilePanics(t *testing.T) {
	for _, schema := range []string{`{"type":"no such type"}`, `{"$ref":"https://example.com/schema"}`, `{`} {
		func() {
			defer func() {
				if fault, _ := recover().(string); !strings.Contains(fault, "input schema of shop_bad") {
					t.Errorf("%s: got %q", schema, fault)
				}
			}()
			bad := tools.Define(tools.Spec{Name: "shop_bad", Title: "Bad", Description: "Bad.", Effect: tools.Read},
				func(context.Context, struct{}) (receipt, error) { return receipt{}, nil })
			bad.Input = json.RawMessage(schema)
			guard.New(tools.NewCatalog([]tools.Tool{bad}), guardtest.NewLedger(), guard.Options{})
		}()
	}
}
