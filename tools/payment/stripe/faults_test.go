package stripe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/payment/stripe"
	"drawbridge/tools/payment/stripe/stripefake"
)

// call calls a tool under a key, "" for none.
func (a account) call(ctx context.Context, key, tool string, in map[string]any) (map[string]any, *tools.Error) {
	if key != "" {
		ctx = tools.WithKey(ctx, key)
	}
	arguments, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	found, known := tools.NewCatalog(payment.Tools(payment.New(a.Backend))).Lookup(tool)
	if !known {
		panic("no tool " + tool)
	}
	raw, err := found.Call(ctx, arguments)
	if err != nil {
		return nil, tools.AsError(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out, nil
}

// paid is a payment of EUR 10.00 that succeeded.
func (a account) paid() string {
	a.fake.Meet("cus_ada", "Ada", "ada@example.com")
	return a.fake.TakePayment(stripefake.Payment{Customer: "cus_ada", Amount: 1000, Currency: "eur", Status: "succeeded"})
}

// deed is one of the writes, with what it leaves behind.
type deed struct {
	tool string
	// path is that of the request that does it, in part.
	method, path string
	arrange      func(a account) map[string]any
	// effects counts how often it was done.
	effects func(a account, in map[string]any) int
}

var deeds = []deed{
	{payment.ToolCreateRefund, http.MethodPost, "/v1/refunds", func(a account) map[string]any {
		return map[string]any{"payment_id": a.paid(), "amount_minor": 300, "reason": "other"}
	}, func(a account, _ map[string]any) int { return a.fake.Count("refunds") }},
	{payment.ToolCreateRefund, http.MethodPost, "/v1/refunds", func(a account) map[string]any {
		return map[string]any{"payment_id": a.paid(), "reason": "duplicate"}
	}, func(a account, _ map[string]any) int { return a.fake.Count("refunds") }},
	{payment.ToolCapturePayment, http.MethodPost, "/capture", func(a account) map[string]any {
		a.fake.Meet("cus_ada", "Ada", "ada@example.com")
		return map[string]any{"payment_id": a.fake.TakePayment(stripefake.Payment{Customer: "cus_ada", Amount: 1000, Currency: "eur", Status: "requires_capture"})}
	}, accepted("/capture")},
	{payment.ToolCancelPayment, http.MethodPost, "/cancel", func(a account) map[string]any {
		a.fake.Meet("cus_ada", "Ada", "ada@example.com")
		return map[string]any{"payment_id": a.fake.TakePayment(stripefake.Payment{Customer: "cus_ada", Amount: 1000, Currency: "eur", Status: "requires_capture"}), "reason": "other"}
	}, accepted("/cancel")},
	{payment.ToolCreateInvoice, http.MethodPost, "/v1/invoices", draftOfThree, func(a account, _ map[string]any) int { return a.fake.Count("invoices") }},
	{payment.ToolCreateInvoice, http.MethodPost, "/v1/customers", draftOfThree, func(a account, _ map[string]any) int { return a.fake.Count("customers") }},
	{payment.ToolCreateInvoice, http.MethodPost, "/v1/invoiceitems", draftOfThree, func(a account, _ map[string]any) int { return a.fake.Count("lines") - 2 }},
	{payment.ToolSendInvoice, http.MethodPost, "/finalize", drafted, mailed},
	{payment.ToolSendInvoice, http.MethodPost, "/send", drafted, mailed},
	{payment.ToolVoidInvoice, http.MethodPost, "/void", func(a account) map[string]any {
		in := drafted(a)
		if _, err := a.call(context.Background(), "", payment.ToolSendInvoice, in); err != nil {
			panic(err)
		}
		return in
	}, accepted("/void")},
	{payment.ToolCreatePaymentLink, http.MethodPost, "/v1/payment_links", func(account) map[string]any {
		return map[string]any{"amount_minor": 100, "currency": "EUR", "description": "Order"}
	}, func(a account, _ map[string]any) int { return a.fake.Count("links") }},
	{payment.ToolCancelSubscription, http.MethodDelete, "/v1/subscriptions", subscribed("now"), accepted("/v1/subscriptions")},
	{payment.ToolCancelSubscription, http.MethodPost, "/v1/subscriptions", subscribed("period_end"), accepted("/v1/subscriptions")},
	{payment.ToolSubmitEvidence, http.MethodPost, "/v1/disputes", func(a account) map[string]any {
		id, err := a.fake.OpenDispute(stripefake.Dispute{Payment: a.paid(), Reason: "fraudulent", Status: "needs_response"})
		if err != nil {
			panic(err)
		}
		return map[string]any{"dispute_id": id, "other": "It was delivered."}
	}, accepted("/v1/disputes")},
	{payment.ToolUpdateCustomer, http.MethodPost, "/v1/customers/", func(a account) map[string]any {
		a.paid()
		return map[string]any{"customer": "ada@example.com", "email": "ada.new@example.com"}
	}, accepted("/v1/customers/")},
}

func draftOfThree(account) map[string]any {
	line := map[string]any{"description": "Work", "quantity": 1, "unit_amount_minor": 100}
	return map[string]any{"customer": "new@example.com", "currency": "EUR", "lines": []any{line, line, line}}
}

func drafted(a account) map[string]any {
	out, err := a.call(context.Background(), "", payment.ToolCreateInvoice, draftOfThree(a))
	if err != nil {
		panic(err)
	}
	return map[string]any{"invoice_id": out["id"]}
}

func mailed(a account, in map[string]any) int { return a.fake.Mailed(in["invoice_id"].(string)) }

func subscribed(when string) func(a account) map[string]any {
	return func(a account) map[string]any {
		a.fake.Meet("cus_ada", "Ada", "ada@example.com")
		return map[string]any{"when": when, "subscription_id": a.fake.Subscribe(stripefake.Subscription{Customer: "cus_ada", Status: "active", Product: "Plan", Amount: 100, Currency: "eur", Interval: "month", PeriodEnd: time.Now().Add(time.Hour)})}
	}
}

// accepted counts the writes to a path that the account carried out, each key once.
func accepted(path string) func(a account, _ map[string]any) int {
	return func(a account, _ map[string]any) int {
		done := map[string]bool{}
		for i, r := range a.fake.Requests() {
			if r.Method != http.MethodGet && strings.Contains(r.Path, path) && r.Status == http.StatusOK && !r.Replayed {
				if r.Form.Get("metadata[drawbridge_key]") != "" && r.Method == http.MethodPost && strings.Contains(path, "subscriptions") && r.Form.Get("cancel_at_period_end") == "" {
					continue // the mark before a subscription is ended
				}
				done[fmt.Sprint(i)] = true
			}
		}
		return len(done)
	}
}

// lost are ways in which an effect took place and nobody heard of it.
var lost = map[string]stripefake.Disturbance{
	"cut off":        {Effect: true, Status: http.StatusOK, Body: `{"id": "re_`},
	"malformed":      {Effect: true, Status: http.StatusOK, Body: "<html>It works</html>"},
	"bad gateway":    {Effect: true, Status: http.StatusBadGateway, Body: "<html>Bad gateway</html>"},
	"error and kept": {Effect: true, Status: http.StatusInternalServerError, Message: "An unknown error occurred", Kept: true},
}

// A write that took effect and whose answer was lost has an unknown outcome, which may be
// asked again; the same call under its key then has one effect, and a result.
func TestWriteWhoseAnswerWasLostTakesEffectOnceWhenItIsMadeAgain(t *testing.T) {
	for _, d := range deeds {
		for how, fault := range lost {
			t.Run(d.tool+d.path+" "+how, func(t *testing.T) {
				a := open(t)
				in := d.arrange(a)
				a.fake.Disturb(d.method, d.path, fault)
				_, err := a.call(t.Context(), "key", d.tool, in)
				if err == nil || err.Code != tools.OutcomeUnknown || !err.Retryable {
					t.Fatalf("the call whose answer was lost: %v", err)
				}
				out, err := a.call(t.Context(), "key", d.tool, in)
				if fault.Kept && err != nil && err.Code == tools.OutcomeUnknown {
					// Stripe gives the 500 again for a day; who looks sees what happened.
					a.fake.Forget()
					out, err = a.call(t.Context(), "key", d.tool, in)
					if err != nil && err.Code == tools.Conflict {
						out, err = map[string]any{}, nil // it has happened, says Stripe, and does not say who did it
					}
				}
				if err != nil || out == nil {
					t.Fatalf("made again: %v, %v", out, err)
				}
				if n := d.effects(a, in); n != 1 && !(fault.Kept && d.path == "/finalize" && n == 0) {
					t.Errorf("it took effect %d times", n)
				}
			})
		}
	}
}

// What Stripe did not do is said to be undone, and done once by the next try.
func TestWriteThatStripeDidNotDoIsDoneByTheNextTry(t *testing.T) {
	for _, d := range deeds {
		for how, fault := range map[string]struct {
			stripefake.Disturbance
			code tools.Code
		}{
			"too many":  {stripefake.Disturbance{Status: http.StatusTooManyRequests, Code: "rate_limit", Kind: "invalid_request_error", Message: "Too many requests"}, tools.RateLimited},
			"forbidden": {stripefake.Disturbance{Status: http.StatusForbidden, Kind: "invalid_request_error", Message: "no"}, tools.Denied},
			"unusable":  {stripefake.Disturbance{Status: http.StatusServiceUnavailable, Body: "busy"}, tools.OutcomeUnknown},
		} {
			t.Run(d.tool+d.path+" "+how, func(t *testing.T) {
				a := open(t)
				in := d.arrange(a)
				a.fake.Disturb(d.method, d.path, fault.Disturbance)
				_, err := a.call(t.Context(), "key", d.tool, in)
				half := fault.code == tools.RateLimited && (d.path == "/v1/invoiceitems" || d.path == "/send" || d.method == http.MethodDelete || d.path == "/v1/invoices")
				if err == nil || err.Code != fault.code && !(half && err.Code == tools.OutcomeUnknown) {
					t.Fatalf("the first try: %v, want %s", err, fault.code)
				}
				if _, err := a.call(t.Context(), "key", d.tool, in); err != nil {
					t.Fatalf("the next try: %v", err)
				}
				if n := d.effects(a, in); n != 1 {
					t.Errorf("it took effect %d times", n)
				}
			})
		}
	}
}

// A call that is given up while Stripe works on it has an unknown outcome too.
func TestWriteThatTimesOutAfterItTookEffectTakesEffectOnce(t *testing.T) {
	a := open(t)
	in := map[string]any{"payment_id": a.paid(), "amount_minor": 300, "reason": "other"}
	hung := make(chan struct{})
	a.fake.Disturb(http.MethodPost, "/v1/refunds", stripefake.Disturbance{Effect: true, Hang: true, Hung: hung})
	ctx, giveUp := context.WithCancelCause(t.Context())
	go func() {
		<-hung
		giveUp(context.DeadlineExceeded)
	}()
	if _, err := a.call(ctx, "key", payment.ToolCreateRefund, in); err == nil || err.Code != tools.OutcomeUnknown || !err.Retryable {
		t.Fatalf("the call that was given up: %v", err)
	}
	if _, err := a.call(t.Context(), "key", payment.ToolCreateRefund, in); err != nil {
		t.Fatal(err)
	}
	if n := a.fake.Count("refunds"); n != 1 {
		t.Errorf("the account has %d refunds", n)
	}
}

// Beyond the day for which Stripe keeps keys, what a call made is known by its mark.
func TestCallIsKnownAfterStripeHasForgottenItsKey(t *testing.T) {
	for _, d := range deeds {
		t.Run(d.tool+d.path, func(t *testing.T) {
			a := open(t)
			in := d.arrange(a)
			if _, err := a.call(t.Context(), "key", d.tool, in); err != nil {
				t.Fatal(err)
			}
			a.fake.Forget()
			if _, err := a.call(t.Context(), "key", d.tool, in); err != nil && err.Code != tools.Conflict {
				t.Errorf("made again a day later: %v", err)
			}
			if n := d.effects(a, in); n != 1 {
				t.Errorf("it took effect %d times", n)
			}
		})
	}
}

func TestWhileStripeWantsToHearNothingNothingIsSent(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a := openWith(t, stripefake.New(t, time.Now), func(s *stripe.Settings) { s.Now = func() time.Time { return now } })
	id := a.paid()
	in := map[string]any{"payment_id": id}
	a.fake.Disturb(http.MethodGet, "/v1/payment_intents", stripefake.Disturbance{Status: http.StatusTooManyRequests, Code: "rate_limit",
		Kind: "invalid_request_error", Header: http.Header{"Retry-After": {"7"}}})
	for _, passed := range []time.Duration{0, 2 * time.Second} {
		now = now.Add(passed)
		_, err := a.call(t.Context(), "", payment.ToolGetPayment, in)
		if want := 7*time.Second - passed; err == nil || err.Code != tools.RateLimited || err.RetryAfter != want || !err.Retryable {
			t.Errorf("%s after it said so: %+v, want %s to wait", passed, err, want)
		}
	}
	if n := len(a.fake.Requests()); n != 1 {
		t.Errorf("%d requests were made", n)
	}
	now = now.Add(5 * time.Second)
	if _, err := a.call(t.Context(), "", payment.ToolGetPayment, in); err != nil {
		t.Errorf("when the time was over: %v", err)
	}
}

func TestRequestWhoseKeyIsInUseWaitsForTheOther(t *testing.T) {
	a := open(t)
	in := map[string]any{"payment_id": a.paid(), "reason": "other"}
	busy := stripefake.Disturbance{Status: http.StatusConflict, Kind: "idempotency_error", Code: "idempotency_key_in_use", Message: "There is currently another in-progress request using this Stripe-Idempotency-Key."}
	a.fake.Disturb(http.MethodPost, "/v1/refunds", busy)
	a.fake.Disturb(http.MethodPost, "/v1/refunds", stripefake.Disturbance{Status: http.StatusTooManyRequests, Kind: "invalid_request_error", Code: "lock_timeout"})
	if _, err := a.call(t.Context(), "key", payment.ToolCreateRefund, in); err != nil {
		t.Errorf("with the key in use, and then the object: %v", err)
	}
	if n := a.fake.Count("refunds"); n != 1 {
		t.Errorf("the account has %d refunds", n)
	}
	in = map[string]any{"payment_id": a.paid(), "reason": "other"}
	for range 4 {
		a.fake.Disturb(http.MethodPost, "/v1/refunds", busy)
	}
	if _, err := a.call(t.Context(), "other", payment.ToolCreateRefund, in); err == nil || err.Code != tools.OutcomeUnknown || !err.Retryable {
		t.Errorf("with the key in use for good: %v", err)
	}
}

func TestErrorsOfStripeBecomeCodesOfOurs(t *testing.T) {
	for name, test := range map[string]struct {
		fault stripefake.Disturbance
		code  tools.Code
		says  string
		not   string
	}{
		"revoked key": {stripefake.Disturbance{Status: 401, Kind: "invalid_request_error", Code: "api_key_expired", Message: "Expired API Key provided: rk_test_******0000"},
			tools.Denied, "tools.payment.key", "rk_test"},
		"missing permission": {stripefake.Disturbance{Status: 403, Kind: "invalid_request_error",
			Message: "The provided key 'rk_test_***0000' does not have the required permissions for this endpoint on account 'acct_1'. Having the 'rak_refund_write' permission would allow this request to continue."},
			tools.Denied, "rak_refund_write", "rk_test"},
		"declined": {stripefake.Disturbance{Status: 402, Kind: "card_error", Code: "card_declined", Message: "Your card was declined."}, tools.Conflict, "card_declined", ""},
		"disputed": {stripefake.Disturbance{Status: 400, Kind: "invalid_request_error", Code: "charge_disputed", Message: "Charge ch_1 has been charged back."}, tools.Conflict, "charged back", ""},
		"no balance": {stripefake.Disturbance{Status: 400, Kind: "invalid_request_error", Code: "balance_insufficient", Message: "Insufficient funds in your Stripe balance."},
			tools.Conflict, "Insufficient funds", ""},
		"key of another call": {stripefake.Disturbance{Status: 400, Kind: "idempotency_error", Message: "Keys for idempotent requests can only be used with the same parameters"}, tools.Conflict, "another call", ""},
		"wrong parameter":     {stripefake.Disturbance{Status: 400, Kind: "invalid_request_error", Message: "Invalid string: " + strings.Repeat("x", 1000)}, tools.Invalid, "Invalid string: xxx", strings.Repeat("x", 400)},
		"a key in the words":  {stripefake.Disturbance{Status: 400, Kind: "invalid_request_error", Message: "You passed sk_test_abcdef"}, tools.Invalid, "no reason", "sk_test"},
		"too many, no time":   {stripefake.Disturbance{Status: 429, Body: "slow down"}, tools.RateLimited, "Try again", ""},
		"refused in HTML":     {stripefake.Disturbance{Status: 400, Body: "<html>"}, tools.Invalid, "no reason", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t)
			in := map[string]any{"payment_id": a.paid(), "reason": "other"}
			a.fake.Disturb(http.MethodPost, "/v1/refunds", test.fault)
			_, err := a.call(t.Context(), "key", payment.ToolCreateRefund, in)
			if err == nil || err.Code != test.code || !strings.Contains(err.Message, test.says) || test.not != "" && strings.Contains(err.Message, test.not) {
				t.Errorf("%+v, want %s that says %q and not %q", err, test.code, test.says, test.not)
			}
			if n := a.fake.Count("refunds"); n != 0 {
				t.Errorf("%d refunds were made", n)
			}
		})
	}
}

func TestReadThatFailsMayBeRepeated(t *testing.T) {
	for name, fault := range map[string]stripefake.Disturbance{
		"server error": {Status: 500}, "no JSON": {Status: 200, Body: "<html>"}, "cut off": {Status: 200, Body: `{"object": "li`}, "bad gateway": {Status: 502, Body: "<html>"},
		"no answer": {},
	} {
		a := open(t)
		a.paid()
		a.fake.Disturb(http.MethodGet, "/v1/payment_intents", fault)
		if _, err := a.call(t.Context(), "", payment.ToolSearchPayments, nil); err == nil || err.Code != tools.Unavailable || !err.Retryable {
			t.Errorf("%s: %v", name, err)
		}
		if out, err := a.call(t.Context(), "", payment.ToolSearchPayments, nil); err != nil || len(out["payments"].([]any)) != 1 {
			t.Errorf("%s, again: %v, %v", name, out, err)
		}
	}
}

// Where nothing listens nothing was done, and it is said so of a write as well.
func TestWriteThatReachedNobodyIsUnavailable(t *testing.T) {
	nobody := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody listens") }}
	a := openWith(t, stripefake.New(t, time.Now), func(s *stripe.Settings) { s.Client = &http.Client{Transport: nobody} })
	_, failed := a.call(t.Context(), "key", payment.ToolCreatePaymentLink, map[string]any{"amount_minor": 100, "currency": "EUR", "description": "Order"})
	if failed == nil || failed.Code != tools.Unavailable {
		t.Errorf("a write to nobody: %v", failed)
	}
	_, err := a.CreateLink(t.Context(), payment.LinkRequest{Amount: payment.Money{AmountMinor: 1, Currency: "EUR"}, Description: "Order"}) // without the look before
	if tools.CodeOf(err) != tools.Unavailable {
		t.Errorf("a write without a key to nobody: %v", err)
	}
}

func TestAnswerWithoutEndIsGivenUp(t *testing.T) {
	a := open(t)
	a.fake.Disturb(http.MethodGet, "/v1/balance", stripefake.Disturbance{Status: 200, Body: `{"object":"` + strings.Repeat("x", 17<<20) + `"}`})
	if _, err := a.call(t.Context(), "", payment.ToolGetBalance, nil); err == nil || err.Code != tools.Unavailable {
		t.Errorf("an answer of 17 MiB: %v", err)
	}
}
