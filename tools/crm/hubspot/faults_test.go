package hubspot_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/hubspot"
	"drawbridge/tools/crm/hubspot/hubspotfake"
)

// call calls a tool.
func (a account) call(ctx context.Context, tool string, in map[string]any) (map[string]any, *tools.Error) {
	arguments, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	found, known := tools.NewCatalog(crm.Tools(crm.New(a.Backend))).Lookup(tool)
	if !known {
		panic("no tool " + tool)
	}
	raw, err := found.Call(tools.WithKey(ctx, "a key, which HubSpot does not know"), arguments)
	if err != nil {
		return nil, tools.AsError(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out, nil
}

// ada is a contact.
func (a account) ada() string {
	return a.fake.Add("contacts", map[string]string{"firstname": "Ada", "lastname": "Lindqvist", "email": "ada@example.com", "lifecyclestage": "lead"})
}

// deed is one of the writes, and where it is seen.
type deed struct {
	tool, method, object string
	arrange              func(a account) map[string]any
}

var deeds = []deed{
	{crm.CreateCustomerTool, http.MethodPost, "contacts", func(account) map[string]any {
		return map[string]any{"name": "Bruno", "email": "bruno@example.com"}
	}},
	{crm.UpdateCustomerTool, http.MethodPatch, "contacts", func(a account) map[string]any {
		return map[string]any{"customer": a.ada(), "phone": "1", "stage": "customer"}
	}},
	{crm.LogInteractionTool, http.MethodPost, "notes", func(a account) map[string]any {
		return map[string]any{"customer": a.ada(), "kind": "call", "summary": "Called"}
	}},
	{crm.CreateTaskTool, http.MethodPost, "tasks", func(account) map[string]any { return map[string]any{"title": "Call"} }},
	{crm.CompleteTaskTool, http.MethodPatch, "tasks", func(a account) map[string]any {
		return map[string]any{"task": a.fake.Add("tasks", map[string]string{"hs_task_subject": "Call", "hs_task_status": "NOT_STARTED", "hs_timestamp": "1767225600000"}), "outcome": "done"}
	}},
	{crm.UpdateOrderTool, http.MethodPatch, "orders", func(a account) map[string]any {
		return map[string]any{"order": a.fake.Add("orders", map[string]string{"hs_order_name": "A-1"}), "delayed": true}
	}},
	{crm.CreateTicketTool, http.MethodPost, "tickets", func(a account) map[string]any {
		return map[string]any{"customer": a.ada(), "subject": "Late", "assignee": "support@example.com"}
	}},
	{crm.UpdateTicketTool, http.MethodPatch, "tickets", func(a account) map[string]any {
		return map[string]any{"ticket": a.fake.Add("tickets", map[string]string{"subject": "Late", "hs_pipeline_stage": "1"}), "status": "closed"}
	}},
	{crm.CreateDealTool, http.MethodPost, "deals", func(a account) map[string]any {
		return map[string]any{"customer": a.ada(), "title": "Plates", "amount_minor": 100, "currency": "EUR"}
	}},
	{crm.UpdateDealTool, http.MethodPatch, "deals", func(a account) map[string]any {
		return map[string]any{"deal": a.fake.Add("deals", map[string]string{"dealname": "Plates", "dealstage": "qualifiedtobuy"}), "stage": "won"}
	}},
}

// at is the part of a path that the deed's own request has.
func (d deed) at() string { return "/objects/2026-03/" + d.object }

// is reports whether a request is the one that has the effect.
func (d deed) is(method, path string) bool {
	return method == d.method && strings.HasPrefix(path, "/crm"+d.at()) && !strings.HasSuffix(path, "/search") && !strings.HasSuffix(path, "/read")
}

// effects says how often the account carried such a request out. taken: one that was
// disturbed was, too.
func (d deed) effects(a account, taken bool) int {
	n := 0
	for _, r := range a.fake.Requests() {
		if d.is(r.Method, r.Path) && (r.Status == http.StatusOK || r.Status == http.StatusCreated || r.Status == 0 && taken) {
			n++
		}
	}
	return n
}

// Every write of the family is tried.
func TestEveryWriteHasADeed(t *testing.T) {
	tried := map[string]bool{}
	for _, d := range deeds {
		tried[d.tool] = true
	}
	for _, tool := range crm.Tools(crm.New(open(t).Backend)) {
		if writes := tool.Effect != tools.Read; writes != tried[tool.Name] {
			t.Errorf("%s writes: %v, is tried: %v", tool.Name, writes, tried[tool.Name])
		}
	}
}

// lost are ways in which an effect took place and nobody heard of it.
var lost = map[string]hubspotfake.Disturbance{
	"no answer":     {Effect: true},
	"cut off":       {Effect: true, Status: http.StatusCreated, Body: `{"id": "1`},
	"malformed":     {Effect: true, Status: http.StatusOK, Body: "<html>It works</html>"},
	"other JSON":    {Effect: true, Status: http.StatusOK, Body: `{"ok": true}`},
	"server error":  {Effect: true, Status: http.StatusInternalServerError, Category: "INTERNAL_ERROR", Message: "internal error"},
	"bad gateway":   {Effect: true, Status: http.StatusBadGateway, Body: "<html>Bad gateway</html>"},
	"gateway's end": {Effect: true, Status: http.StatusGatewayTimeout, Body: ""},
	"redirect":      {Effect: true, Status: http.StatusFound, Header: http.Header{"Location": {"http://127.0.0.1:1/"}}, Body: "moved"},
}

// A write whose answer was lost has an outcome that nobody knows: it is said so, not to be
// made again by itself, and nothing here makes it a second time.
func TestWriteWhoseAnswerWasLostIsUnknownAndMadeOnce(t *testing.T) {
	for _, d := range deeds {
		for how, fault := range lost {
			t.Run(d.tool+" "+how, func(t *testing.T) {
				a := open(t, func(s *hubspot.Settings) {
					s.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				})
				in := d.arrange(a)
				a.fake.Disturb(d.method, d.at(), fault)
				_, err := a.call(t.Context(), d.tool, in)
				if err == nil || err.Code != tools.OutcomeUnknown || err.Retryable {
					t.Fatalf("the call whose answer was lost: %+v", err)
				}
				if n := d.effects(a, true); n != 1 {
					t.Errorf("it took effect %d times", n)
				}
			})
		}
	}
}

// A call that is given up while HubSpot works on it has an unknown outcome too.
func TestWriteThatTimesOutAfterItTookEffectIsUnknown(t *testing.T) {
	for _, d := range deeds {
		t.Run(d.tool, func(t *testing.T) {
			a := open(t)
			in := d.arrange(a)
			hung := make(chan struct{})
			a.fake.Disturb(d.method, d.at(), hubspotfake.Disturbance{Effect: true, Hang: true, Hung: hung})
			ctx, giveUp := context.WithCancelCause(t.Context())
			go func() {
				<-hung
				giveUp(context.DeadlineExceeded)
			}()
			if _, err := a.call(ctx, d.tool, in); err == nil || err.Code != tools.OutcomeUnknown || err.Retryable {
				t.Fatalf("the call that was given up: %+v", err)
			}
			if n := d.effects(a, true); n != 1 {
				t.Errorf("it took effect %d times", n)
			}
		})
	}
}

// What HubSpot refuses was not done: it is said so, and done once by the next try.
func TestWriteThatHubSpotRefusedIsDoneByTheNextTry(t *testing.T) {
	refusals := map[string]struct {
		hubspotfake.Disturbance
		code  tools.Code
		after time.Duration
	}{
		"too many":       {hubspotfake.Disturbance{Status: 429, Header: http.Header{"Retry-After": {"7"}}, Category: "RATE_LIMITS", Policy: "TEN_SECONDLY_ROLLING"}, tools.RateLimited, 7 * time.Second},
		"too many a day": {hubspotfake.Disturbance{Status: 429, Category: "RATE_LIMITS", Policy: "DAILY"}, tools.RateLimited, 15 * time.Minute},
		"locked":         {hubspotfake.Disturbance{Status: 423, Body: "{}"}, tools.RateLimited, 2 * time.Second},
		"being moved":    {hubspotfake.Disturbance{Status: 477, Header: http.Header{"Retry-After": {"60"}}}, tools.Unavailable, time.Minute},
		"expired token":  {hubspotfake.Disturbance{Status: 401, Category: "EXPIRED_AUTHENTICATION", Message: "The OAuth token pat-eu1-0a1b2c3d4e5f used to make this call expired"}, tools.Denied, 0},
		"invalid":        {hubspotfake.Disturbance{Status: 400, Category: "VALIDATION_ERROR", Message: "Property values were not valid"}, tools.Invalid, 0},
	}
	for _, d := range deeds {
		for how, fault := range refusals {
			t.Run(d.tool+" "+how, func(t *testing.T) {
				now := time.Now()
				a := open(t, func(s *hubspot.Settings) { s.Now = func() time.Time { return now } })
				in := d.arrange(a)
				a.fake.Disturb(d.method, d.at(), fault.Disturbance)
				_, err := a.call(t.Context(), d.tool, in)
				if err == nil || err.Code != fault.code || err.RetryAfter != fault.after || strings.Contains(err.Message, "pat-eu1") {
					t.Fatalf("the first try: %+v, want %s", err, fault.code)
				}
				now = now.Add(fault.after)
				if _, err := a.call(t.Context(), d.tool, in); err != nil {
					t.Fatalf("the next try: %v", err)
				}
				if n := d.effects(a, false); n != 1 {
					t.Errorf("it took effect %d times", n)
				}
			})
		}
	}
}

func TestWhileHubSpotWantsToHearNothingNothingIsSent(t *testing.T) {
	now := time.Now()
	a := open(t, func(s *hubspot.Settings) { s.Now = func() time.Time { return now } })
	in := map[string]any{"customer": a.ada()}
	a.fake.Disturb(http.MethodGet, "/contacts/", hubspotfake.Disturbance{Status: 429, Header: http.Header{"Retry-After": {"7"}}})
	for _, passed := range []time.Duration{0, 2 * time.Second} {
		now = now.Add(passed)
		_, err := a.call(t.Context(), crm.GetCustomerTool, in)
		if want := 7*time.Second - passed; err == nil || err.Code != tools.RateLimited || err.RetryAfter != want || !err.Retryable {
			t.Errorf("%s after it said so: %+v, want %s to wait", passed, err, want)
		}
	}
	if n := len(a.fake.Requests()); n != 1 {
		t.Errorf("%d requests were made", n)
	}
	now = now.Add(5 * time.Second)
	if _, err := a.call(t.Context(), crm.GetCustomerTool, in); err != nil {
		t.Errorf("when the time was over: %v", err)
	}
}

func TestRequestsWaitAMomentWhereNothingIsLeftOfTheLimit(t *testing.T) {
	now := time.Now()
	var waits []time.Duration
	a := open(t, func(s *hubspot.Settings) {
		s.Now = func() time.Time { return now }
		s.Sleep = func(_ context.Context, d time.Duration) error { waits = append(waits, d); now = now.Add(d); return nil }
	})
	a.fake.Say("X-Hubspot-Ratelimit-Interval-Milliseconds", "10000")
	for _, left := range []string{"5", "0", "3"} {
		a.fake.Say("X-Hubspot-Ratelimit-Remaining", left)
		if _, err := a.call(t.Context(), crm.SearchProductsTool, map[string]any{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(waits) != 1 || waits[0] != time.Second {
		t.Errorf("the requests waited %v, want a second before the third", waits)
	}
}

func TestErrorsOfHubSpotBecomeCodesOfOurs(t *testing.T) {
	for name, test := range map[string]struct {
		fault hubspotfake.Disturbance
		code  tools.Code
		says  string
		not   string
	}{
		"revoked token":        {hubspotfake.Disturbance{Status: 401, Message: "expired"}, tools.Denied, "tools.crm.hubspot.token", "pat"},
		"forbidden":            {hubspotfake.Disturbance{Status: 403, Body: "<html>"}, tools.Denied, "scopes of the private app", ""},
		"conflict":             {hubspotfake.Disturbance{Status: 409, Category: "CONFLICT", Message: "The record is being merged."}, tools.Conflict, "being merged", ""},
		"wrong property":       {hubspotfake.Disturbance{Status: 400, Category: "VALIDATION_ERROR", Message: "Bad: " + strings.Repeat("x", 1000)}, tools.Invalid, "Bad: xxx", strings.Repeat("x", 400)},
		"a token in the words": {hubspotfake.Disturbance{Status: 400, Message: "You sent pat-eu1-12345678-9abc"}, tools.Invalid, "no reason", "pat-eu1"},
		"too many, no time":    {hubspotfake.Disturbance{Status: 429, Body: "slow down"}, tools.RateLimited, "Try again", ""},
		"refused in HTML":      {hubspotfake.Disturbance{Status: 400, Body: "<html>"}, tools.Invalid, "no reason", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t)
			a.fake.Disturb(http.MethodPost, "/objects/2026-03/tasks", test.fault)
			_, err := a.call(t.Context(), crm.CreateTaskTool, map[string]any{"title": "Call"})
			if err == nil || err.Code != test.code || !strings.Contains(err.Message, test.says) || test.not != "" && strings.Contains(err.Message, test.not) {
				t.Errorf("%+v, want %s that says %q and not %q", err, test.code, test.says, test.not)
			}
			if n := a.fake.Count("tasks"); n != 0 {
				t.Errorf("%d tasks were made", n)
			}
		})
	}
}

func TestMissingScopeIsNamed(t *testing.T) {
	a := open(t)
	a.fake.Lack("crm.objects.orders.read")
	if _, err := a.call(t.Context(), crm.SearchOrdersTool, nil); err == nil || err.Code != tools.Denied || !strings.Contains(err.Message, "crm.objects.orders.read") {
		t.Errorf("without the scope: %v", err)
	}
}

func TestReadThatFailsMayBeRepeated(t *testing.T) {
	for name, fault := range map[string]hubspotfake.Disturbance{
		"server error": {Status: 500}, "no JSON": {Status: 200, Body: "<html>"}, "cut off": {Status: 200, Body: `{"results": [`}, "bad gateway": {Status: 502, Body: "<html>"},
		"no answer": {}, "without end": {Status: 200, Body: `{"results":"` + strings.Repeat("x", 33<<20) + `"}`},
	} {
		a := open(t)
		a.ada()
		a.fake.Disturb(http.MethodPost, "/contacts/search", fault)
		if _, err := a.call(t.Context(), crm.SearchCustomersTool, nil); err == nil || err.Code != tools.Unavailable || !err.Retryable {
			t.Errorf("%s: %v", name, err)
		}
		if out, err := a.call(t.Context(), crm.SearchCustomersTool, nil); err != nil || len(out["customers"].([]any)) != 1 {
			t.Errorf("%s, again: %v, %v", name, out, err)
		}
	}
}

func TestAnswerThatIsNoRecordIsNoCustomer(t *testing.T) {
	a := open(t)
	in := map[string]any{"customer": a.ada()}
	a.fake.Disturb(http.MethodGet, "/contacts/", hubspotfake.Disturbance{Status: 200, Body: `{}`})
	if out, err := a.call(t.Context(), crm.GetCustomerTool, in); err == nil || err.Code != tools.Unavailable {
		t.Errorf("got %v, %v", out, err)
	}
}

// Where nothing listens nothing was done, and it is said so of a write as well.
func TestWriteThatReachedNobodyIsUnavailable(t *testing.T) {
	nobody := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody listens") }}
	a := open(t, func(s *hubspot.Settings) { s.Client = &http.Client{Transport: nobody} })
	if _, err := a.call(t.Context(), crm.CreateTaskTool, map[string]any{"title": "Call"}); err == nil || err.Code != tools.Unavailable {
		t.Errorf("a write to nobody: %v", err)
	}
}

// What is looked up behind a write does not make it look as if it had failed.
func TestWriteIsNotSaidToHaveFailedByALookBehindIt(t *testing.T) {
	a := open(t)
	boss := a.fake.Hire("boss@example.com", "Bo", "Ss")
	ticket := a.fake.Add("tickets", map[string]string{"subject": "Late", "hs_pipeline_stage": "1", "hubspot_owner_id": boss})
	a.fake.Disturb(http.MethodGet, "/crm/owners", hubspotfake.Disturbance{Status: 500})
	out, err := a.call(t.Context(), crm.UpdateTicketTool, map[string]any{"ticket": ticket, "subject": "Lost"})
	if err != nil || out["subject"] != "Lost" || out["assignee"] != "HubSpot user "+boss {
		t.Errorf("the write: %v, %v", out, err)
	}
}

func TestTokenThatWasReadAnewIsUsed(t *testing.T) {
	a := open(t, func(s *hubspot.Settings) { s.Token = "pat-eu1-an-old-one-that-was-revoked" })
	if _, err := a.call(t.Context(), crm.SearchCustomersTool, nil); err == nil || err.Code != tools.Denied {
		t.Errorf("with a token that was revoked: %v", err)
	}
	a.SetToken(hubspotfake.Token)
	if _, err := a.call(t.Context(), crm.SearchCustomersTool, nil); err != nil {
		t.Errorf("with a new one: %v", err)
	}
}
