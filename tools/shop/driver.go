package shop

import "context"

// Driver is what a backend fulfils to serve the family. Requests arrive checked: currencies
// are upper-case ISO 4217 codes, sums and quantities are within bounds, limits are set. A
// reference in a request is as the model wrote it: of an order its id or its name, such as
// #1001.
//
// A driver answers with *tools.Error for all that the model should act on; any other error
// counts as a fault of the tool. A write passes tools.Key(ctx) on where the vendor takes
// one.
type Driver interface {
	Orders
	Fulfilments
	Products
	Stocks
	Refunds
	Traits() Traits
}

// Traits say what kind of backend this is. The zero value is the cautious one.
type Traits struct {
	// Keyed are the names of the writing tools of which a call that is repeated with the
	// same key, however much later, takes effect once. Of the others a call of unknown
	// outcome is not made again by itself.
	Keyed []string
}

// List is one page, newest first. Items is never nil; Next is "" on the last page.
type List[T any] struct {
	Items []T
	Next  string
}

// Orders are what customers bought.
type Orders interface {
	SearchOrders(ctx context.Context, query OrderQuery) (List[Order], error)
	GetOrder(ctx context.Context, order string) (OrderDetails, error)
	// UpdateOrder changes the note and the tags; what is not said stays.
	UpdateOrder(ctx context.Context, change OrderChange) (Order, error)
	// CancelOrder cancels an order for which [CheckCancel] allows it, gives back nothing,
	// and tells nobody.
	CancelOrder(ctx context.Context, request CancelRequest) (Order, error)
}

// Fulfilments are parcels.
type Fulfilments interface {
	ListFulfilments(ctx context.Context, order string) (Shipping, error)
	// CreateFulfilment ships what [CheckFulfilment] allows.
	CreateFulfilment(ctx context.Context, request FulfilmentRequest) (Fulfilled, error)
}

// Products are what is sold.
type Products interface {
	SearchProducts(ctx context.Context, query ProductQuery) (List[Product], error)
	// GetProduct finds a product by its id or its handle.
	GetProduct(ctx context.Context, product string) (ProductDetails, error)
}

// Stocks are how much there is where.
type Stocks interface {
	// GetStock finds the levels of an item by the id of its variant, its own, or its SKU.
	GetStock(ctx context.Context, item string) ([]Level, error)
	// ChangeStock changes one level. Where an expected quantity is given, it does so only if
	// that is what there is.
	ChangeStock(ctx context.Context, change StockChange) (Level, error)
}

// Refunds give money back.
type Refunds interface {
	SuggestRefund(ctx context.Context, request SuggestionRequest) (Suggestion, error)
	// CreateRefund refunds what [CheckRefund] allows.
	CreateRefund(ctx context.Context, request RefundRequest) (Refunded, error)
}
