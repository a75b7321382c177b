package paymenttest

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// everyToolTests hold for a whole class of tools.
var everyToolTests = map[string]func(*suite){
	"CursorNobodyGaveOutIsInvalid": badCursors,
}

// keyTests are for backends that honour idempotency keys.
var keyTests = map[string]func(*suite){
	"RepeatReturnsTheFirstResultAndActsOnce": repeats,
	"KeyBelongsToOneTool":                    keyOfOneTool,
	"RefusedCallLeavesItsKeyFree":            refusedCallFreesKey,
	"ConcurrentRepeatsActOnce":               concurrentRepeats,
	"WithoutAKeyEachCallActs":                withoutKey,
}

func badCursors(s *suite) {
	for range 2 {
		s.paid("1.00 EUR")
	}
	foreign := do[payment.SearchPaymentsOutput](s, payment.ToolSearchPayments, args{"limit": 1}).NextCursor
	lists := []string{payment.ToolSearchPayments, payment.ToolSearchInvoices, payment.ToolListSubscriptions, payment.ToolListDisputes}
	for i, list := range lists {
		for _, cursor := range []string{"x", "!!", "bnVsbA", "e30", "W10", "MTc"} { // of which the last four decode, to null, {}, [] and 17
			s.refused(tools.Invalid, list, args{"cursor": cursor}, "cursor:")
		}
		if i > 0 {
			s.refused(tools.Invalid, list, args{"cursor": foreign}, "cursor:")
		}
	}
}

// state is all that the tools can show.
func state(s *suite) map[string]any {
	shown := map[string]any{}
	for _, list := range []string{payment.ToolSearchPayments, payment.ToolSearchInvoices, payment.ToolListSubscriptions, payment.ToolGetBalance} {
		shown[list] = do[args](s, list, args{})
	}
	for _, charge := range do[payment.SearchPaymentsOutput](s, payment.ToolSearchPayments, args{}).Payments {
		shown[charge.ID] = details(s, charge.ID)
	}
	for _, one := range do[payment.ListDisputesOutput](s, payment.ToolListDisputes, args{}).Disputes {
		shown[one.ID] = dispute(s, one.ID)
	}
	return shown
}

func repeats(s *suite) {
	paid, subscription, draft := s.paid("10.00 EUR"), s.subscribed(ada, payment.SubscriptionActive), s.draft(ada.Email, 500, "Work").ID
	held, given, disputed := s.held("6.00 EUR"), s.held("7.00 EUR"), s.disputed()
	for i, write := range []struct {
		tool string
		in   args
	}{
		{payment.ToolCreateRefund, args{"payment_id": paid, "amount_minor": 100, "reason": "other"}},
		{payment.ToolCreateInvoice, args{"customer": "new@example.com", "currency": "EUR", "lines": []args{{"description": "Work", "quantity": 1, "unit_amount_minor": 1}}}},
		{payment.ToolSendInvoice, args{"invoice_id": draft}},
		{payment.ToolVoidInvoice, args{"invoice_id": draft}},
		{payment.ToolCreatePaymentLink, args{"amount_minor": 1, "currency": "EUR", "description": "Order"}},
		{payment.ToolCancelSubscription, args{"subscription_id": subscription, "when": "period_end"}},
		{payment.ToolCapturePayment, args{"payment_id": held, "amount_minor": 500}},
		{payment.ToolCancelPayment, args{"payment_id": given, "reason": "other"}},
		{payment.ToolDraftEvidence, args{"dispute_id": disputed, "other": "Words."}},
		{payment.ToolSubmitEvidence, args{"dispute_id": disputed, "shipping_carrier": "DHL"}},
		{payment.ToolUpdateCustomer, args{"customer": ada.Reference, "name": "Ada New"}},
		// Last, for what is paid to whom has changed by then.
		{payment.ToolCreateRefund, args{"payment_id": paid, "reason": "other"}},
		{payment.ToolCancelSubscription, args{"subscription_id": subscription, "when": "now"}},
	} {
		ctx := s.keyed(fmt.Sprintf("key %d of %s", i, write.tool))
		before := state(s)
		first := doAs[args](ctx, s, write.tool, write.in)
		acted := state(s)
		if write.tool != payment.ToolCreatePaymentLink && cmp.Equal(before, acted) {
			s.Errorf("%s changed nothing", write.tool)
		}
		if diff := cmp.Diff(first, doAs[args](ctx, s, write.tool, write.in)); diff != "" {
			s.Errorf("%s repeated (-first +again):\n%s", write.tool, diff)
		}
		if diff := cmp.Diff(acted, state(s)); diff != "" {
			s.Errorf("repeating %s changed (-before +after):\n%s", write.tool, diff)
		}
	}
}

func keyOfOneTool(s *suite) {
	ctx, id := s.keyed("one key"), s.paid("10.00 EUR")
	doAs[args](ctx, s, payment.ToolCreatePaymentLink, args{"amount_minor": 1, "currency": "EUR", "description": "Order"})
	_, err := attempt[json.RawMessage](ctx, s, payment.ToolCreateRefund, args{"payment_id": id, "reason": "other"})
	if tools.CodeOf(err) != tools.Conflict {
		s.Errorf("another tool with the same key: %v, want a conflict", err)
	}
	if got := details(s, id); len(got.Refunds) != 0 {
		s.Errorf("it refunded %+v", got.Refunds)
	}
}

func refusedCallFreesKey(s *suite) {
	ctx, id := s.keyed("one key"), s.paid("10.00 EUR")
	_, err := attempt[json.RawMessage](ctx, s, payment.ToolCreateRefund, args{"payment_id": id, "amount_minor": 1001, "reason": "other"})
	if tools.CodeOf(err) != tools.Invalid {
		s.Fatalf("refunding too much: %v", err)
	}
	got := doAs[payment.CreateRefundOutput](ctx, s, payment.ToolCreateRefund, args{"payment_id": id, "amount_minor": 1000, "reason": "other"})
	if got.Amount != s.money("10.00 EUR") {
		s.Errorf("the corrected call refunded %s", got.Amount)
	}
}

func concurrentRepeats(s *suite) {
	ctx, id := s.keyed("one key"), s.paid("10.00 EUR")
	refunds := make([]payment.CreateRefundOutput, 8)
	errs := make([]error, len(refunds))
	var group sync.WaitGroup
	for i := range refunds {
		group.Go(func() {
			refunds[i], errs[i] = attempt[payment.CreateRefundOutput](ctx, s, payment.ToolCreateRefund, args{"payment_id": id, "amount_minor": 100, "reason": "other"})
		})
	}
	group.Wait()
	for i := range refunds {
		if errs[i] != nil || refunds[i].ID != refunds[0].ID {
			s.Errorf("repeat %d: %+v, %v", i, refunds[i], errs[i])
		}
	}
	if got := details(s, id); len(got.Refunds) != 1 {
		s.Errorf("one key made %d refunds", len(got.Refunds))
	}
}

func withoutKey(s *suite) {
	id := s.paid("10.00 EUR")
	for range 2 {
		refund(s, args{"payment_id": id, "amount_minor": 100, "reason": "other"})
	}
	if got := details(s, id); len(got.Refunds) != 2 {
		s.Errorf("two calls made %d refunds", len(got.Refunds))
	}
}
