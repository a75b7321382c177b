package payment

import "context"

// Driver is what a backend fulfils to serve the family. Requests arrive checked:
// currencies are upper-case ISO 4217 codes, sums are within bounds, limits are
// set. An id in a request is as the model wrote it: the backend's own id or any
// other reference it knows the record by.
//
// A driver answers with *tools.Error for all that the model should act on; any
// other error counts as a fault of the tool. A write passes tools.Key(ctx) on,
// or stores it with the effect.
type Driver interface {
	Payments
	Captures
	Refunds
	Invoices
	Links
	Subscriptions
	Disputes
	Evidences
	Customers
	Balances
	Traits() Traits
}

// Traits say what kind of backend this is. The zero value is the cautious one.
type Traits struct {
	// Idempotent: a write repeated with the same key takes effect once and
	// returns the first result.
	Idempotent bool
	// Sandbox: no real money moves. Each write's result says so.
	Sandbox bool
}

// List is one page, newest first. Items is never nil; Next is "" on the last page.
type List[T any] struct {
	Items []T
	Next  string
}

// Payments reads what customers paid.
type Payments interface {
	SearchPayments(ctx context.Context, query PaymentQuery) (List[Charge], error)
	// GetPayment finds a payment by its id or by the provider's reference.
	GetPayment(ctx context.Context, id string) (ChargeDetails, error)
}

// Refunds gives money back.
type Refunds interface {
	// CreateRefund refunds what [CheckRefund] allows, decided on the payment as
	// it is when the refund takes effect.
	CreateRefund(ctx context.Context, request RefundRequest) (Refunded, error)
}

// Invoices asks customers for money.
type Invoices interface {
	CreateInvoice(ctx context.Context, request InvoiceRequest) (Invoice, error)
	SendInvoice(ctx context.Context, id string) (Invoice, error)
	VoidInvoice(ctx context.Context, id string) (Invoice, error)
	SearchInvoices(ctx context.Context, query InvoiceQuery) (List[Invoice], error)
}

// Links makes pages on which anyone who has the address can pay.
type Links interface {
	CreateLink(ctx context.Context, request LinkRequest) (Link, error)
}

// Subscriptions are payments that repeat.
type Subscriptions interface {
	ListSubscriptions(ctx context.Context, query SubscriptionQuery) (List[Subscription], error)
	CancelSubscription(ctx context.Context, request CancelRequest) (Subscription, error)
}

// Disputes are payments that a customer has asked their bank to take back.
type Disputes interface {
	ListDisputes(ctx context.Context, query DisputeQuery) (List[Dispute], error)
}

// Balances tells what the account holds.
type Balances interface {
	// GetBalance gives one balance a currency, sorted by code; of one currency
	// only if currency is not "".
	GetBalance(ctx context.Context, currency string) ([]Balance, error)
}
