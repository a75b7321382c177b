package approvalapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/server/approvalapi"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

var now = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// book is some approvals in memory, the newest first.
type book struct {
	all     []guard.Approval
	notices []guard.Notice
	noted   []string
}

func (b *book) Approval(_ context.Context, id string) (guard.Approval, error) {
	for _, a := range b.all {
		if a.ID == id {
			return a.At(now), nil
		}
	}
	return guard.Approval{}, guard.ErrNoApproval
}

func (b *book) ListApprovals(_ context.Context, f guard.ApprovalFilter, before string, limit int) (found []guard.Approval, err error) {
	from := 0
	if before != "" {
		if from = 1 + slices.IndexFunc(b.all, func(a guard.Approval) bool { return a.ID == before }); from == 0 {
			return nil, guard.ErrNoApproval
		}
	}
	for _, a := range b.all[from:] {
		if len(found) < limit && (f.State == "" || a.State == f.State) && (f.Run == "" || a.Run == f.Run) {
			found = append(found, a)
		}
	}
	return found, nil
}

func (b *book) DecideApproval(ctx context.Context, id string, by guard.Decider, v guard.ApprovalVerdict) (guard.Approval, error) {
	i := slices.IndexFunc(b.all, func(a guard.Approval) bool { return a.ID == id })
	decided, err := b.all[i].Decide(by, v)
	if err == nil {
		b.all[i] = decided
	}
	return decided, err
}

func (b *book) DueNotices(context.Context, int) ([]guard.Notice, time.Time, error) {
	return b.notices, time.Time{}, nil
}

func (b *book) Notified(_ context.Context, n guard.Notice, problem string, next time.Time) error {
	b.noted = append(b.noted, n.Approval+" "+n.Target+" "+problem+" "+next.Sub(now).String())
	return nil
}

func pending(id string) guard.Approval {
	return guard.Approval{ID: id, Principal: "agent:desk", For: "key:front", Tool: "payment_create_refund", Effect: "money", Arguments: json.RawMessage(`{"note":"<script>alert(1)</script>"}`),
		Run: "run_1", Rule: "refunds", State: guard.ApprovalPending, Created: now, Expires: now.Add(time.Hour)}
}

func asked(api http.Handler, p auth.Principal, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r.WithContext(auth.With(r.Context(), p)))
	return w
}

var (
	boss  = auth.Principal{Kind: auth.Key, Name: "boss", Approve: true}
	front = auth.Principal{Kind: auth.Key, Name: "front", Approve: true}
	desk  = auth.Principal{Kind: auth.Key, Name: "desk"}
)

func TestKeysThatMayDecide(t *testing.T) {
	for _, c := range []struct {
		name   string
		who    auth.Principal
		body   string
		status int
		says   string
	}{
		{"agrees", boss, `{"decision":"approve"}`, 200, `"state":"approved"`},
		{"denies", boss, `{"decision":"deny","note":"no"}`, 200, `"note":"no"`},
		{"asked for it", front, `{"decision":"approve"}`, 403, "asked for the call"},
		{"the same person asked for it", auth.Principal{Kind: auth.Key, Name: "frontboss", Approve: true}, `{"decision":"approve"}`, 403, "asked for the call"},
		{"has no say and sees nothing", desk, `{"decision":"approve"}`, 404, "approval_not_found"},
		{"at this machine without a key", auth.Principal{Kind: auth.Local, Name: "http"}, `{"decision":"approve"}`, 403, "keys with approve"},
		{"says nothing", boss, `{}`, 400, "decision is approve or deny"},
		{"says two things", boss, `{"decision":"approve","decision":"deny"}`, 400, "twice"},
		{"says too much", boss, `{"decision":"approve","as":"eve"}`, 400, "as"},
		{"is no object", boss, `[]`, 400, "no JSON object"},
		{"writes a book", boss, `{"decision":"deny","note":"` + strings.Repeat("x", 1001) + `"}`, 400, "1000 characters"},
	} {
		b := &book{all: []guard.Approval{pending("apr_1")}}
		api := approvalapi.New(b, approvalapi.Options{Now: clock, People: map[string]string{"key:front": "fay", "key:frontboss": "fay"}})
		got := asked(api, c.who, "POST", "/v1/approvals/apr_1/decide", c.body)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.name, got.Code, got.Body, c.status, c.says)
		}
		if decided := len(b.all[0].Decisions) > 0; decided != (c.status == 200) {
			t.Errorf("%s: decided %v", c.name, decided)
		}
		if c.status == 200 {
			if again := asked(api, boss, "POST", "/v1/approvals/apr_1/decide", c.body); again.Code != http.StatusConflict || !strings.Contains(again.Body.String(), "approval_decided") {
				t.Errorf("%s: decided again: %d %s", c.name, again.Code, again.Body)
			}
		}
	}
}

func TestApprovalsAreListedForThoseWhoMaySeeThem(t *testing.T) {
	b := &book{}
	for _, id := range []string{"apr_4", "apr_3", "apr_2", "apr_1"} {
		b.all = append(b.all, pending(id))
	}
	b.all[1].For, b.all[1].State = "key:desk", guard.ApprovalDenied
	api := approvalapi.New(b, approvalapi.Options{Now: clock})
	for _, c := range []struct {
		who   auth.Principal
		query string
		ids   []string
		more  bool
	}{
		{boss, "", []string{"apr_4", "apr_3", "apr_2", "apr_1"}, false},
		{boss, "?limit=2", []string{"apr_4", "apr_3"}, true},
		{boss, "?limit=2&cursor=apr_3", []string{"apr_2", "apr_1"}, false},
		{boss, "?state=denied", []string{"apr_3"}, false},
		{boss, "?run=run_2", nil, false},
		{desk, "", []string{"apr_3"}, false},
		{desk, "?limit=1", []string{"apr_3"}, false},
		{auth.Principal{Kind: auth.Key, Name: "eve"}, "", nil, false},
	} {
		var got struct {
			Data    []struct{ ID string }
			HasMore bool `json:"has_more"`
		}
		w := asked(api, c.who, "GET", "/v1/approvals"+c.query, "")
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		var ids []string
		for _, one := range got.Data {
			ids = append(ids, one.ID)
		}
		if !slices.Equal(ids, c.ids) || got.HasMore != c.more {
			t.Errorf("%s%s: %v, more %v", c.who, c.query, ids, got.HasMore)
		}
	}
	for _, query := range []string{"?state=open", "?limit=0", "?limit=101", "?cursor=apr_9", "?colour=red"} {
		if w := asked(api, boss, "GET", "/v1/approvals"+query, ""); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

// followed sends a request to the pages as a browser, or a mail scanner, does.
func followed(pages http.Handler, method, link string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, link, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	return w
}

func pathOf(t *testing.T, link string) (path, token string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path, u.Query().Get("t")
}

func TestLinkShowsAndOnlyItsFormDecides(t *testing.T) {
	b := &book{all: []guard.Approval{pending("apr_1")}}
	links := approvalapi.NewLinks([]byte("secret"), "https://bridge.example.com/")
	pages := approvalapi.NewPages(b, links, approvalapi.Options{Now: clock})
	link := links.For("apr_1", "mail:ada@example.com", now.Add(time.Hour))
	path, token := pathOf(t, link)
	for _, method := range []string{"GET", "HEAD", "GET"} {
		got := followed(pages, method, link, nil)
		if got.Code != 200 || b.all[0].State != guard.ApprovalPending {
			t.Errorf("%s: %d, and it is %s", method, got.Code, b.all[0].State)
		}
		if csp := got.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || got.Header().Get("Referrer-Policy") != "no-referrer" || got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", got.Header())
		}
		if text := got.Body.String(); strings.Contains(text, "<script>") || !strings.Contains(text, "payment_create_refund") || !strings.Contains(text, "&lt;script&gt;") {
			t.Errorf("the page is %s", text)
		}
	}
	if got := followed(pages, "POST", path, url.Values{"t": {token}, "decision": {"perhaps"}}); got.Code != http.StatusBadRequest || b.all[0].State != guard.ApprovalPending {
		t.Errorf("no decision: %d, and it is %s", got.Code, b.all[0].State)
	}
	got := followed(pages, "POST", path, url.Values{"t": {token}, "decision": {"approve"}, "note": {" fine "}})
	if d := b.all[0].Decisions; got.Code != 200 || len(d) != 1 || d[0].By != "mail:ada@example.com" || d[0].How != "link" || d[0].Note != "fine" || b.all[0].State != guard.ApprovalGiven {
		t.Errorf("%d, and it is %+v", got.Code, b.all[0])
	}
	if got := followed(pages, "POST", path, url.Values{"t": {token}, "decision": {"deny"}}); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "waits for nobody") {
		t.Errorf("decided again: %d %s", got.Code, got.Body)
	}
	if got := followed(pages, "GET", link, nil); got.Code != 200 || strings.Contains(got.Body.String(), "<form") {
		t.Errorf("decided, it still has a form: %s", got.Body)
	}
	if got := followed(pages, "DELETE", link, nil); got.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", got.Code)
	}
}

func TestLinkOfAnythingElseIsNone(t *testing.T) {
	b := &book{all: []guard.Approval{pending("apr_1"), pending("apr_2")}}
	links := approvalapi.NewLinks([]byte("secret"), "https://bridge.example.com")
	pages := approvalapi.NewPages(b, links, approvalapi.Options{Now: clock})
	_, token := pathOf(t, links.For("apr_1", "mail:ada@example.com", now.Add(time.Hour)))
	_, old := pathOf(t, links.For("apr_1", "mail:ada@example.com", now))
	_, forged := pathOf(t, approvalapi.NewLinks([]byte("guessed"), "https://bridge.example.com").For("apr_1", "mail:ada@example.com", now.Add(time.Hour)))
	said, mac, _ := strings.Cut(token, ".")
	_, other := pathOf(t, links.For("apr_1", "mail:eve@example.com", now.Add(time.Hour)))
	others, _, _ := strings.Cut(other, ".")
	for name, c := range map[string]struct{ path, token string }{
		"another approval": {"/approvals/apr_2", token}, "its time is over": {"/approvals/apr_1", old}, "another secret": {"/approvals/apr_1", forged},
		"none": {"/approvals/apr_1", ""}, "half of it": {"/approvals/apr_1", said}, "another decider": {"/approvals/apr_1", others + "." + mac}, "cut": {"/approvals/apr_1", token[:len(token)-2]},
		"nothing there": {"/approvals/", token},
	} {
		for _, method := range []string{"GET", "POST"} {
			got := followed(pages, method, c.path+"?t="+c.token, url.Values{"t": {c.token}, "decision": {"approve"}})
			if got.Code != http.StatusUnauthorized || b.all[0].State != guard.ApprovalPending || b.all[1].State != guard.ApprovalPending || strings.Contains(got.Body.String(), "refund") {
				t.Errorf("%s, %s: %d %s", name, method, got.Code, got.Body)
			}
		}
	}
	// A good link that is posted to in its address alone decides nothing either.
	if got := followed(pages, "POST", "/approvals/apr_1?t="+token, url.Values{"decision": {"approve"}}); got.Code != http.StatusUnauthorized {
		t.Errorf("posted without the form's token: %d", got.Code)
	}
}

func TestWhoAskedCannotAgreeByALink(t *testing.T) {
	b := &book{all: []guard.Approval{pending("apr_1")}}
	links := approvalapi.NewLinks([]byte("secret"), "https://bridge.example.com")
	pages := approvalapi.NewPages(b, links, approvalapi.Options{Now: clock, People: map[string]string{"mail:fay@example.com": "fay", "key:front": "fay"}})
	link := links.For("apr_1", "mail:fay@example.com", now.Add(time.Hour))
	path, token := pathOf(t, link)
	if got := followed(pages, "GET", link, nil); !strings.Contains(got.Body.String(), "Somebody else has to decide") || strings.Contains(got.Body.String(), "<form") {
		t.Errorf("the page is %s", got.Body)
	}
	if got := followed(pages, "POST", path, url.Values{"t": {token}, "decision": {"approve"}}); got.Code != http.StatusConflict || b.all[0].State != guard.ApprovalPending {
		t.Errorf("%d, and it is %s", got.Code, b.all[0].State)
	}
}

func TestPeopleAreToldUntilItWorked(t *testing.T) {
	b := &book{all: []guard.Approval{pending("apr_1"), pending("apr_2")}}
	b.all[1].State = guard.ApprovalDenied
	b.notices = []guard.Notice{{Approval: "apr_1", Target: "mail:ada@example.com"}, {Approval: "apr_1", Target: approvalapi.WebhookTarget, Attempts: 1}, {Approval: "apr_2", Target: "mail:ada@example.com"},
		{Approval: "apr_9", Target: "mail:ada@example.com"}}
	var mails []approvalapi.Mail
	var posted []byte
	links := approvalapi.NewLinks([]byte("secret"), "https://bridge.example.com")
	n := &approvalapi.Notifier{Book: b, Links: links, Now: clock, Log: slog.New(slog.DiscardHandler),
		Mail: func(_ context.Context, m approvalapi.Mail) error { mails = append(mails, m); return nil },
		Post: func(_ context.Context, id string, body []byte) error {
			posted = body
			return errors.New("connection refused")
		}}
	if _, err := n.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"apr_1 mail:ada@example.com  5s", "apr_1 link:webhook connection refused 20s"}
	for i, w := range want {
		if b.noted[i] != w {
			t.Errorf("noted %q, want %q", b.noted[i], w)
		}
	}
	if len(b.noted) != 4 || len(mails) != 1 || mails[0].To != "ada@example.com" || !strings.Contains(mails[0].Text, links.For("apr_1", "mail:ada@example.com", now.Add(time.Hour))) {
		t.Errorf("noted %q, sent %+v", b.noted, mails)
	}
	var message struct {
		Type string
		Data struct{ ID, URL string }
	}
	if err := json.Unmarshal(posted, &message); err != nil || message.Type != "approval.requested" || message.Data.ID != "apr_1" || !strings.HasPrefix(message.Data.URL, "https://bridge.example.com/approvals/apr_1?t=") {
		t.Errorf("posted %s (%v)", posted, err)
	}
}
