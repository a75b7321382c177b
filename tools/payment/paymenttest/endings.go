package paymenttest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// endingTests are of payments that are captured or given up, of what disputes are
// answered with, and of customers who change.
var endingTests = map[string]func(*suite){
	"CaptureTakesAllThatIsHeld":              captureWhole,
	"CaptureOfAPartReleasesTheRest":          capturePart,
	"OnlyAnAuthorizedPaymentIsCaptured":      captureRefusals,
	"CanceledPaymentTakesNoMoney":            cancelPayment,
	"PaymentThatTookMoneyIsNotCanceled":      cancelRefusals,
	"DraftedEvidenceIsKeptPartByPart":        draftEvidence,
	"SubmittedEvidenceIsFinal":               submitEvidence,
	"EvidenceForADecidedDisputeIsRefused":    evidenceRefusals,
	"ChangedCustomerIsFoundUnderTheNewEmail": changeCustomer,
	"ChangeOfNobodyOrNothingIsRefused":       changeRefusals,
}

func (s *suite) held(sum string) string {
	s.Helper()
	return s.must(s.TakePayment(s.Context(), payment.Charge{Customer: ada, Amount: s.money(sum), Status: payment.ChargeAuthorized, Description: "Order"}))
}

func captureWhole(s *suite) {
	id := s.held("49.00 EUR")
	if before := details(s, id); before.Status != payment.ChargeAuthorized || before.LeftToRefund.AmountMinor != 0 {
		s.Errorf("a payment that holds money is %+v", before.Charge)
	}
	got := do[payment.ChargeOutput](s, payment.ToolCapturePayment, args{"payment_id": id})
	want := payment.ChargeOutput{
		Charge: payment.Charge{
			ID: id, ExternalID: got.ExternalID, Status: payment.ChargeSucceeded, Customer: ada, Description: "Order", CreatedAt: got.CreatedAt,
			Amount: s.money("49.00 EUR"), Refunded: s.money("0 EUR"), LeftToRefund: s.money("49.00 EUR"),
		},
		Written: payment.Written{Sandbox: s.Driver().Traits().Sandbox},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("captured (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got.Charge, details(s, id).Charge); diff != "" {
		s.Errorf("as looked up (-captured +got):\n%s", diff)
	}
}

func capturePart(s *suite) {
	id := s.held("49.00 EUR")
	got := do[payment.ChargeOutput](s, payment.ToolCapturePayment, args{"payment_id": id, "amount_minor": 1900, "currency": "eur"})
	if got.Status != payment.ChargeSucceeded || got.Amount != s.money("19.00 EUR") || got.LeftToRefund != s.money("19.00 EUR") {
		s.Errorf("captured in part: %+v", got.Charge)
	}
	s.refused(tools.Invalid, payment.ToolCreateRefund, args{"payment_id": id, "amount_minor": 1901, "reason": "other"}, "1900 left")
	refund(s, args{"payment_id": id, "amount_minor": 900, "reason": "other"})
	if after := details(s, id); after.Status != payment.ChargePartiallyRefunded || after.LeftToRefund != s.money("10.00 EUR") || after.Refunded != s.money("9.00 EUR") {
		s.Errorf("captured in part and refunded in part: %+v", after.Charge)
	}
	found := do[payment.SearchPaymentsOutput](s, payment.ToolSearchPayments, args{"status": "partially_refunded"}).Payments
	if len(found) != 1 || found[0].ID != id || found[0].LeftToRefund != s.money("10.00 EUR") {
		s.Errorf("as found: %+v", found)
	}
}

func captureRefusals(s *suite) {
	id := s.held("49.00 EUR")
	for text, in := range map[string]args{
		"amount_minor: 4901 is above the 4900 held": {"payment_id": id, "amount_minor": 4901},
		"amount_minor: 0":           {"payment_id": id, "amount_minor": 0},
		"held in EUR":               {"payment_id": id, "amount_minor": 1, "currency": "USD"},
		"payment_id: is empty; say": {"payment_id": " "},
	} {
		s.refused(tools.Invalid, payment.ToolCapturePayment, in, text)
	}
	if got := details(s, id); got.Status != payment.ChargeAuthorized {
		s.Errorf("refused captures left %+v", got.Charge)
	}
	s.refused(tools.Conflict, payment.ToolCreateRefund, args{"payment_id": id, "reason": "other"}, "is authorized", payment.ToolCancelPayment)
	do[args](s, payment.ToolCapturePayment, args{"payment_id": id})
	states := map[string]string{"succeeded": id}
	for _, status := range []payment.ChargeStatus{payment.ChargePending, payment.ChargeFailed} {
		states[string(status)] = s.must(s.TakePayment(s.Context(), payment.Charge{Customer: ada, Amount: s.money("7.00 EUR"), Status: status}))
	}
	for state, id := range states {
		s.refused(tools.Conflict, payment.ToolCapturePayment, args{"payment_id": id}, id+" is "+state)
	}
	s.refused(tools.NotFound, payment.ToolCapturePayment, args{"payment_id": "pay_none"}, "pay_none")
}

func cancelPayment(s *suite) {
	for _, status := range []payment.ChargeStatus{payment.ChargeAuthorized, payment.ChargePending} {
		id := s.must(s.TakePayment(s.Context(), payment.Charge{Customer: ada, Amount: s.money("7.00 EUR"), Status: status}))
		got := do[payment.ChargeOutput](s, payment.ToolCancelPayment, args{"payment_id": id, "reason": "duplicate"})
		if got.Status != payment.ChargeCanceled || got.FailureReason != "duplicate" || got.LeftToRefund.AmountMinor != 0 {
			s.Errorf("given up when %s: %+v", status, got.Charge)
		}
		if diff := cmp.Diff(got.Charge, details(s, id).Charge); diff != "" {
			s.Errorf("as looked up (-canceled +got):\n%s", diff)
		}
		s.refused(tools.Conflict, payment.ToolCancelPayment, args{"payment_id": id, "reason": "other"}, "is canceled")
		s.refused(tools.Conflict, payment.ToolCapturePayment, args{"payment_id": id}, "is canceled")
		s.refused(tools.Conflict, payment.ToolCreateRefund, args{"payment_id": id, "reason": "other"}, "is canceled")
	}
	if found := do[payment.SearchPaymentsOutput](s, payment.ToolSearchPayments, args{"status": "canceled"}).Payments; len(found) != 2 {
		s.Errorf("canceled payments: %+v", found)
	}
	if found := do[payment.GetBalanceOutput](s, payment.ToolGetBalance, args{}).Balances; len(found) != 0 {
		s.Errorf("the balance of payments that took no money: %+v", found)
	}
}

func cancelRefusals(s *suite) {
	id := s.paid("49.00 EUR")
	s.refused(tools.Conflict, payment.ToolCancelPayment, args{"payment_id": id, "reason": "other"}, "is succeeded", payment.ToolCreateRefund)
	failed := s.must(s.TakePayment(s.Context(), payment.Charge{Customer: ada, Amount: s.money("7.00 EUR"), Status: payment.ChargeFailed}))
	s.refused(tools.Conflict, payment.ToolCancelPayment, args{"payment_id": failed, "reason": "other"}, "is failed")
	s.refused(tools.Invalid, payment.ToolCancelPayment, args{"payment_id": id, "reason": "whim"}, "reason")
	s.refused(tools.Invalid, payment.ToolCancelPayment, args{"payment_id": "", "reason": "other"}, "payment_id")
	s.refused(tools.NotFound, payment.ToolCancelPayment, args{"payment_id": "pay_none", "reason": "other"}, "pay_none")
	if got := details(s, id); got.Status != payment.ChargeSucceeded {
		s.Errorf("refused cancellations left %+v", got.Charge)
	}
}

// disputed is a dispute that can be answered, until a time beyond every backend's clock.
func (s *suite) disputed() string {
	s.Helper()
	return s.must(s.OpenDispute(s.Context(), payment.Dispute{
		PaymentID: s.paid("40.00 EUR"), Reason: "product_not_received", Status: payment.DisputeNeedsResponse, RespondBy: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	}))
}

func dispute(s *suite, id string) payment.DisputeDetails {
	s.Helper()
	return do[payment.DisputeDetails](s, payment.ToolGetDispute, args{"dispute_id": id})
}

func draftEvidence(s *suite) {
	id := s.disputed()
	before := dispute(s, id)
	if before.Evidence != (payment.Evidence{}) || before.Status != payment.DisputeNeedsResponse || before.Customer != ada {
		s.Errorf("a new dispute is %+v", before)
	}
	full := payment.Evidence{}
	all := args{"dispute_id": id}
	for name, part := range full.Parts() {
		*part = "the " + name
		if name == "customer_email" {
			*part = "ada@example.com"
		}
		all[name] = *part
	}
	do[payment.EvidenceOutput](s, payment.ToolDraftEvidence, args{"dispute_id": id, "shipping_carrier": "a pigeon", "other": "Old."})
	got := do[payment.EvidenceOutput](s, payment.ToolDraftEvidence, all)
	want := before
	want.Evidence = full
	if diff := cmp.Diff(payment.EvidenceOutput{DisputeDetails: want, Written: payment.Written{Sandbox: s.Driver().Traits().Sandbox}}, got); diff != "" {
		s.Errorf("drafted (-want +got):\n%s", diff)
	}
	do[payment.EvidenceOutput](s, payment.ToolDraftEvidence, args{"dispute_id": id, "other": "  New.  "})
	want.Evidence.Other = "New."
	if diff := cmp.Diff(want, dispute(s, id)); diff != "" {
		s.Errorf("with one part changed (-want +got):\n%s", diff)
	}
}

func submitEvidence(s *suite) {
	id := s.disputed()
	s.refused(tools.Invalid, payment.ToolSubmitEvidence, args{"dispute_id": id}, "no evidence", payment.ToolDraftEvidence)
	do[payment.EvidenceOutput](s, payment.ToolDraftEvidence, args{"dispute_id": id, "shipping_carrier": "DHL"})
	got := do[payment.EvidenceOutput](s, payment.ToolSubmitEvidence, args{"dispute_id": id, "shipping_tracking_number": "JJD1"})
	if want := (payment.Evidence{ShippingCarrier: "DHL", ShippingTracking: "JJD1"}); got.Status != payment.DisputeUnderReview || got.Evidence != want || !got.RespondBy.IsZero() {
		s.Errorf("submitted: %+v", got.DisputeDetails)
	}
	if diff := cmp.Diff(got.DisputeDetails, dispute(s, id)); diff != "" {
		s.Errorf("as looked up (-submitted +got):\n%s", diff)
	}
	for _, tool := range []string{payment.ToolSubmitEvidence, payment.ToolDraftEvidence} {
		s.refused(tools.Conflict, tool, args{"dispute_id": id, "other": "More."}, "is under_review")
	}
}

func evidenceRefusals(s *suite) {
	for _, status := range []payment.DisputeStatus{payment.DisputeWon, payment.DisputeLost} {
		id := s.must(s.OpenDispute(s.Context(), payment.Dispute{PaymentID: s.paid("5.00 EUR"), Reason: "duplicate", Status: status}))
		for _, tool := range []string{payment.ToolSubmitEvidence, payment.ToolDraftEvidence} {
			s.refused(tools.Conflict, tool, args{"dispute_id": id, "other": "More."}, "is "+string(status))
		}
	}
	id := s.disputed()
	s.refused(tools.Invalid, payment.ToolDraftEvidence, args{"dispute_id": id}, "evidence: none is given")
	s.refused(tools.Invalid, payment.ToolDraftEvidence, args{"dispute_id": id, "other": "   "}, "evidence: none is given")
	for _, tool := range []string{payment.ToolSubmitEvidence, payment.ToolDraftEvidence} {
		s.refused(tools.NotFound, tool, args{"dispute_id": "dsp_none", "other": "More."}, "dsp_none", payment.ToolListDisputes)
		s.refused(tools.Invalid, tool, args{"dispute_id": " ", "other": "More."}, "dispute_id")
	}
	s.refused(tools.NotFound, payment.ToolGetDispute, args{"dispute_id": "dsp_none"}, "dsp_none")
}

func changeCustomer(s *suite) {
	s.paid("1.00 EUR")
	got := do[payment.CustomerOutput](s, payment.ToolUpdateCustomer, args{"customer": "ADA@example.com", "name": "Ada New"})
	want := payment.CustomerOutput{Customer: ada, Written: payment.Written{Sandbox: s.Driver().Traits().Sandbox}}
	want.Name = "Ada New"
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("with a new name (-want +got):\n%s", diff)
	}
	got = do[payment.CustomerOutput](s, payment.ToolUpdateCustomer, args{"customer": ada.Reference, "email": "Ada.New@example.com"})
	want.Email = "ada.new@example.com"
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("with a new address (-want +got):\n%s", diff)
	}
	if got := s.draft("ada.new@example.com", 100, "Work").Customer; got != want.Customer {
		s.Errorf("an invoice for the new address is for %+v", got)
	}
	s.refused(tools.NotFound, payment.ToolUpdateCustomer, args{"customer": ada.Email, "name": "Eve"}, ada.Email)
}

func changeRefusals(s *suite) {
	s.paid("1.00 EUR")
	s.refused(tools.Invalid, payment.ToolUpdateCustomer, args{"customer": ada.Reference}, "neither name nor email")
	s.refused(tools.Invalid, payment.ToolUpdateCustomer, args{"customer": " ", "name": "Eve"}, "customer")
	s.refused(tools.Invalid, payment.ToolUpdateCustomer, args{"customer": ada.Reference, "email": "Eve <eve@example.com>"}, "email")
	s.refused(tools.NotFound, payment.ToolUpdateCustomer, args{"customer": "cus_none", "name": "Eve"}, "cus_none")
}
