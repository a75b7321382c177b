package backendtest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
)

// Account is a backend over an account of its own, all of whose requests go over a [Line].
type Account struct {
	Tools []tools.Tool
	// Calls are tried with each fault. They are the same at each opening.
	Calls []Call
	// Pass moves the backend's clock on.
	Pass func(d time.Duration)
	// TooMany and Expired are what the vendor says to too many requests, with a Retry-After of
	// seven seconds, and of credentials that it does not take any more.
	TooMany, Expired Answer
	// Refreshes: the backend gets itself new credentials, and asks again.
	Refreshes bool
	// Secret is in no error.
	Secret string
}

// Call is a call of a tool, and the request that is made to go wrong.
type Call struct {
	Tool string
	// Arrange makes what the call needs, and gives its arguments.
	Arrange func() map[string]any
	// At is the request that has the effect, or brings the answer.
	At func(r *http.Request) bool
	// Effects counts how often it took effect; nil for a read.
	Effects func() int
	// Midway: other requests of the call have had an effect before this one, so that the outcome
	// of the call is unknown even where this request is known to be undone.
	Midway bool
}

// At is a request of a method whose path holds a part.
func At(method, part string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method && strings.Contains(r.URL.Path, part) }
}

// trial is one of the faults.
type trial struct {
	name  string
	fault func(a Account, d *deadline) fault
	// read and write are the codes that a call may end with. "" is success: the backend asked
	// again by itself, or looked.
	read, write []tools.Code
}

const success tools.Code = ""

// trials are what happens to every backend sooner or later.
var trials = []trial{
	{"429 with Retry-After", func(a Account, _ *deadline) fault { return fault{answer: &a.TooMany} },
		[]tools.Code{tools.RateLimited, success}, []tools.Code{tools.RateLimited, success}},
	{"500", func(Account, *deadline) fault {
		return fault{answer: &Answer{Status: http.StatusInternalServerError, Body: `{"message":"Something went wrong"}`}}
	}, []tools.Code{tools.Unavailable, success}, []tools.Code{tools.OutcomeUnknown, tools.Unavailable, success}},
	{"500 and the write took effect", func(Account, *deadline) fault {
		return fault{reaches: true, answer: &Answer{Status: http.StatusInternalServerError, Body: `{"message":"Something went wrong"}`}}
	}, []tools.Code{tools.Unavailable, success}, []tools.Code{tools.OutcomeUnknown, success}},
	{"timeout after the write took effect", func(_ Account, d *deadline) fault { return fault{reaches: true, expire: d.expire} },
		[]tools.Code{tools.Unavailable}, []tools.Code{tools.OutcomeUnknown}},
	{"expired token", func(a Account, _ *deadline) fault { return fault{answer: &a.Expired} },
		[]tools.Code{tools.Denied}, []tools.Code{tools.Denied}},
	{"malformed body", func(Account, *deadline) fault {
		return fault{reaches: true, answer: &Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>It works</html>"}}
	}, []tools.Code{tools.Unavailable, success}, []tools.Code{tools.OutcomeUnknown, success}},
	{"body cut off", func(Account, *deadline) fault {
		return fault{reaches: true, answer: &Answer{Status: http.StatusOK, Body: `{"id": "1`}}
	}, []tools.Code{tools.Unavailable, success}, []tools.Code{tools.OutcomeUnknown, success}},
}

// Faults has each call of an account meet each fault. A call that does not succeed ends with a
// code that says what is known: what is said to be undone is undone, an unknown outcome is never
// taken for a failure, and whatever may be made again under its key has one effect in the end.
func Faults(t *testing.T, open func(t *testing.T, line *Line) Account) {
	newAccount := func(t *testing.T) (*Line, Account) {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		line := &Line{Base: transport}
		return line, open(t, line)
	}
	_, first := newAccount(t)
	for _, trial := range trials {
		t.Run(trial.name, func(t *testing.T) {
			for i, call := range first.Calls {
				t.Run(call.Tool, func(t *testing.T) {
					line, a := newAccount(t)
					trial.run(t, line, a, a.Calls[i])
				})
			}
		})
	}
}

func (f trial) run(t *testing.T, line *Line, a Account, call Call) {
	tool, known := tools.NewCatalog(a.Tools).Lookup(call.Tool)
	if !known {
		t.Fatalf("there is no tool %s", call.Tool)
	}
	arguments, err := json.Marshal(call.Arrange())
	if err != nil {
		t.Fatal(err)
	}
	effects := func() int { return 0 }
	if call.Effects != nil {
		before := call.Effects()
		effects = func() int { return call.Effects() - before }
	}
	try := func(ctx context.Context) (tools.Code, *tools.Error) {
		if _, err := tool.Call(tools.WithKey(ctx, "key of the call"), arguments); err != nil {
			return tools.CodeOf(err), tools.AsError(err)
		}
		return success, nil
	}
	d := newDeadline(t.Context())
	line.breakAt(call.At, f.fault(a, d))
	code, failed := try(d)
	if !line.wasMet() {
		t.Fatalf("the request that was to go wrong was never made: %v", failed)
	}
	f.judge(t, a, call, code, failed)
	if t.Failed() {
		return
	}
	f.settle(t, a, tool, code, failed, call, effects, func() (tools.Code, *tools.Error) { return try(t.Context()) })
}

// judge holds the end of a call against what the fault allows.
func (f trial) judge(t *testing.T, a Account, call Call, code tools.Code, failed *tools.Error) {
	t.Helper()
	allowed := f.write
	if call.Effects == nil {
		allowed = f.read
	}
	if a.Refreshes && f.name == "expired token" {
		allowed = []tools.Code{success}
	}
	if call.Midway {
		allowed = append(slices.Clone(allowed), tools.OutcomeUnknown)
	}
	for _, one := range allowed {
		if code == one {
			if failed != nil && a.Secret != "" && strings.Contains(failed.Message, a.Secret) {
				t.Errorf("the error tells the secret: %v", failed)
			}
			if code == tools.RateLimited && (failed.RetryAfter <= 0 || failed.RetryAfter > 7*time.Second || !failed.Retryable) {
				t.Errorf("after a Retry-After of 7 s: to wait %s, retryable %v", failed.RetryAfter, failed.Retryable)
			}
			return
		}
	}
	t.Errorf("it ended with %q (%v), want one of %q", code, failed, allowed)
}

// settle holds what the call said against what the vendor did, and makes it again where the
// guard would.
func (f trial) settle(t *testing.T, a Account, tool tools.Tool, code tools.Code, failed *tools.Error, call Call, effects func() int, again func() (tools.Code, *tools.Error)) {
	t.Helper()
	if call.Effects == nil {
		if code != success {
			a.Pass(8 * time.Second)
			if code, failed := again(); code != success {
				t.Errorf("the read, made again: %v", failed)
			}
		}
		return
	}
	n := effects()
	switch {
	case code == success:
		if n != 1 {
			t.Errorf("it succeeded, and took effect %d times", n)
		}
		return
	case code == tools.OutcomeUnknown && !failed.Retryable:
		if tool.Idempotent || n > 1 {
			t.Errorf("the outcome is unknown, and it may not be made again; the tool honours keys: %v, it took effect %d times", tool.Idempotent, n)
		}
		return // a person looks
	case code == tools.OutcomeUnknown:
		if !tool.Idempotent {
			t.Errorf("it may be made again, and honours no keys: %v", failed)
		}
	case n != 0:
		t.Errorf("%s says that nothing was done, and it took effect %d times", code, n)
	}
	a.Pass(8 * time.Second)
	if code, failed := again(); code != success {
		t.Errorf("made again under its key: %v", failed)
	}
	if n := effects(); n != 1 {
		t.Errorf("in the end it took effect %d times", n)
	}
}
