package paymenttest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

var invoiceTests = map[string]func(*suite){
	"DraftAddsUpItsLines":                  draftAddsUp,
	"DraftTakesCustomerByReferenceOrEmail": draftCustomers,
	"DraftRefusesArgumentsThatMeanNothing": draftRefusals,
	"SentInvoiceIsNumberedAndDue":          sentInvoice,
	"InvoiceStatesLeadOnlyForward":         invoiceStates,
	"InvoiceSearchKeepsOnlyWhatMatches":    searchInvoices,
}

// draft makes a draft for one line.
func (s *suite) draft(customer string, unitMinor int64, description string) payment.InvoiceOutput {
	s.Helper()
	return do[payment.InvoiceOutput](s, payment.ToolCreateInvoice, args{
		"customer": customer, "currency": "EUR",
		"lines": []args{{"description": description, "quantity": 1, "unit_amount_minor": unitMinor}},
	})
}

func (s *suite) send(id string) payment.InvoiceOutput {
	s.Helper()
	return do[payment.InvoiceOutput](s, payment.ToolSendInvoice, args{"invoice_id": id})
}

func draftAddsUp(s *suite) {
	got := do[payment.InvoiceOutput](s, payment.ToolCreateInvoice, args{
		"customer": "new@example.com", "customer_name": "New Customer", "currency": "kwd", "memo": "Thanks.", "due_in_days": 0,
		"lines": []args{
			{"description": "Chairs", "quantity": 3, "unit_amount_minor": 1250},
			{"description": "Delivery", "quantity": 1, "unit_amount_minor": 0},
		},
	})
	want := payment.InvoiceOutput{
		Invoice: payment.Invoice{
			ID: got.ID, Status: payment.InvoiceDraft, Memo: "Thanks.", CreatedAt: got.CreatedAt, Total: s.money("3.750 KWD"),
			Customer: payment.Customer{Reference: got.Customer.Reference, Name: "New Customer", Email: "new@example.com"},
			Lines: []payment.InvoiceLine{
				{Description: "Chairs", Quantity: 3, UnitAmount: s.money("1.250 KWD"), Amount: s.money("3.750 KWD")},
				{Description: "Delivery", Quantity: 1, UnitAmount: s.money("0 KWD"), Amount: s.money("0 KWD")},
			},
		},
		Written: payment.Written{Sandbox: s.Driver().Traits().Sandbox},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("draft (-want +got):\n%s", diff)
	}
	found := do[payment.SearchInvoicesOutput](s, payment.ToolSearchInvoices, args{})
	if diff := cmp.Diff([]payment.Invoice{want.Invoice}, found.Invoices); diff != "" {
		s.Errorf("the draft as found (-want +got):\n%s", diff)
	}
}

func draftCustomers(s *suite) {
	s.must(s.TakePayment(s.Context(), payment.Charge{Customer: ada, Amount: s.money("1.00 EUR"), Status: payment.ChargeSucceeded}))
	for _, who := range []string{ada.Reference, ada.Email, "ADA@example.com"} {
		if got := s.draft(who, 100, "Work").Customer; got != ada {
			s.Errorf("an invoice for %q is for %+v", who, got)
		}
	}
	first, second := s.draft("new@example.com", 100, "Work").Customer, s.draft("New@example.com", 100, "Work").Customer
	if first.Reference == "" || first != second {
		s.Errorf("one new address makes two customers: %+v and %+v", first, second)
	}
	s.refused(tools.NotFound, payment.ToolCreateInvoice, args{"customer": "cus_none", "currency": "EUR", "lines": []args{{"description": "Work", "quantity": 1, "unit_amount_minor": 1}}}, "cus_none")
}

func draftRefusals(s *suite) {
	line := func(over args) []args {
		l := args{"description": "Work", "quantity": 1, "unit_amount_minor": 100}
		for key, value := range over {
			l[key] = value
		}
		return []args{{"description": "Fine", "quantity": 1, "unit_amount_minor": 1}, l}
	}
	for text, over := range map[string]args{
		"customer: is empty":                    {"customer": " "},
		"customer: \"Ada <ada@":                 {"customer": "Ada <ada@example.com>"},
		"currency: \"EURO\"":                    {"currency": "EURO"},
		"lines: 0 lines":                        {"lines": []args{}},
		"lines: the total: 0":                   {"lines": []args{{"description": "Gift", "quantity": 1, "unit_amount_minor": 0}}},
		"lines: the total: 999999999999000001 ": {"lines": line(args{"quantity": 1000000, "unit_amount_minor": 999999999999})},
		"lines[1].description: is empty":        {"lines": line(args{"description": " "})},
		"lines[1].quantity: 0":                  {"lines": line(args{"quantity": 0})},
		"lines[1].unit_amount_minor: -1":        {"lines": line(args{"unit_amount_minor": -1})},
		"due_in_days: -1":                       {"due_in_days": -1},
		"due_in_days: 366":                      {"due_in_days": 366},
	} {
		in := args{"customer": "new@example.com", "currency": "EUR", "lines": line(nil)}
		for key, value := range over {
			in[key] = value
		}
		s.refused(tools.Invalid, payment.ToolCreateInvoice, in, text)
	}
	if found := do[payment.SearchInvoicesOutput](s, payment.ToolSearchInvoices, args{}); len(found.Invoices) != 0 {
		s.Errorf("refused drafts are there: %+v", found.Invoices)
	}
}

func sentInvoice(s *suite) {
	seen := map[string]bool{}
	for range 3 {
		draft := s.draft("new@example.com", 100, "Work")
		if draft.Number != "" || !draft.DueAt.IsZero() || !draft.SentAt.IsZero() {
			s.Errorf("a draft is numbered, due or sent: %+v", draft)
		}
		sent := s.send(draft.ID)
		if sent.Status != payment.InvoiceOpen || sent.Number == "" || seen[sent.Number] {
			s.Errorf("sent as %s with number %q, after numbers %v", sent.Status, sent.Number, seen)
		}
		if due := sent.DueAt.Sub(sent.SentAt); due != payment.DefaultDueDays*24*time.Hour {
			s.Errorf("due %s after it was sent", due)
		}
		seen[sent.Number] = true
	}
}

func invoiceStates(s *suite) {
	invoices := map[string]string{}
	for _, state := range []string{"draft", "open", "paid", "void"} {
		id := s.draft("new@example.com", 100, "Work").ID
		invoices[state] = id
		if state != "draft" {
			s.send(id)
		}
	}
	paymentID := s.must(s.PayInvoice(s.Context(), invoices["paid"]))
	if got := do[payment.InvoiceOutput](s, payment.ToolVoidInvoice, args{"invoice_id": invoices["void"]}); got.Status != payment.InvoiceVoid || got.Number == "" {
		s.Errorf("a voided invoice is %+v", got)
	}
	for _, state := range []string{"open", "paid", "void"} {
		s.refused(tools.Conflict, payment.ToolSendInvoice, args{"invoice_id": invoices[state]}, "is "+state)
	}
	for _, state := range []string{"draft", "paid", "void"} {
		s.refused(tools.Conflict, payment.ToolVoidInvoice, args{"invoice_id": invoices[state]}, "is "+state)
	}
	for _, tool := range []string{payment.ToolSendInvoice, payment.ToolVoidInvoice} {
		s.refused(tools.NotFound, tool, args{"invoice_id": "inv_none"}, "inv_none", payment.ToolSearchInvoices)
		s.refused(tools.Invalid, tool, args{"invoice_id": ""}, "invoice_id")
	}
	for state, id := range invoices {
		found := do[payment.SearchInvoicesOutput](s, payment.ToolSearchInvoices, args{"status": state}).Invoices
		if len(found) != 1 || found[0].ID != id {
			s.Errorf("invoices that are %s: %+v, want %s", state, found, id)
		}
		if state == "paid" && found[0].PaymentID != paymentID {
			s.Errorf("a paid invoice names payment %q, want %q", found[0].PaymentID, paymentID)
		}
	}
	if got := details(s, paymentID); got.Amount != s.money("1.00 EUR") || got.Customer.Email != "new@example.com" {
		s.Errorf("the invoice was paid with %+v", got.Charge)
	}
}

func searchInvoices(s *suite) {
	s.draft("ada@example.com", 1000, "Chairs")
	sent := s.send(s.draft("ben@example.com", 2000, "Tables").ID)
	after := sent.DueAt.Add(time.Second).Format(time.RFC3339)
	for name, test := range map[string]struct {
		in   args
		want []string
	}{
		"everything":      {args{}, []string{"Tables", "Chairs"}},
		"by customer":     {args{"customer": "ada@example.com"}, []string{"Chairs"}},
		"by line":         {args{"q": "tabl"}, []string{"Tables"}},
		"by number":       {args{"q": sent.Number}, []string{"Tables"}},
		"by total":        {args{"currency": "EUR", "max_amount_minor": 1000}, []string{"Chairs"}},
		"due, not drafts": {args{"due_before": after}, []string{"Tables"}},
		"not due yet":     {args{"due_before": sent.SentAt.Format(time.RFC3339)}, []string{}},
		"made long ago":   {args{"created_before": "2025-01-01T00:00:00Z"}, []string{}},
	} {
		got := []string{}
		for _, invoice := range do[payment.SearchInvoicesOutput](s, payment.ToolSearchInvoices, test.in).Invoices {
			got = append(got, invoice.Lines[0].Description)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			s.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	s.refused(tools.Invalid, payment.ToolSearchInvoices, args{"due_before": "soon"}, "due_before")
	first := do[payment.SearchInvoicesOutput](s, payment.ToolSearchInvoices, args{"limit": 1})
	second := do[payment.SearchInvoicesOutput](s, payment.ToolSearchInvoices, args{"limit": 1, "cursor": first.NextCursor})
	if first.Invoices[0].ID == second.Invoices[0].ID || second.NextCursor != "" {
		s.Errorf("the second page is %+v after %+v", second, first)
	}
}
