package paymenttest

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

var paymentTests = map[string]func(*suite){
	"PaymentIsFoundByEitherReference":       paymentByEitherReference,
	"UnknownPaymentIsNotFound":              unknownPayment,
	"DecimalsFollowTheCurrency":             decimalsFollowTheCurrency,
	"SearchKeepsOnlyWhatMatches":            searchPayments,
	"SearchRefusesFiltersThatCannotMatch":   searchRefusals,
	"PagesShowEachPaymentOnceNewestFirst":   pagesOfPayments,
	"LimitIsTwentyByDefaultAndNeverOver100": limitBounds,
}

func paymentByEitherReference(s *suite) {
	id := s.must(s.TakePayment(s.Context(), payment.Charge{
		ExternalID: "ch_test_1", Customer: ada, Amount: s.money("49.00 EUR"), Status: payment.ChargeSucceeded, Description: "Order 1", CreatedAt: may(1),
	}))
	want := payment.ChargeDetails{
		Charge: payment.Charge{
			ID: id, ExternalID: "ch_test_1", Status: payment.ChargeSucceeded, Customer: ada, Description: "Order 1", CreatedAt: may(1),
			Amount: s.money("49.00 EUR"), Refunded: s.money("0 EUR"), LeftToRefund: s.money("49.00 EUR"),
		},
		Refunds: []payment.Refund{},
	}
	for _, ref := range []string{id, "ch_test_1", " ch_test_1 "} {
		got := do[payment.ChargeDetails](s, payment.ToolGetPayment, args{"payment_id": ref})
		if diff := cmp.Diff(want, got); diff != "" {
			s.Errorf("payment %q (-want +got):\n%s", ref, diff)
		}
	}
}

func unknownPayment(s *suite) {
	s.refused(tools.NotFound, payment.ToolGetPayment, args{"payment_id": "pay_none"}, "pay_none", payment.ToolSearchPayments)
	s.refused(tools.Invalid, payment.ToolGetPayment, args{"payment_id": "  "}, "payment_id")
}

func decimalsFollowTheCurrency(s *suite) {
	for sum, want := range map[string]string{"12.50 EUR": "EUR 12.50", "1250 JPY": "JPY 1250", "1.250 KWD": "KWD 1.250"} {
		got := do[payment.ChargeDetails](s, payment.ToolGetPayment, args{"payment_id": s.paid(sum)})
		if got.Amount.AmountMinor != 1250 || got.Amount.Display != want {
			s.Errorf("a payment of %s shows as %+v, want 1250 and %q", sum, got.Amount, want)
		}
	}
}

// samples makes payments that differ in each thing a search can ask for, and
// gives their descriptions by id.
func samples(s *suite) map[string]string {
	names := map[string]string{}
	for name, charge := range map[string]payment.Charge{
		"first":   {Customer: ada, Amount: s.money("10.00 EUR"), Status: payment.ChargeSucceeded, CreatedAt: may(1)},
		"second":  {Customer: ben, Amount: s.money("20.00 EUR"), Status: payment.ChargeSucceeded, CreatedAt: may(2), ExternalID: "ch_100%_sure"},
		"third":   {Customer: ada, Amount: s.money("30.00 EUR"), Status: payment.ChargeFailed, FailureReason: "card_declined", CreatedAt: may(3)},
		"fourth":  {Customer: ada, Amount: s.money("2000 JPY"), Status: payment.ChargePending, CreatedAt: may(4)},
		"partial": {Customer: ben, Amount: s.money("50.00 EUR"), Status: payment.ChargeSucceeded, CreatedAt: may(5)},
		"whole":   {Customer: ben, Amount: s.money("60.00 EUR"), Status: payment.ChargeSucceeded, CreatedAt: may(6)},
	} {
		charge.Description = name
		id := s.must(s.TakePayment(s.Context(), charge))
		names[id] = name
		switch name {
		case "partial":
			do[args](s, payment.ToolCreateRefund, args{"payment_id": id, "amount_minor": 1, "reason": "other"})
		case "whole":
			do[args](s, payment.ToolCreateRefund, args{"payment_id": id, "reason": "other"})
		}
	}
	return names
}

func searchPayments(s *suite) {
	samples(s)
	for name, test := range map[string]struct {
		in   args
		want []string
	}{
		"everything":          {args{}, []string{"whole", "partial", "fourth", "third", "second", "first"}},
		"by email":            {args{"customer": "Ada@Example.com"}, []string{"fourth", "third", "first"}},
		"by reference":        {args{"customer": "cus_test_ben"}, []string{"whole", "partial", "second"}},
		"unknown customer":    {args{"customer": "nobody@example.com"}, []string{}},
		"succeeded":           {args{"status": "succeeded"}, []string{"second", "first"}},
		"pending":             {args{"status": "pending"}, []string{"fourth"}},
		"failed":              {args{"status": "failed"}, []string{"third"}},
		"partially refunded":  {args{"status": "partially_refunded"}, []string{"partial"}},
		"refunded":            {args{"status": "refunded"}, []string{"whole"}},
		"from a time on":      {args{"created_after": "2025-05-05T12:00:00Z"}, []string{"whole", "partial"}},
		"just after it":       {args{"created_after": "2025-05-05T12:00:00.0001Z"}, []string{"whole"}},
		"before a time":       {args{"created_before": "2025-05-02T14:00:00+02:00"}, []string{"first"}},
		"in a currency":       {args{"currency": "jpy"}, []string{"fourth"}},
		"from a sum on":       {args{"currency": "EUR", "min_amount_minor": 5000}, []string{"whole", "partial"}},
		"up to a sum":         {args{"currency": "EUR", "max_amount_minor": 2000}, []string{"second", "first"}},
		"by words":            {args{"q": "THIR"}, []string{"third"}},
		"by a name":           {args{"q": "ben t", "status": "refunded"}, []string{"whole"}},
		"by part of an email": {args{"q": "BEN@", "status": "refunded"}, []string{"whole"}},
		"wildcards are plain": {args{"q": "100%_s"}, []string{"second"}},
		"not as a wildcard":   {args{"q": "f%t"}, []string{}},
		"quotes are plain":    {args{"q": "' OR 1=1 --"}, []string{}},
		"all must hold":       {args{"customer": "ada@example.com", "currency": "EUR", "status": "failed"}, []string{"third"}},
	} {
		got := []string{}
		for _, charge := range do[payment.SearchPaymentsOutput](s, payment.ToolSearchPayments, test.in).Payments {
			got = append(got, charge.Description)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			s.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func searchRefusals(s *suite) {
	for text, in := range map[string]args{
		"created_after: \"yesterday\"": {"created_after": "yesterday"},
		"created_before":               {"created_after": "2025-05-02T00:00:00Z", "created_before": "2025-05-01T00:00:00Z"},
		"currency: needed":             {"min_amount_minor": 5},
		"currency: \"EURO\"":           {"currency": "EURO"},
		"min_amount_minor: 9":          {"min_amount_minor": 9, "max_amount_minor": 8, "currency": "EUR"},
		"status: \"done\"":             {"status": "done"},
	} {
		s.refused(tools.Invalid, payment.ToolSearchPayments, in, text)
		s.refused(tools.Invalid, payment.ToolSearchInvoices, in, text)
	}
}

func pagesOfPayments(s *suite) {
	var want []string
	for i := range 17 {
		// Several share a time, so that only the id tells them apart.
		want = append(want, s.must(s.TakePayment(s.Context(), payment.Charge{
			Customer: ada, Amount: s.money("1.00 EUR"), Status: payment.ChargeSucceeded, Description: fmt.Sprint(i), CreatedAt: may(1 + i/5),
		})))
	}
	for _, limit := range []int{1, 5, 16, 17, 18} {
		var got []string
		in := args{"limit": limit}
		for {
			page := do[payment.SearchPaymentsOutput](s, payment.ToolSearchPayments, in)
			if !slices.IsSortedFunc(page.Payments, func(a, b payment.Charge) int { return b.CreatedAt.Compare(a.CreatedAt) }) {
				s.Errorf("a page of %d is not newest first", limit)
			}
			for _, charge := range page.Payments {
				got = append(got, charge.ID)
			}
			if page.NextCursor == "" {
				break
			}
			if len(page.Payments) != limit {
				s.Fatalf("a page of %d holds %d and is not the last", limit, len(page.Payments))
			}
			in = args{"limit": limit, "cursor": page.NextCursor}
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
			s.Errorf("pages of %d (-want +got):\n%s", limit, diff)
		}
	}
}

func limitBounds(s *suite) {
	for range 101 {
		s.paid("1.00 EUR")
	}
	for limit, want := range map[int]int{0: 20, 3: 3, 100: 100, 5000: 100} {
		page := do[payment.SearchPaymentsOutput](s, payment.ToolSearchPayments, args{"limit": limit})
		if len(page.Payments) != want || page.NextCursor == "" {
			s.Errorf("limit %d gives %d payments and cursor %q, want %d and a cursor", limit, len(page.Payments), page.NextCursor, want)
		}
	}
}
