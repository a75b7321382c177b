package paymenttest

import (
	"fmt"
	"sync"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

var refundTests = map[string]func(*suite){
	"RefundWithoutAmountGivesBackAllThatIsLeft": wholeRefund,
	"RefundsInPartAddUp":                        refundsInPart,
	"RefundAboveWhatIsLeftIsRefused":            refundAboveLeft,
	"RefundOfUnsettledPaymentNamesItsStatus":    refundByStatus,
	"RefundRefusesArgumentsThatMeanNothing":     refundRefusals,
	"RandomRefundsNeverExceedThePayment":        randomRefunds,
	"ConcurrentRefundsNeverExceedThePayment":    concurrentRefunds,
}

func refund(s *suite, in args) payment.CreateRefundOutput {
	s.Helper()
	return do[payment.CreateRefundOutput](s, payment.ToolCreateRefund, in)
}

func details(s *suite, id string) payment.ChargeDetails {
	s.Helper()
	return do[payment.ChargeDetails](s, payment.ToolGetPayment, args{"payment_id": id})
}

func wholeRefund(s *suite) {
	id := s.must(s.TakePayment(s.Context(), payment.Charge{ExternalID: "ch_test_1", Customer: ada, Amount: s.money("1.250 KWD"), Status: payment.ChargeSucceeded}))
	got := refund(s, args{"payment_id": "ch_test_1", "reason": "requested_by_customer", "note": "Asked for it."})
	want := payment.CreateRefundOutput{
		Refunded: payment.Refunded{
			Refund:        payment.Refund{ID: got.ID, PaymentID: id, Amount: s.money("1.250 KWD"), Reason: payment.ReasonRequested, Note: "Asked for it.", Status: got.Status, CreatedAt: got.CreatedAt},
			PaymentStatus: payment.ChargeRefunded,
			LeftToRefund:  s.money("0 KWD"),
		},
		Written: payment.Written{Sandbox: s.Driver().Traits().Sandbox},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("refund (-want +got):\n%s", diff)
	}
	after := details(s, id)
	if diff := cmp.Diff([]payment.Refund{got.Refund}, after.Refunds); diff != "" {
		s.Errorf("the payment's refunds (-want +got):\n%s", diff)
	}
	if after.Status != payment.ChargeRefunded || after.Refunded != s.money("1.250 KWD") || after.LeftToRefund.AmountMinor != 0 {
		s.Errorf("after a whole refund the payment is %+v", after.Charge)
	}
}

func refundsInPart(s *suite) {
	id := s.paid("49.00 EUR")
	first := refund(s, args{"payment_id": id, "amount_minor": 1250, "currency": "eur", "reason": "other"})
	if first.PaymentStatus != payment.ChargePartiallyRefunded || first.LeftToRefund != s.money("36.50 EUR") {
		s.Errorf("after a part: %s, left %s", first.PaymentStatus, first.LeftToRefund)
	}
	rest := refund(s, args{"payment_id": id, "reason": "other"})
	if rest.Amount != s.money("36.50 EUR") || rest.PaymentStatus != payment.ChargeRefunded {
		s.Errorf("the rest is %s and leaves it %s", rest.Amount, rest.PaymentStatus)
	}
	if diff := cmp.Diff([]payment.Refund{first.Refund, rest.Refund}, details(s, id).Refunds); diff != "" {
		s.Errorf("refunds, oldest first (-want +got):\n%s", diff)
	}
}

func refundAboveLeft(s *suite) {
	id := s.paid("49.00 EUR")
	refund(s, args{"payment_id": id, "amount_minor": 2400, "reason": "other"})
	s.refused(tools.Invalid, payment.ToolCreateRefund, args{"payment_id": id, "amount_minor": 5000, "reason": "other"},
		"amount_minor: 5000 is above the 2500 left to refund on "+id, "at most 2500 (EUR 25.00)", "leave amount_minor out")
	if left := details(s, id).LeftToRefund; left != s.money("25.00 EUR") {
		s.Errorf("a refused refund leaves %s", left)
	}
}

func refundByStatus(s *suite) {
	whole, disputed := s.paid("5.00 EUR"), s.paid("6.00 EUR")
	refund(s, args{"payment_id": whole, "reason": "duplicate"})
	s.must(s.OpenDispute(s.Context(), payment.Dispute{PaymentID: disputed, Reason: "fraudulent", Status: payment.DisputeUnderReview}))
	if got := details(s, disputed); !got.Disputed || got.LeftToRefund.AmountMinor != 0 {
		s.Errorf("a disputed payment shows as %+v", got.Charge)
	}
	states := map[string]string{"refunded": whole, "disputed": disputed}
	for _, status := range []payment.ChargeStatus{payment.ChargePending, payment.ChargeFailed} {
		states[string(status)] = s.must(s.TakePayment(s.Context(), payment.Charge{Customer: ada, Amount: s.money("7.00 EUR"), Status: status}))
	}
	for state, id := range states {
		for _, in := range []args{{"payment_id": id, "reason": "other"}, {"payment_id": id, "reason": "other", "amount_minor": 1}} {
			s.refused(tools.Conflict, payment.ToolCreateRefund, in, id, "is "+state)
		}
	}
}

func refundRefusals(s *suite) {
	id := s.paid("49.00 EUR")
	for text, in := range map[string]args{
		"amount_minor: 0":     {"payment_id": id, "amount_minor": 0, "reason": "other"},
		"amount_minor: -1":    {"payment_id": id, "amount_minor": -1, "reason": "other"},
		"amount_minor: 10000": {"payment_id": id, "amount_minor": 1000000000000, "reason": "other"},
		"paid in EUR":         {"payment_id": id, "amount_minor": 1, "currency": "USD", "reason": "other"},
		"currency: \"XXX\"":   {"payment_id": id, "amount_minor": 1, "currency": "XXX", "reason": "other"},
		"reason: \"\"":        {"payment_id": id},
		"reason: \"whim\"":    {"payment_id": id, "reason": "whim"},
		"payment_id: is":      {"payment_id": "", "reason": "other"},
	} {
		s.refused(tools.Invalid, payment.ToolCreateRefund, in, text)
	}
	s.refused(tools.NotFound, payment.ToolCreateRefund, args{"payment_id": "pay_none", "reason": "other"}, "pay_none")
	if got := details(s, id); len(got.Refunds) != 0 || got.Status != payment.ChargeSucceeded {
		s.Errorf("refused refunds left %+v", got)
	}
}

func randomRefunds(s *suite) {
	rapid.Check(s.T, func(r *rapid.T) {
		total := rapid.Int64Range(1, 500).Draw(r, "total")
		id := s.must(s.TakePayment(s.Context(), payment.Charge{
			Customer: ada, Amount: payment.Money{AmountMinor: total, Currency: "EUR"}.Shown(), Status: payment.ChargeSucceeded,
		}))
		given := int64(0)
		for _, part := range rapid.SliceOfN(rapid.Int64Range(1, 300), 1, 6).Draw(r, "parts") {
			out, err := attempt[payment.CreateRefundOutput](s.Context(), s, payment.ToolCreateRefund, args{"payment_id": id, "amount_minor": part, "reason": "other"})
			switch {
			case given+part > total && err == nil:
				r.Fatalf("refunded %d of %d after %d", part, total, given)
			case given+part <= total && err != nil:
				r.Fatalf("did not refund %d of %d after %d: %v", part, total, given, err)
			case err == nil:
				given += part
				if out.LeftToRefund.AmountMinor != total-given {
					r.Fatalf("left %d, want %d", out.LeftToRefund.AmountMinor, total-given)
				}
			}
		}
		got, sum := details(s, id), int64(0)
		for _, one := range got.Refunds {
			sum += one.Amount.AmountMinor
		}
		if sum != given || got.Refunded.AmountMinor != given {
			r.Fatalf("the refunds sum to %d and the payment says %d, want %d", sum, got.Refunded.AmountMinor, given)
		}
	})
}

func concurrentRefunds(s *suite) {
	id := s.paid("25.00 EUR")
	errs := make([]error, 20)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			ctx := s.keyed(fmt.Sprintf("refund-%d", i))
			_, errs[i] = attempt[payment.CreateRefundOutput](ctx, s, payment.ToolCreateRefund, args{"payment_id": id, "amount_minor": 300, "reason": "other"})
		})
	}
	group.Wait()
	refunded := 0
	for _, err := range errs {
		switch tools.CodeOf(err) {
		case "":
			refunded++
		case tools.Invalid:
		default:
			s.Errorf("a concurrent refund: %v", err)
		}
	}
	got := details(s, id)
	if refunded != 8 || len(got.Refunds) != 8 || got.LeftToRefund != s.money("1.00 EUR") {
		s.Errorf("%d calls succeeded, %d refunds are there, %s is left; want 8, 8, EUR 1.00", refunded, len(got.Refunds), got.LeftToRefund)
	}
}
