package payment

import (
	"slices"

	"drawbridge/tools"
)

// The names of the tools.
const (
	ToolSearchPayments     = "payment_search_payments"
	ToolGetPayment         = "payment_get_payment"
	ToolCreateRefund       = "payment_create_refund"
	ToolCreateInvoice      = "payment_create_invoice"
	ToolSendInvoice        = "payment_send_invoice"
	ToolVoidInvoice        = "payment_void_invoice"
	ToolSearchInvoices     = "payment_search_invoices"
	ToolCreatePaymentLink  = "payment_create_payment_link"
	ToolListSubscriptions  = "payment_list_subscriptions"
	ToolCancelSubscription = "payment_cancel_subscription"
	ToolListDisputes       = "payment_list_disputes"
	ToolGetBalance         = "payment_get_balance"
	ToolCapturePayment     = "payment_capture_payment"
	ToolCancelPayment      = "payment_cancel_payment"
	ToolGetDispute         = "payment_get_dispute"
	ToolDraftEvidence      = "payment_draft_dispute_evidence"
	ToolSubmitEvidence     = "payment_submit_dispute_evidence"
	ToolUpdateCustomer     = "payment_update_customer"
)

// Tools are the family's tools over p's backend. Those whose results show a customer's
// name, or what a payment or an invoice is for, taint: payers write both. Whether the writes honour an
// idempotency key is the backend's to say; see [Traits].
func Tools(p *Payment) []tools.Tool {
	keyed := p.traits.Idempotent
	first := []tools.Tool{
		tools.Define(tools.Spec{
			Name:        ToolSearchPayments,
			Title:       "Search payments",
			Description: "Find payments by customer, state, time, sum or words. Use it when you have no payment id. The state is matched exactly: a payment refunded in part is partially_refunded, not succeeded.",
			Effect:      tools.Read,
			Taints:      true,
		}, p.SearchPayments),
		tools.Define(tools.Spec{
			Name:        ToolGetPayment,
			Title:       "Get a payment",
			Description: "Show one payment with its customer, its refunds and what is left to refund. Takes our id or the provider's reference, such as pi_demo_1001. Use it before a refund.",
			Effect:      tools.Read,
			Taints:      true,
		}, p.GetPayment),
		tools.Define(tools.Spec{
			Name:        ToolCreateRefund,
			Title:       "Refund a payment",
			Description: "Give a customer money back for a payment that succeeded: all that is left, or a part. Never above what is left. It cannot be taken back. Do not use it for a payment that is pending or failed, nor for an unpaid invoice: void that.",
			Effect:      tools.Money,
			Idempotent:  keyed,
			Destructive: true,
		}, p.CreateRefund),
		tools.Define(tools.Spec{
			Name:        ToolCreateInvoice,
			Title:       "Draft an invoice",
			Description: "Make a draft of an invoice, with its lines in one currency. Nobody outside sees it until payment_send_invoice.",
			Effect:      tools.Write,
			Idempotent:  keyed,
		}, p.CreateInvoice),
		tools.Define(tools.Spec{
			Name:        ToolSendInvoice,
			Title:       "Send an invoice",
			Description: "Give a draft its number and send it to the customer, who is then asked to pay. From then on it can only be paid or voided.",
			Effect:      tools.Money,
			Idempotent:  keyed,
			OpenWorld:   true,
			Taints:      true,
		}, p.SendInvoice),
		tools.Define(tools.Spec{
			Name:        ToolVoidInvoice,
			Title:       "Void an invoice",
			Description: "Take back an invoice that was sent and is not paid, for good. For a paid one, refund its payment instead.",
			Effect:      tools.Write,
			Idempotent:  keyed,
			Destructive: true,
			Taints:      true,
		}, p.VoidInvoice),
		tools.Define(tools.Spec{
			Name:        ToolSearchInvoices,
			Title:       "Search invoices",
			Description: "Find invoices by customer, state, time, due date, total or words, with their lines.",
			Effect:      tools.Read,
			Taints:      true,
		}, p.SearchInvoices),
		tools.Define(tools.Spec{
			Name:        ToolCreatePaymentLink,
			Title:       "Create a payment link",
			Description: "Make a page on which whoever has its address can pay a fixed sum. Use it to let a customer pay without an invoice. It sends nothing: pass the url on yourself.",
			Effect:      tools.Money,
			Idempotent:  keyed,
		}, p.CreatePaymentLink),
		tools.Define(tools.Spec{
			Name:        ToolListSubscriptions,
			Title:       "List subscriptions",
			Description: "List subscriptions, of one customer or in one state.",
			Effect:      tools.Read,
			Taints:      true,
		}, p.ListSubscriptions),
		tools.Define(tools.Spec{
			Name:        ToolCancelSubscription,
			Title:       "Cancel a subscription",
			Description: "End a subscription, at once or when its paid period is over. It cannot be taken back, and pays nothing back: refund a payment for that.",
			Effect:      tools.Money,
			Idempotent:  keyed,
			Destructive: true,
			Taints:      true,
		}, p.CancelSubscription),
		tools.Define(tools.Spec{
			Name:        ToolListDisputes,
			Title:       "List disputes",
			Description: "List payments that customers asked their bank to take back, with the time left to answer. Answer with payment_draft_dispute_evidence and payment_submit_dispute_evidence.",
			Effect:      tools.Read,
		}, p.ListDisputes),
		tools.Define(tools.Spec{
			Name:        ToolGetBalance,
			Title:       "Get the balance",
			Description: "Show what the payment account holds in each currency: available now, and pending.",
			Effect:      tools.Read,
		}, p.GetBalance),
	}
	return slices.Concat(first, captureTools(p, keyed), evidenceTools(p, keyed), customerTools(p, keyed))
}
