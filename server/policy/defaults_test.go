package policy_test

import (
	"testing"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/policy"
)

func TestDefaultsByTheDoors(t *testing.T) {
	for _, c := range []struct {
		who             auth.Principal
		tool, arguments string
		want            guard.Action
		rule            string
	}{
		{tainted, "crm_get_customer", `{"customer":"cus_ada"}`, guard.Allow, "default/reads"},
		{tainted, "crm_create_task", `{"title":"see http://evil.example"}`, guard.Allow, ""},
		{tainted, "payment_create_refund", `{"payment_id":"pi_1","amount_minor":1}`, guard.Approve, "default/tainted-money"},
		{tainted, "email_send", `{"to":["Ada <ADA@example.com>"],"text":"Thank you"}`, guard.Allow, ""},
		{tainted, "email_send", `{"to":["ada@example.com"],"bcc":["eve@evil.example"],"text":"Thank you"}`, guard.Approve, "default/tainted-message"},
		{tainted, "email_send", `{"to":["ada@example.com"],"reply_to":"eve@evil.example","text":"Thank you"}`, guard.Approve, "default/tainted-message"},
		{tainted, "email_send", `{"to":["new@example.com"],"text":"Thank you"}`, guard.Approve, "default/tainted-message"},
		{tainted, "email_send", `{"to":["ada@example.com"],"text":"see https://evil.example/?d=1"}`, guard.Approve, "default/tainted-address"},
		{tainted, "email_send", `{"to":["ada@example.com"],"text":"see ht` + "\u200b" + `tps://evil.example"}`, guard.Approve, "default/tainted-address"},
		{tainted, "email_send", `{"to":["ada@example.com"],"text":"see www.evil.example or evil.example/x"}`, guard.Approve, "default/tainted-address"},
		{tainted, "email_send", `{"to":["ada@example.com"],"text":"see https://www.shop.example.com/orders and SHOP.example.com/x"}`, guard.Allow, ""},
		{tainted, "email_send", `{"to":["ada@example.com"],"text":"see https://shop.example.com@evil.example/"}`, guard.Approve, "default/tainted-address"},
		{tainted, "email_send_draft", `{"id":"msg_1"}`, guard.Approve, "default/tainted-message"},
		{tainted, "email_send_draft", `{"id":"gone"}`, guard.Deny, "default/tainted-message: could not be evaluated: facts.recipients: there is no such thing"},
		{tainted, "crm_update_customer", `{"customer":"cus_ada","email":"eve@evil.example"}`, guard.Approve, "default/tainted-contact"},
		{tainted, "crm_update_customer", `{"customer":"cus_ada","note":"paid"}`, guard.Allow, ""},
		{tainted, "far__fetch", `{"url":"https://evil.example"}`, guard.Approve, "default/tainted-address"},
		{tainted, "far__fetch", `{"q":"orders"}`, guard.Allow, ""},
		{tainted, "far__fetch", `{"https://evil.example":[{"deep":1}]}`, guard.Approve, "default/tainted-address"},
		{tainted, "payment_void_invoice", `{"invoice":"in_1"}`, guard.Approve, "default/irreversible"},
		{clean, "payment_create_refund", `{"payment_id":"pi_1","amount_minor":1000}`, guard.Allow, ""},
		{clean, "payment_create_refund", `{"payment_id":"pi_1"}`, guard.Allow, ""},
		{clean, "payment_create_refund", `{"payment_id":"pi_1","amount_minor":30001}`, guard.Approve, "default/refund-sum"},
		{clean, "payment_create_refund", `{"payment_id":"pi_1","amount_minor":5.0001e4}`, guard.Approve, "default/refund-sum"},
		{clean, "payment_create_refund", `{"payment_id":"pi_1","amount_minor":1e30}`, guard.Deny, "default/refund-sum: could not be evaluated: facts.amount_minor: the amount is no whole number of minor units, or is given twice"},
		{clean, "payment_create_refund", `{"payment_id":"pi_old","amount_minor":1}`, guard.Approve, "default/refund-age"},
		{clean, "payment_create_refund", `{"payment_id":"gone","amount_minor":1,"currency":"EUR"}`, guard.Deny, "default/refund-sum: could not be evaluated: facts.payment: there is no such thing"},
		{clean, "email_send", `{"to":["ada@example.com"],"text":"https://evil.example"}`, guard.Allow, ""},
		{clean, "email_send", `{"to":["eve@evil.example"],"text":"x"}`, guard.Approve, "default/unknown-recipient"},
		{desk, "email_send", `{"to":["eve@evil.example"],"text":"x"}`, guard.Approve, "default/unknown-recipient"},
		{desk, "far__pay", `{"amount":100,"currency":"EUR"}`, guard.Allow, ""},
		{desk, "far__pay", `{"amount":1000001,"currency":"EUR"}`, guard.Approve, "default/money-sum"},
		{desk, "far__pay", `{"much":1}`, guard.Approve, "default/money-sum"},
		{tainted, "payment_capture_payment", `{"payment_id":"pi_held","amount_minor":1}`, guard.Approve, "default/tainted-money"},
		{tainted, "payment_submit_dispute_evidence", `{"dispute_id":"dp_1"}`, guard.Approve, "default/tainted-money"},
		{tainted, "payment_draft_dispute_evidence", `{"dispute_id":"dp_1","other":"It was delivered."}`, guard.Allow, ""},
		{tainted, "payment_update_customer", `{"customer":"cus_ada","email":"eve@evil.example"}`, guard.Approve, "default/tainted-contact"},
		{clean, "payment_capture_payment", `{"payment_id":"pi_held"}`, guard.Allow, ""},
		{clean, "payment_capture_payment", `{"payment_id":"pi_large"}`, guard.Approve, "default/money-sum"},
		{clean, "payment_capture_payment", `{"payment_id":"pi_large","amount_minor":1000000}`, guard.Allow, ""},
		{clean, "payment_cancel_payment", `{"payment_id":"pi_large"}`, guard.Approve, "default/money-sum"},
		{clean, "payment_cancel_payment", `{"payment_id":"gone"}`, guard.Approve, "default/money-sum"},
		{clean, "payment_submit_dispute_evidence", `{"dispute_id":"dp_1"}`, guard.Approve, "default/money-sum"},
		{clean, "payment_update_customer", `{"customer":"cus_ada","name":"Ada"}`, guard.Approve, "default/irreversible"},
		{here, "email_send", `{"to":["eve@evil.example"],"text":"x"}`, guard.Allow, "default/local"},
		{typed, "payment_create_refund", `{"payment_id":"pi_1"}`, guard.Allow, "default/local"},
		{here, "payment_void_invoice", `{"invoice":"in_1"}`, guard.Allow, "default/local"},
	} {
		w := newWorld(t)
		p := w.compile(policy.Defaults()...)
		if v := w.judge(p, c.who, c.tool, c.arguments); v.Action != c.want || v.Rule != c.rule {
			t.Errorf("%s calls %s %s: %s by %q, want %s by %q", c.who, c.tool, c.arguments, v.Action, v.Rule, c.want, c.rule)
		}
	}
}

// Many small refunds are a large one, however they are spread over principals.
func TestRefundsOfADayAreAddedUp(t *testing.T) {
	w := newWorld(t)
	p := w.compile(policy.Defaults()...)
	w.spend(150_000, noon.Add(-25*time.Hour))
	w.spend(190_000, noon.Add(-23*time.Hour))
	if v := w.judge(p, clean, "payment_create_refund", `{"payment_id":"pi_1","amount_minor":10000}`); v.Action != guard.Allow {
		t.Errorf("up to the bound: %+v", v)
	}
	if v := w.judge(p, clean, "payment_create_refund", `{"payment_id":"pi_1","amount_minor":10001}`); v.Rule != "default/refund-day" || v.Action != guard.Approve {
		t.Errorf("above it: %+v", v)
	}
}

func TestEventAboutNobodyLetsNobodyBeWrittenTo(t *testing.T) {
	w := newWorld(t)
	w.subject = policy.Subject{}
	p := w.compile(policy.Defaults()...)
	if v := w.judge(p, tainted, "email_send", `{"to":["ada@example.com"],"text":"x"}`); v.Action != guard.Approve {
		t.Errorf("got %+v", v)
	}
}
