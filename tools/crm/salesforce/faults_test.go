package salesforce_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/salesforce"
	"drawbridge/tools/crm/salesforce/salesforcefake"
)

// deed is a tool that changes something: what it needs, the part by which its request is
// known, and how often it took effect.
type deed struct {
	tool, part string
	creates    bool
	arrange    func(t testing.TB, o org) map[string]any
	effects    func(o org) int
}

func count(object, field string, value any) func(o org) int {
	return func(o org) int { return len(o.fake.Records(object, field, value)) }
}

func about(more map[string]any) func(t testing.TB, o org) map[string]any {
	return func(t testing.TB, o org) map[string]any {
		more["customer"] = o.ada(t)
		return more
	}
}

func deeds() []deed {
	return []deed{
		{crm.CreateCustomerTool, "/sobjects/Contact", true, func(testing.TB, org) map[string]any {
			return map[string]any{"name": "Bo Okafor", "email": "bo@example.org", "company": "Okafor Ltd"}
		}, count("Contact", "Email", "bo@example.org")},
		{crm.LogInteractionTool, "/sobjects/Task", true, about(map[string]any{"kind": "call", "summary": "Called"}), count("Task", "Subject", "Called")},
		{crm.CreateTaskTool, "/sobjects/Task", true, about(map[string]any{"title": "Call"}), count("Task", "Subject", "Call")},
		{crm.CreateTicketTool, "/sobjects/Case", true, about(map[string]any{"subject": "Late"}), count("Case", "Subject", "Late")},
		{crm.CreateDealTool, "/sobjects/Opportunity", true, about(map[string]any{"title": "Plates", "amount_minor": 1000, "currency": "EUR"}), count("Opportunity", "Name", "Plates")},
		{crm.UpdateCustomerTool, "/sobjects/Contact/", false, about(map[string]any{"name": "Ada L."}), count("Contact", "Name", "Ada L.")},
		{crm.CompleteTaskTool, "/sobjects/Task/", false, func(t testing.TB, o org) map[string]any {
			return map[string]any{"task": o.must(t, crm.CreateTaskTool, map[string]any{"title": "Call"})["id"], "outcome": "Done."}
		}, count("Task", "Status", "Completed")},
		{crm.UpdateTicketTool, "/sobjects/Case/", false, func(t testing.TB, o org) map[string]any {
			return map[string]any{"ticket": o.must(t, crm.CreateTicketTool, map[string]any{"customer": o.ada(t), "subject": "Late"})["id"], "status": "closed"}
		}, count("Case", "Status", "Closed")},
		{crm.UpdateDealTool, "/sobjects/Opportunity/", false, func(t testing.TB, o org) map[string]any {
			return map[string]any{"deal": o.must(t, crm.CreateDealTool, map[string]any{"customer": o.ada(t), "title": "Plates", "amount_minor": 1, "currency": "EUR"})["id"], "stage": "won"}
		}, count("Opportunity", "StageName", "Closed Won")},
		{crm.UpdateOrderTool, "/sobjects/Order/", false, func(t testing.TB, o org) map[string]any {
			account := o.fake.Put("Account", map[string]any{"Name": "Nordlys"})
			return map[string]any{"order": o.fake.Put("Order", map[string]any{"AccountId": account, "Status": "Draft", "EffectiveDate": "2026-03-02"}), "status": "paid"}
		}, count("Order", "Status", "Activated")},
	}
}

// lost are ways in which an effect took place and nobody heard of it.
var lost = map[string]salesforcefake.Disturbance{
	"no answer":   {Effect: true},
	"cut off":     {Effect: true, Status: http.StatusOK, Body: `{"compositeResponse": [`},
	"malformed":   {Effect: true, Status: http.StatusOK, Body: "<html>It works</html>"},
	"too little":  {Effect: true, Status: http.StatusOK, Body: `{"compositeResponse": []}`},
	"bad gateway": {Effect: true, Status: http.StatusBadGateway, Body: "<html>Bad gateway</html>"},
	"error":       {Effect: true, Status: http.StatusInternalServerError, Code: "UNKNOWN_EXCEPTION", Message: "An unexpected error occurred."},
}

// A write whose answer was lost has an unknown outcome. Where Salesforce keeps the key of
// what was made, the same call made again finds it; else nothing is repeated.
func TestWriteWhoseAnswerWasLostTakesEffectOnce(t *testing.T) {
	for _, keys := range []bool{true, false} {
		for _, d := range deeds() {
			for how, fault := range lost {
				t.Run(d.tool+" "+how, func(t *testing.T) {
					change := withKeys
					if !keys {
						change = nil
					}
					o := open(t, change)
					in := d.arrange(t, o)
					o.fake.Disturb(http.MethodPost, d.part, fault)
					_, err := o.call(t.Context(), "key", d.tool, in)
					again := keys && d.creates
					if err == nil || err.Code != tools.OutcomeUnknown || err.Retryable != again {
						t.Fatalf("the call whose answer was lost: %+v, want an unknown outcome, to be asked again: %v", err, again)
					}
					if again {
						out, err := o.call(t.Context(), "key", d.tool, in)
						if err != nil || out["id"] == "" {
							t.Fatalf("made again: %v, %v", out, err)
						}
					}
					if n := d.effects(o); n != 1 {
						t.Errorf("it took effect %d times", n)
					}
				})
			}
		}
	}
}

// A call that is given up while Salesforce works on it has an unknown outcome too.
func TestWriteThatTimesOutAfterItTookEffectTakesEffectOnce(t *testing.T) {
	for _, d := range deeds() {
		t.Run(d.tool, func(t *testing.T) {
			o := open(t, withKeys)
			in := d.arrange(t, o)
			hung := make(chan struct{})
			o.fake.Disturb(http.MethodPost, d.part, salesforcefake.Disturbance{Effect: true, Hang: true, Hung: hung})
			ctx, giveUp := context.WithCancelCause(t.Context())
			go func() {
				<-hung
				giveUp(context.DeadlineExceeded)
			}()
			if _, err := o.call(ctx, "key", d.tool, in); err == nil || err.Code != tools.OutcomeUnknown || err.Retryable != d.creates {
				t.Fatalf("the call that was given up: %+v", err)
			}
			if d.creates {
				if _, err := o.call(t.Context(), "key", d.tool, in); err != nil {
					t.Fatalf("made again: %v", err)
				}
			}
			if n := d.effects(o); n != 1 {
				t.Errorf("it took effect %d times", n)
			}
		})
	}
}

// What Salesforce did not do is said to be undone, and done once by the next try.
func TestWriteThatSalesforceDidNotDoIsDoneByTheNextTry(t *testing.T) {
	for _, d := range deeds() {
		for how, fault := range map[string]struct {
			salesforcefake.Disturbance
			code tools.Code
		}{
			"too many":       {salesforcefake.Disturbance{Status: 429, Body: "slow down", Header: http.Header{"Retry-After": {"7"}}}, tools.RateLimited},
			"limit of a day": {salesforcefake.Disturbance{Status: 403, Code: "REQUEST_LIMIT_EXCEEDED", Message: "TotalRequests Limit exceeded."}, tools.RateLimited},
			"forbidden":      {salesforcefake.Disturbance{Status: 403, Code: "INSUFFICIENT_ACCESS_OR_READONLY", Message: "insufficient access rights on object id"}, tools.Denied},
			"not taken":      {salesforcefake.Disturbance{Status: 503, Code: "SERVER_UNAVAILABLE", Message: "busy"}, tools.OutcomeUnknown},
		} {
			t.Run(d.tool+" "+how, func(t *testing.T) {
				now := began
				o := open(t, func(s *salesforce.Settings, fake *salesforcefake.Org) {
					withKeys(s, fake)
					s.Now = func() time.Time { return now }
				})
				in := d.arrange(t, o)
				o.fake.Disturb(http.MethodPost, d.part, fault.Disturbance)
				if _, err := o.call(t.Context(), "key", d.tool, in); err == nil || err.Code != fault.code {
					t.Fatalf("the first try: %v, want %s", err, fault.code)
				}
				if n := d.effects(o); n != 0 {
					t.Fatalf("it took effect %d times", n)
				}
				now = now.Add(time.Hour)
				if _, err := o.call(t.Context(), "key", d.tool, in); err != nil {
					t.Fatalf("the next try: %v", err)
				}
				if n := d.effects(o); n != 1 {
					t.Errorf("it took effect %d times", n)
				}
			})
		}
	}
}

// A session that has ended is renewed, once a request, and the request is made again.
func TestSessionThatHasEndedIsRenewedOnce(t *testing.T) {
	for _, d := range deeds() {
		t.Run(d.tool, func(t *testing.T) {
			o := open(t, nil)
			in := d.arrange(t, o)
			before := o.fake.SignIns()
			o.fake.Expire()
			if _, err := o.call(t.Context(), "", d.tool, in); err != nil {
				t.Fatalf("the call: %v", err)
			}
			if n := o.fake.SignIns() - before; n != 1 {
				t.Errorf("we signed in %d times", n)
			}
			if n := d.effects(o); n != 1 {
				t.Errorf("it took effect %d times", n)
			}
		})
	}
	o := open(t, nil)
	for range 2 {
		o.fake.Disturb(http.MethodGet, "/query", salesforcefake.Disturbance{Status: 401, Code: "INVALID_SESSION_ID", Message: "Session expired or invalid"})
	}
	if _, err := o.call(t.Context(), "", crm.SearchTicketsTool, nil); err == nil || err.Code != tools.Denied {
		t.Errorf("with sessions that end at once: %v", err)
	}
	if n, asked := o.fake.SignIns(), len(o.fake.Requests()); n != 2 || asked != 2 {
		t.Errorf("we signed in %d times, and asked %d times", n, asked)
	}
}

func TestWhileSalesforceWantsToHearNothingNothingIsSent(t *testing.T) {
	for how, fault := range map[string]salesforcefake.Disturbance{
		"by 429":    {Status: 429, Body: "x", Header: http.Header{"Retry-After": {"7"}}},
		"by 403":    {Status: 403, Code: "REQUEST_LIMIT_EXCEEDED", Message: "TotalRequests Limit exceeded.", Header: http.Header{"Retry-After": {"7"}}},
		"by a date": {Status: 429, Body: "x", Header: http.Header{"Retry-After": {began.Add(7 * time.Second).Format(http.TimeFormat)}}},
	} {
		t.Run(how, func(t *testing.T) {
			now := began
			o := open(t, func(s *salesforce.Settings, _ *salesforcefake.Org) { s.Now = func() time.Time { return now } })
			o.fake.Disturb(http.MethodGet, "/query", fault)
			for _, passed := range []time.Duration{0, 2 * time.Second} {
				now = now.Add(passed)
				_, err := o.call(t.Context(), "", crm.SearchTicketsTool, nil)
				if want := 7*time.Second - passed; err == nil || err.Code != tools.RateLimited || err.RetryAfter != want || !err.Retryable {
					t.Errorf("%s after it said so: %+v, want %s to wait", passed, err, want)
				}
			}
			if n := len(o.fake.Requests()); n != 1 {
				t.Errorf("%d requests were made", n)
			}
			now = now.Add(5 * time.Second)
			if _, err := o.call(t.Context(), "", crm.SearchTicketsTool, nil); err != nil {
				t.Errorf("when the time was over: %v", err)
			}
		})
	}
}

// What is left of the day's requests is other programs', from a point on; one request now
// and then says whether that has passed.
func TestReserveOfTheDaysRequestsIsLeftToOthers(t *testing.T) {
	now := began
	o := open(t, func(s *salesforce.Settings, fake *salesforcefake.Org) {
		s.Now, s.Reserve = func() time.Time { return now }, 10
		fake.Used, fake.Allowed = 88, 100
	})
	search := func() *tools.Error {
		_, err := o.call(t.Context(), "", crm.SearchTicketsTool, nil)
		return err
	}
	if err := search(); err != nil { // the sign-in was number 89, this one is number 90
		t.Fatal(err)
	}
	if err := search(); err == nil || err.Code != tools.RateLimited || !strings.Contains(err.Message, "90 of the 100") || err.RetryAfter != 5*time.Minute {
		t.Errorf("at the reserve: %+v", err)
	}
	if n := len(o.fake.Requests()); n != 1 {
		t.Errorf("%d requests were made", n)
	}
	o.fake.Used = 50
	now = now.Add(5 * time.Minute)
	for range 2 {
		if err := search(); err != nil {
			t.Errorf("a day later: %v", err)
		}
	}
}

// A record that another request holds is tried again, for a while: nothing was done.
func TestLockedRecordIsTriedAgain(t *testing.T) {
	busy := salesforcefake.Disturbance{Status: 400, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record"}
	for tries, code := range map[int]tools.Code{3: "", 4: tools.Unavailable} {
		o := open(t, nil)
		in := map[string]any{"customer": o.ada(t), "subject": "Late"}
		for range tries {
			o.fake.Disturb(http.MethodPost, "/sobjects/Case", busy)
		}
		_, err := o.call(t.Context(), "", crm.CreateTicketTool, in)
		if code == "" && err != nil || code != "" && (err == nil || err.Code != code || !err.Retryable) {
			t.Errorf("locked %d times: %v, want %q", tries, err, code)
		}
	}
}

func TestErrorsOfSalesforceBecomeCodesOfOurs(t *testing.T) {
	for name, test := range map[string]struct {
		fault salesforcefake.Disturbance
		code  tools.Code
		says  string
		not   string
	}{
		"validation rule":  {salesforcefake.Disturbance{Status: 400, Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: "A case needs a product"}, tools.Invalid, "A case needs a product", ""},
		"very long":        {salesforcefake.Disturbance{Status: 400, Code: "FIELD_INTEGRITY_EXCEPTION", Message: strings.Repeat("x", 1000)}, tools.Invalid, "xxx...", strings.Repeat("x", 400)},
		"no access":        {salesforcefake.Disturbance{Status: 400, Code: "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Message: "no"}, tools.Denied, "permission", ""},
		"field unseen":     {salesforcefake.Disturbance{Status: 400, Code: "INVALID_FIELD", Message: "No such column 'Assignee__c' on entity 'Case'"}, tools.Denied, "Assignee__c", ""},
		"record is gone":   {salesforcefake.Disturbance{Status: 404, Code: "ENTITY_IS_DELETED", Message: "entity is deleted"}, tools.NotFound, "deleted", ""},
		"locked in review": {salesforcefake.Disturbance{Status: 400, Code: "ENTITY_IS_LOCKED", Message: "the entity is locked for editing"}, tools.Conflict, "locked", ""},
		"a trigger":        {salesforcefake.Disturbance{Status: 400, Code: "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Message: "CaseTrigger: execution of BeforeInsert"}, tools.Conflict, "CaseTrigger", ""},
		"our own mistake":  {salesforcefake.Disturbance{Status: 400, Code: "MALFORMED_QUERY", Message: "unexpected token"}, tools.Internal, "", "unexpected token"},
		"in HTML":          {salesforcefake.Disturbance{Status: 404, Body: "<html>"}, tools.Unavailable, "404", ""},
		"forbidden":        {salesforcefake.Disturbance{Status: 403, Body: "<html>"}, tools.Denied, "permissions", ""},
		"a session's id":   {salesforcefake.Disturbance{Status: 400, Code: "UNKNOWN", Message: "sid 00D5g000000ABCD!AQ0.abc was used"}, tools.Invalid, "[redacted]", "AQ0"},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t, nil)
			in := map[string]any{"customer": o.ada(t), "subject": "Late"}
			o.fake.Disturb(http.MethodPost, "/sobjects/Case", test.fault)
			_, err := o.call(t.Context(), "", crm.CreateTicketTool, in)
			if err == nil || err.Code != test.code || !strings.Contains(err.Message, test.says) || test.not != "" && strings.Contains(err.Message, test.not) {
				t.Errorf("%+v, want %s that says %q and not %q", err, test.code, test.says, test.not)
			}
			if n := len(o.fake.Records("Case", "", nil)); n != 0 {
				t.Errorf("%d cases were made", n)
			}
		})
	}
}

func TestReadThatFailsMayBeRepeated(t *testing.T) {
	for name, fault := range map[string]salesforcefake.Disturbance{
		"server error": {Status: 500, Code: "UNKNOWN_EXCEPTION"}, "no JSON": {Status: 200, Body: "<html>"}, "cut off": {Status: 200, Body: `{"records": [`}, "bad gateway": {Status: 502, Body: "<html>"},
		"no answer": {}, "an answer without end": {Status: 200, Body: `{"records": [], "done": false, "nextRecordsUrl": "https://evil.example.com/"}`}, "33 MiB": {Status: 200, Body: `"` + strings.Repeat("x", 33<<20) + `"`},
	} {
		o := open(t, nil)
		if _, err := o.call(t.Context(), "", crm.SearchTicketsTool, nil); err != nil {
			t.Fatal(err)
		}
		o.fake.Disturb(http.MethodGet, "/query", fault)
		if fault.Status == 0 {
			o.fake.Disturb(http.MethodGet, "/query", fault) // net/http reads once more where a kept connection breaks
		}
		if _, err := o.call(t.Context(), "", crm.SearchTicketsTool, nil); err == nil || err.Code != tools.Unavailable || !err.Retryable {
			t.Errorf("%s: %v", name, err)
		}
		o.fake.Calm()
		if _, err := o.call(t.Context(), "", crm.SearchTicketsTool, nil); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
	}
}

// Where nothing listens nothing was done, and it is said so of a write as well.
func TestWriteThatReachedNobodyIsUnavailable(t *testing.T) {
	o := open(t, nil)
	in := map[string]any{"customer": o.ada(t), "subject": "Late"}
	reached := true
	dead := open(t, func(s *salesforce.Settings, _ *salesforcefake.Org) {
		s.URL = o.fake.URL
		transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if !reached {
				return nil, errors.New("nobody listens")
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
		s.Client = &http.Client{Transport: transport}
	})
	dead.must(t, crm.SearchTicketsTool, nil)
	reached = false
	if _, err := dead.call(t.Context(), "", crm.CreateTaskTool, map[string]any{"title": "Call"}); err == nil || err.Code != tools.Unavailable {
		t.Errorf("a write to nobody: %v", err)
	}
	if _, err := dead.call(t.Context(), "", crm.CreateTicketTool, in); err == nil || err.Code != tools.Unavailable {
		t.Errorf("a look before a write, at nobody: %v", err)
	}
}
