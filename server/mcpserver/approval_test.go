package mcpserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

// lead wants an approval of each note that is sent.
type lead struct{ terms guard.Terms }

func (lead) Version() string { return "1" }

func (l lead) Judge(_ context.Context, q guard.Question) guard.Verdict {
	if q.Tool.Effect != tools.Message {
		return guard.Verdict{Action: guard.Allow}
	}
	return guard.Verdict{Action: guard.Approve, Rule: "mails", Reason: "it leaves the company", Policy: "1", Terms: l.terms}
}

// book is where approvals are kept, for the guard and for the server.
type book struct{ *guardtest.Approvals }

func (b book) Approval(_ context.Context, id string) (guard.Approval, error) {
	for _, a := range b.All() {
		if a.ID == id {
			return a.At(time.Now()), nil
		}
	}
	return guard.Approval{}, guard.ErrNoApproval
}

func (b book) DecideApproval(_ context.Context, id string, by guard.Decider, v guard.ApprovalVerdict) (guard.Approval, error) {
	return b.Decide(id, by, v)
}

// only gives the one approval that was asked for.
func (b book) only(t *testing.T) guard.Approval {
	t.Helper()
	all := b.All()
	if len(all) != 1 {
		t.Fatalf("%d approvals: %+v", len(all), all)
	}
	return all[0]
}

func newApproving(t *testing.T, terms guard.Terms, o mcpserver.Options) (*fixture, book) {
	ledger := guardtest.NewLedger()
	b := book{guardtest.NewApprovals(ledger)}
	o.Approvals = b
	return newGuarded(t, ledger, guard.Options{Policy: lead{terms}, Approvals: b}, o), b
}

// inFront are terms by which the person in front of the desk's client may decide.
var inFront = guard.Terms{By: []string{"client:*", "key:boss"}}

// pairs are all transports with each era that they have.
var pairs = []struct {
	name    string
	asks    bool // a client there can be asked at all
	connect func(t *testing.T, f *fixture, p auth.Principal) session
}{
	{"streamable HTTP, 2026", true, connectHTTP},
	{"streamable HTTP with a stream, 2025", true, connectLegacyHTTP},
	{"streamable HTTP, 2025", true, func(t *testing.T, f *fixture, p auth.Principal) session {
		link, err := transport.NewStreamableHTTP(f.web.URL+"/mcp", transport.WithHTTPHeaders(keyOf(p)))
		if err != nil {
			t.Fatal(err)
		}
		return connect(t, f, p, link, mcp.LATEST_LEGACY_PROTOCOL_VERSION)
	}},
	{"SSE, 2025", false, connectSSE},
	{"stdio, 2026", true, connectStdio},
	{"stdio, 2025", true, func(t *testing.T, f *fixture, p auth.Principal) session {
		return connectStdioAs(t, f, p, mcp.LATEST_LEGACY_PROTOCOL_VERSION)
	}},
	{"in process, 2026", true, connectInProcess},
	{"in process, 2025", false, func(t *testing.T, f *fixture, p auth.Principal) session {
		return connect(t, f, p, f.InProcess(), mcp.LATEST_LEGACY_PROTOCOL_VERSION)
	}},
}

// bound is how long an answer may take where nobody has to be waited for. It is for a
// machine that is busy: what hangs does so for minutes.
const bound = 30 * time.Second

// within makes a call that must not hang.
func (s session) within(t *testing.T, name string, arguments any) *mcp.CallToolResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, bound)
	defer cancel()
	result, err := s.CallTool(ctx, request(name, arguments, ""))
	if err != nil {
		t.Fatalf("the call ended with %v", err)
	}
	return result
}

func approvalOf(t *testing.T, result *mcp.CallToolResult) (id, state string) {
	t.Helper()
	said, _ := result.Meta.GetMetaField(guard.MetaApproval).(map[string]any)
	id, _ = said["id"].(string)
	return id, fmt.Sprint(said["state"])
}

// TestApprovalNeverHangs: on each transport, in each era, with a person to be asked and
// without, and whatever that person does.
func TestApprovalNeverHangs(t *testing.T) {
	yes := answering(mcp.ElicitationResponseActionAccept, map[string]any{"approve": true})
	answers := map[string]struct {
		given *mcp.ElicitationResult // nil: the client shows no questions
		state string                 // of the approval in the end
		says  string                 // in the result
	}{
		"nobody to ask":     {nil, "pending", "approval_required"},
		"approved":          {yes, "used", `"id":"n1"`},
		"denied":            {answering(mcp.ElicitationResponseActionAccept, map[string]any{"approve": false, "reason": "too soon"}), "denied", "too soon"},
		"declined":          {answering(mcp.ElicitationResponseActionDecline, nil), "denied", "declined in the client"},
		"cancelled":         {answering(mcp.ElicitationResponseActionCancel, nil), "pending", "approval_required"},
		"an empty form":     {answering(mcp.ElicitationResponseActionAccept, map[string]any{}), "pending", "approval_required"},
		"no form":           {answering(mcp.ElicitationResponseActionAccept, nil), "pending", "approval_required"},
		"something unknown": {answering("shrug", nil), "pending", "approval_required"},
	}
	for _, pair := range pairs {
		for name, answer := range answers {
			t.Run(pair.name+"/"+name, func(t *testing.T) {
				f, b := newApproving(t, inFront, mcpserver.Options{})
				var mu sync.Mutex
				var asked []mcp.ElicitationParams
				if answer.given != nil {
					f.clientOptions = shown(func(_ context.Context, p mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
						mu.Lock()
						defer mu.Unlock()
						asked = append(asked, p)
						return answer.given, nil
					})
				}
				result := pair.connect(t, f, desk).within(t, "note_send", map[string]any{"text": "to Ada"})
				want, state, questions := answer.says, answer.state, 1
				if answer.given == nil || !pair.asks {
					want, state, questions = "approval_required", "pending", 0
				}
				if text := textOf(t, result); !strings.Contains(text, want) || result.IsError == (state == "used") {
					t.Errorf("got %q, want %q", text, want)
				}
				a := b.only(t)
				if string(a.State) != state || len(asked) != questions || (f.calls == 1) != (state == "used") {
					t.Errorf("the approval is %s after %d questions and %d calls", a.State, len(asked), f.calls)
				}
				if id, said := approvalOf(t, result); id != a.ID || state == "pending" && said != "pending" {
					t.Errorf("_meta has %s, %s", id, said)
				}
				if questions > 0 && (!strings.Contains(asked[0].Message, "note_send") || !strings.Contains(asked[0].Message, "to Ada") || !strings.Contains(asked[0].Message, "it leaves the company")) {
					t.Errorf("asked %q", asked[0].Message)
				}
				if state == "pending" && !strings.Contains(textOf(t, result), a.ID) {
					t.Errorf("the error does not name the approval: %q", textOf(t, result))
				}
				if len(a.Decisions) > 0 && (a.Decisions[0].By != "client:"+a.Principal || a.Decisions[0].How != "client") {
					t.Errorf("decided %+v", a.Decisions)
				}
			})
		}
	}
}

// TestPersonWhoDoesNotAnswerHoldsNoApprovalUp: the call ends with the way to go on.
func TestPersonWhoDoesNotAnswerHoldsNoApprovalUp(t *testing.T) {
	for _, pair := range pairs {
		if !pair.asks || strings.HasSuffix(pair.name, "2026") { // since then the client asks between two requests: no call of ours is open
			continue
		}
		t.Run(pair.name, func(t *testing.T) {
			f, b := newApproving(t, inFront, mcpserver.Options{AskTimeout: 10 * time.Millisecond})
			over := make(chan struct{})
			f.clientOptions = shown(func(context.Context, mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
				<-over
				return answering(mcp.ElicitationResponseActionCancel, nil), nil
			})
			defer close(over)
			result := pair.connect(t, f, desk).within(t, "note_send", map[string]any{"text": "x"})
			if !strings.Contains(textOf(t, result), "approval_required") || b.only(t).State != guard.ApprovalPending {
				t.Errorf("got %q", textOf(t, result))
			}
		})
	}
}

// TestOnlyWhomTheTermsNameDecidesInAClient: the requester is not asked by default; somebody
// at this machine without a key is.
func TestOnlyWhomTheTermsNameDecidesInAClient(t *testing.T) {
	local := auth.Principal{Kind: auth.Local, Name: "stdio", Tools: []string{"*"}, Effects: auth.AllEffects()}
	for name, test := range map[string]struct {
		terms guard.Terms
		p     auth.Principal
		asked bool
	}{
		"a key, no terms":             {guard.Terms{}, desk, false},
		"a key, others named":         {guard.Terms{By: []string{"key:boss"}}, desk, false},
		"a key, named itself":         {guard.Terms{By: []string{"key:desk"}}, desk, false},
		"a key, its client named":     {guard.Terms{By: []string{"client:key:desk"}}, desk, true},
		"a key, another's client":     {guard.Terms{By: []string{"client:key:shop"}}, desk, false},
		"this machine, no terms":      {guard.Terms{}, local, true},
		"this machine, others named":  {guard.Terms{By: []string{"key:boss"}}, local, false},
		"this machine, clients named": {guard.Terms{By: []string{"client:*"}}, local, true},
	} {
		t.Run(name, func(t *testing.T) {
			f, b := newApproving(t, test.terms, mcpserver.Options{})
			asked := false
			f.clientOptions = shown(func(context.Context, mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
				asked = true
				return answering(mcp.ElicitationResponseActionAccept, map[string]any{"approve": true}), nil
			})
			result := connectStdio(t, f, test.p).within(t, "note_send", map[string]any{"text": "x"})
			if asked != test.asked || result.IsError == test.asked || (b.only(t).State == guard.ApprovalUsed) != test.asked {
				t.Errorf("asked: %v, got %q", asked, textOf(t, result))
			}
		})
	}
}

// TestPersonInFrontIsOneOfTwo: they agree once, and are not asked again.
func TestPersonInFrontIsOneOfTwo(t *testing.T) {
	f, b := newApproving(t, guard.Terms{By: []string{"client:*", "key:boss"}, Count: 2}, mcpserver.Options{})
	asked := 0
	f.clientOptions = shown(func(context.Context, mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
		asked++
		return answering(mcp.ElicitationResponseActionAccept, map[string]any{"approve": true}), nil
	})
	s := connectHTTP(t, f, desk)
	for range 2 {
		if result := s.within(t, "note_send", map[string]any{"text": "x"}); !strings.Contains(textOf(t, result), "approval_required") || asked != 1 {
			t.Fatalf("asked %d times, got %q", asked, textOf(t, result))
		}
	}
	if _, err := b.Decide(b.only(t).ID, guard.Decider{Name: "key:boss", How: "api"}, guard.ApprovalVerdict{Approve: true, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if result := s.within(t, "note_send", map[string]any{"text": "x"}); result.IsError || f.calls != 1 {
		t.Errorf("got %q after %d calls", textOf(t, result), f.calls)
	}
}

const sendNote = `"name":"note_send","arguments":{"text":"x"}`

func answered(state, content string) string {
	return `,"requestState":"` + state + `","inputResponses":{"answer":{"action":"accept","content":` + content + `}}`
}

// TestTamperedRequestStateIsRefused: each part of it holds, and it serves once.
func TestTamperedRequestStateIsRefused(t *testing.T) {
	f, b := newApproving(t, inFront, mcpserver.Options{StateKey: []byte("k")})
	first := f.modern(t, deskKey, sendNote)
	if first.ResultType != "input_required" || first.RequestState == "" {
		t.Fatalf("got %+v", first)
	}
	state, yes := first.RequestState, `{"approve":true}`
	dot := strings.LastIndex(state, ".")
	flip := func(at int) string {
		swap := byte('A')
		if state[at] == 'A' {
			swap = 'B'
		}
		return state[:at] + string(swap) + state[at+1:]
	}
	other, _ := newApproving(t, inFront, mcpserver.Options{StateKey: []byte("another")})
	attempts := map[string]struct{ key, params string }{
		"no signature":             {deskKey, sendNote + answered(state[:dot], yes)},
		"an empty signature":       {deskKey, sendNote + answered(state[:dot+1], yes)},
		"a cut signature":          {deskKey, sendNote + answered(state[:len(state)-1], yes)},
		"signed by another server": {deskKey, sendNote + answered(other.modern(t, deskKey, sendNote).RequestState, yes)},
		"nothing":                  {deskKey, sendNote + answered("dba1.", yes)},
		"another principal":        {shopKey, sendNote + answered(state, yes)},
		"other arguments":          {deskKey, `"name":"note_send","arguments":{"text":"y"}` + answered(state, yes)},
		"more arguments":           {deskKey, `"name":"note_send","arguments":{"text":"x","a":1}` + answered(state, yes)},
		"another tool":             {deskKey, `"name":"note_add","arguments":{"text":"x"}` + answered(state, yes)},
	}
	for at := range len(state) {
		if at > 4 && at%7 == 0 { // behind the prefix, all over it
			attempts[fmt.Sprintf("byte %d", at)] = struct{ key, params string }{deskKey, sendNote + answered(flip(at), yes)}
		}
	}
	for name, attempt := range attempts {
		if got := f.modern(t, attempt.key, attempt.params); !got.IsError || got.ResultType != "complete" || !strings.Contains(got.Content[0].Text, "requestState") {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if a := b.only(t); a.State != guard.ApprovalPending || f.calls != 0 {
		t.Fatalf("the approval is %s after %d calls", a.State, f.calls)
	}
	if rows := f.rows(t, 1+len(attempts)); len(rows) != 1+len(attempts) {
		t.Errorf("%d rows, want one an attempt", len(rows))
	}
	if got := f.modern(t, deskKey, `"arguments":{"text":"x"},"name":"note_send"`+answered(state, yes)); got.IsError || f.calls != 1 {
		t.Errorf("its own: got %+v", got)
	}
	if got := f.modern(t, deskKey, sendNote+answered(state, yes)); !got.IsError || f.calls != 1 || !strings.Contains(got.Content[0].Text, "requestState") {
		t.Errorf("once more: got %+v", got)
	}
}

// TestRequestStateServesOneOfMany: of those who come back with it at once one decides.
func TestRequestStateServesOneOfMany(t *testing.T) {
	f, b := newApproving(t, inFront, mcpserver.Options{})
	state := f.modern(t, deskKey, sendNote).RequestState
	results := make(chan bool, 8)
	for range cap(results) {
		go func() { results <- f.modern(t, deskKey, sendNote+answered(state, `{"approve":true}`)).IsError }()
	}
	made := 0
	for range cap(results) {
		if !await(t, results, "an answer") {
			made++
		}
	}
	if made != 1 || f.calls != 1 || len(b.only(t).Decisions) != 1 {
		t.Errorf("%d were answered, %d calls, decisions %+v", made, f.calls, b.only(t).Decisions)
	}
}

// TestRequestStateOutlivesTheProcess: whoever has the key takes it, and no longer than the
// approval lasts.
func TestRequestStateOutlivesTheProcess(t *testing.T) {
	ledger := guardtest.NewLedger()
	b := book{guardtest.NewApprovals(ledger)}
	start := func(now func() time.Time) *fixture {
		return newGuarded(t, ledger, guard.Options{Policy: lead{inFront}, Approvals: b}, mcpserver.Options{Approvals: b, StateKey: []byte("of all nodes"), Now: now})
	}
	state := start(time.Now).modern(t, deskKey, sendNote).RequestState
	late := func() time.Time { return time.Now().Add(2 * time.Hour) }
	if got := start(late).modern(t, deskKey, sendNote+answered(state, `{"approve":true}`)); !got.IsError || !strings.Contains(got.Content[0].Text, "requestState") {
		t.Errorf("too late: got %+v", got)
	}
	if got := start(time.Now).modern(t, deskKey, sendNote+answered(state, `{"approve":true}`)); got.IsError {
		t.Errorf("another process: got %+v", got)
	}
	if got := start(time.Now).modern(t, deskKey, sendNote+answered(state, `{"approve":true}`)); !strings.Contains(fmt.Sprint(got.Content), "approval_required") && !got.IsError && got.ResultType != "input_required" {
		t.Errorf("a third, for which it was spent: got %+v", got)
	}
	if all := b.All(); all[0].State != guard.ApprovalUsed || len(all[0].Decisions) != 1 {
		t.Errorf("approvals %+v", all)
	}
}

// TestDecisionFromElsewhereIsFoundByTheNextCall: the way to go on that the error names.
func TestDecisionFromElsewhereIsFoundByTheNextCall(t *testing.T) {
	for _, pair := range pairs {
		t.Run(pair.name, func(t *testing.T) {
			f, b := newApproving(t, guard.Terms{By: []string{"key:boss"}}, mcpserver.Options{})
			s := pair.connect(t, f, desk)
			s.within(t, "note_send", map[string]any{"text": "x"})
			if _, err := b.Decide(b.only(t).ID, guard.Decider{Name: "key:boss", How: "api"}, guard.ApprovalVerdict{Approve: true, At: time.Now()}); err != nil {
				t.Fatal(err)
			}
			if result := s.within(t, "note_send", map[string]any{"text": "x"}); result.IsError || f.calls != 1 {
				t.Errorf("got %q after %d calls", textOf(t, result), f.calls)
			}
		})
	}
}

// TestLegacyCallWithoutASessionIsAnsweredAtOnce: such a client can never be asked.
func TestLegacyCallWithoutASessionIsAnsweredAtOnce(t *testing.T) {
	f, b := newApproving(t, inFront, mcpserver.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{` + sendNote + `}}`
	done := make(chan answer, 1)
	go func() {
		done <- f.send(t, "POST", "/mcp", body, mcp.HeaderProtocolVersion, mcp.LATEST_LEGACY_PROTOCOL_VERSION)
	}()
	select {
	case got := <-done:
		if f.calls != 0 || len(b.All()) > 1 {
			t.Errorf("got %d %s after %d calls", got.status, got.body, f.calls)
		}
	case <-ctx.Done():
		t.Fatal("the request hangs")
	}
}

// TestClientThatShowsPagesOnlyIsNotAsked for a form that it cannot show.
func TestClientThatShowsPagesOnlyIsNotAsked(t *testing.T) {
	for _, pair := range pairs {
		f, b := newApproving(t, inFront, mcpserver.Options{})
		f.clientOptions = append(shown(func(_ context.Context, p mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
			t.Errorf("%s: asked %+v", pair.name, p)
			return answering(mcp.ElicitationResponseActionAccept, nil), nil
		}), client.WithClientCapabilities(mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapability{URL: &struct{}{}}}))
		result := pair.connect(t, f, desk).within(t, "note_send", map[string]any{"text": "x"})
		if id, state := approvalOf(t, result); id != b.only(t).ID || state != "pending" {
			t.Errorf("%s: got %q", pair.name, textOf(t, result))
		}
	}
}

func TestFormHasNoDefault(t *testing.T) {
	f, _ := newApproving(t, inFront, mcpserver.Options{})
	var question struct {
		Params struct{ RequestedSchema json.RawMessage }
	}
	if err := json.Unmarshal(f.modern(t, deskKey, sendNote).InputRequests["answer"], &question); err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]map[string]any
		Required   []string
	}
	if err := json.Unmarshal(question.Params.RequestedSchema, &schema); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"approve"}, schema.Required); diff != "" || schema.Properties["approve"] == nil || schema.Properties["approve"]["default"] != nil {
		t.Errorf("asked with %s", question.Params.RequestedSchema)
	}
}
