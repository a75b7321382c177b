package paymenttest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

var otherTests = map[string]func(*suite){
	"LinkShowsWhatIsToBePaid":             paymentLink,
	"SubscriptionsAreListedByFilter":      listSubscriptions,
	"SubscriptionEndsNowOrAtPeriodEnd":    cancelSubscription,
	"DisputesAreListedByFilter":           listDisputes,
	"BalanceFollowsPaymentsAndTheirFates": balanceFollows,
}

func paymentLink(s *suite) {
	in := args{"amount_minor": 1250, "currency": "jpy", "description": "Order 7", "reference": "order-7"}
	got := do[payment.CreatePaymentLinkOutput](s, payment.ToolCreatePaymentLink, in)
	want := payment.CreatePaymentLinkOutput{
		Link:    payment.Link{ID: got.ID, URL: got.URL, Amount: s.money("1250 JPY"), Description: "Order 7", Reference: "order-7", CreatedAt: got.CreatedAt},
		Written: payment.Written{Sandbox: s.Driver().Traits().Sandbox},
	}
	if diff := cmp.Diff(want, got); diff != "" || got.URL == "" {
		s.Errorf("link (-want +got):\n%s", diff)
	}
	again := do[payment.CreatePaymentLinkOutput](s, payment.ToolCreatePaymentLink, in)
	if again.ID == got.ID || again.URL == got.URL {
		s.Errorf("two calls made one link: %+v", again)
	}
	for text, in := range map[string]args{
		"amount_minor: 0":    {"amount_minor": 0, "currency": "EUR", "description": "Order"},
		"currency: \"\"":     {"amount_minor": 1, "currency": "", "description": "Order"},
		"description: is em": {"amount_minor": 1, "currency": "EUR", "description": " "},
	} {
		s.refused(tools.Invalid, payment.ToolCreatePaymentLink, in, text)
	}
}

func (s *suite) subscribed(customer payment.Customer, status payment.SubscriptionStatus) string {
	s.Helper()
	return s.must(s.Subscribe(s.Context(), payment.Subscription{
		Customer: customer, Status: status, Plan: "Team plan", Amount: s.money("29.00 EUR"), Interval: "month",
		CreatedAt: may(1), PeriodEnd: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	}))
}

func listSubscriptions(s *suite) {
	active, late := s.subscribed(ada, payment.SubscriptionActive), s.subscribed(ben, payment.SubscriptionPastDue)
	for name, test := range map[string]struct {
		in   args
		want []string
	}{
		"all":         {args{}, []string{late, active}},
		"by email":    {args{"customer": ada.Email}, []string{active}},
		"by ref":      {args{"customer": ben.Reference}, []string{late}},
		"by status":   {args{"status": "past_due"}, []string{late}},
		"none":        {args{"status": "canceled"}, nil},
		"both":        {args{"status": "active", "customer": ben.Email}, nil},
		"one at most": {args{"limit": 1}, []string{late}},
	} {
		var got []string
		for _, one := range do[payment.ListSubscriptionsOutput](s, payment.ToolListSubscriptions, test.in).Subscriptions {
			got = append(got, one.ID)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			s.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	s.refused(tools.Invalid, payment.ToolListSubscriptions, args{"status": "asleep"}, "status")
}

func cancelSubscription(s *suite) {
	id := s.subscribed(ada, payment.SubscriptionActive)
	before := do[payment.ListSubscriptionsOutput](s, payment.ToolListSubscriptions, args{}).Subscriptions[0]

	later := do[payment.CancelSubscriptionOutput](s, payment.ToolCancelSubscription, args{"subscription_id": id, "when": "period_end", "reason": "Moves."})
	want := before
	want.CancelAtPeriodEnd, want.CancelReason, want.CanceledAt = true, "Moves.", later.CanceledAt
	if diff := cmp.Diff(payment.CancelSubscriptionOutput{Subscription: want, Written: payment.Written{Sandbox: s.Driver().Traits().Sandbox}}, later); diff != "" || later.CanceledAt.IsZero() {
		s.Errorf("to end at the period's end (-want +got):\n%s", diff)
	}
	s.refused(tools.Conflict, payment.ToolCancelSubscription, args{"subscription_id": id, "when": "period_end"}, "2099-01-01T00:00:00Z")

	now := do[payment.CancelSubscriptionOutput](s, payment.ToolCancelSubscription, args{"subscription_id": id, "when": "now"})
	if now.Status != payment.SubscriptionCanceled || now.CancelAtPeriodEnd {
		s.Errorf("ended now: %+v", now)
	}
	for _, when := range []string{"now", "period_end"} {
		s.refused(tools.Conflict, payment.ToolCancelSubscription, args{"subscription_id": id, "when": when}, "is canceled")
	}
	listed := do[payment.ListSubscriptionsOutput](s, payment.ToolListSubscriptions, args{"status": "canceled"}).Subscriptions
	if diff := cmp.Diff([]payment.Subscription{now.Subscription}, listed); diff != "" {
		s.Errorf("as listed (-want +got):\n%s", diff)
	}
	s.refused(tools.NotFound, payment.ToolCancelSubscription, args{"subscription_id": "sub_none", "when": "now"}, "sub_none", payment.ToolListSubscriptions)
	s.refused(tools.Invalid, payment.ToolCancelSubscription, args{"subscription_id": id, "when": "soon"}, "when")
}

func listDisputes(s *suite) {
	respond := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	id := s.must(s.TakePayment(s.Context(), payment.Charge{ExternalID: "ch_test_1", Customer: ada, Amount: s.money("49.00 EUR"), Status: payment.ChargeSucceeded}))
	refund(s, args{"payment_id": id, "amount_minor": 900, "reason": "other"})
	open := s.must(s.OpenDispute(s.Context(), payment.Dispute{PaymentID: id, Reason: "fraudulent", Status: payment.DisputeNeedsResponse, RespondBy: respond, CreatedAt: may(2)}))
	won := s.must(s.OpenDispute(s.Context(), payment.Dispute{PaymentID: s.paid("5.00 EUR"), Reason: "duplicate", Status: payment.DisputeWon, CreatedAt: may(1)}))

	all := do[payment.ListDisputesOutput](s, payment.ToolListDisputes, args{}).Disputes
	if len(all) != 2 || all[1].ID != won {
		s.Fatalf("all disputes: %+v", all)
	}
	want := payment.Dispute{
		ID: open, PaymentID: id, PaymentExternalID: "ch_test_1", Amount: s.money("40.00 EUR"), Reason: "fraudulent",
		Status: payment.DisputeNeedsResponse, RespondBy: respond, Customer: ada, CreatedAt: may(2),
	}
	if diff := cmp.Diff(want, all[0]); diff != "" {
		s.Errorf("dispute (-want +got):\n%s", diff)
	}
	for _, in := range []args{{"status": "needs_response"}, {"payment_id": "ch_test_1"}, {"payment_id": id}} {
		if got := do[payment.ListDisputesOutput](s, payment.ToolListDisputes, in).Disputes; len(got) != 1 || got[0].ID != open {
			s.Errorf("disputes by %v: %+v", in, got)
		}
	}
	s.refused(tools.Invalid, payment.ToolListDisputes, args{"status": "odd"}, "status")
	s.refused(tools.NotFound, payment.ToolListDisputes, args{"payment_id": "pay_none"}, "pay_none")
}

// balanceFollows adds available and pending, because when money settles is each
// provider's own affair.
func balanceFollows(s *suite) {
	whole := func() map[string]int64 {
		sums := map[string]int64{}
		for _, balance := range do[payment.GetBalanceOutput](s, payment.ToolGetBalance, args{}).Balances {
			sums[balance.Currency] = balance.Available.AmountMinor + balance.Pending.AmountMinor
		}
		return sums
	}
	expect := func(when string, want map[string]int64) {
		s.Helper()
		if diff := cmp.Diff(want, whole()); diff != "" {
			s.Errorf("balance %s (-want +got):\n%s", when, diff)
		}
	}
	expect("of an empty account", map[string]int64{})
	euro := s.paid("49.00 EUR")
	s.paid("1250 JPY")
	s.must(s.TakePayment(s.Context(), payment.Charge{Customer: ada, Amount: s.money("7.00 EUR"), Status: payment.ChargeFailed}))
	s.must(s.TakePayment(s.Context(), payment.Charge{Customer: ada, Amount: s.money("7.00 EUR"), Status: payment.ChargePending}))
	expect("counts only what succeeded", map[string]int64{"EUR": 4900, "JPY": 1250})
	refund(s, args{"payment_id": euro, "amount_minor": 900, "reason": "other"})
	expect("after a refund", map[string]int64{"EUR": 4000, "JPY": 1250})
	s.must(s.OpenDispute(s.Context(), payment.Dispute{PaymentID: euro, Reason: "fraudulent", Status: payment.DisputeLost}))
	expect("after a dispute", map[string]int64{"EUR": 0, "JPY": 1250})

	only := do[payment.GetBalanceOutput](s, payment.ToolGetBalance, args{"currency": "jpy"}).Balances
	if len(only) != 1 || only[0].Currency != "JPY" {
		s.Errorf("the balance in JPY: %+v", only)
	}
	s.refused(tools.Invalid, payment.ToolGetBalance, args{"currency": "YEN"}, "YEN")
}
