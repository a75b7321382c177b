package crm

import "context"

// Driver is what a backend fulfils. CRM calls it with checked requests: defaults
// are filled in, texts trimmed, limits between 1 and tools.MaxLimit.
//
// Every method follows the same contract:
//
//   - An error the model can act on is a *tools.Error. NotFound names what was
//     looked for and the tool to search with; a taken unique value is a Conflict
//     that names the id that has it. Anything else is a fault and stays hidden.
//   - A reference to a customer, order or product may be its id or one of its
//     natural handles (see the package comment); the id wins when both fit.
//   - A list is never nil, and its NextCursor is empty on the last page. A cursor
//     that another list gave out, or nobody, is Invalid.
//   - Where HonoursKeys is true, a write stores tools.Key(ctx) together with its
//     effect: a repeated key returns the first result and changes nothing, and
//     the same key for another tool is a Conflict.
type Driver interface {
	Customers
	CustomerRecords
	Interactions
	Tasks
	Orders
	Totals
	Tickets
	Products
	Deals
	Keys
}

// Keys says what a backend makes of idempotency keys.
type Keys interface {
	// HonoursKeys reports whether a write takes effect once per key.
	HonoursKeys() bool
}

// Customers finds customers.
type Customers interface {
	SearchCustomers(ctx context.Context, in CustomerSearch) (CustomerPage, error)
	// Customer finds one by reference.
	Customer(ctx context.Context, ref string) (Customer, error)
}

// CustomerRecords keeps customers. Email and external id are unique.
type CustomerRecords interface {
	CreateCustomer(ctx context.Context, in CustomerDraft) (Customer, error)
	UpdateCustomer(ctx context.Context, in CustomerUpdate) (Customer, error)
}

// Interactions keeps what was said to and by customers. A draft without a time
// happened now.
type Interactions interface {
	LogInteraction(ctx context.Context, in InteractionDraft) (Interaction, error)
	ListInteractions(ctx context.Context, in InteractionQuery) (InteractionPage, error)
}

// Tasks keeps what is to be done, by due time; tasks without one come last.
// Completing a task that is done already is a Conflict.
type Tasks interface {
	CreateTask(ctx context.Context, in TaskDraft) (Task, error)
	ListTasks(ctx context.Context, in TaskQuery) (TaskPage, error)
	CompleteTask(ctx context.Context, in TaskCompletion) (Task, error)
}

// Orders reads and annotates orders; they are placed elsewhere.
type Orders interface {
	SearchOrders(ctx context.Context, in OrderSearch) (OrderPage, error)
	// Order finds one by reference, with its lines.
	Order(ctx context.Context, ref string) (OrderDetails, error)
	UpdateOrder(ctx context.Context, in OrderUpdate) (Order, error)
}

// Totals sums up.
type Totals interface {
	// OrderTotals adds up the orders of the customer with this id, a total per
	// currency, in the order of the currencies' codes. Cancelled and refunded
	// orders do not count.
	OrderTotals(ctx context.Context, customerID string) ([]Total, error)
}

// Tickets keeps customers' requests.
type Tickets interface {
	CreateTicket(ctx context.Context, in TicketDraft) (Ticket, error)
	UpdateTicket(ctx context.Context, in TicketUpdate) (Ticket, error)
	SearchTickets(ctx context.Context, in TicketSearch) (TicketPage, error)
}

// Products reads the catalogue and its stock.
type Products interface {
	SearchProducts(ctx context.Context, in ProductSearch) (ProductPage, error)
	// Product finds one by reference.
	Product(ctx context.Context, ref string) (Product, error)
}

// Deals keeps sales in progress.
type Deals interface {
	CreateDeal(ctx context.Context, in DealDraft) (Deal, error)
	UpdateDeal(ctx context.Context, in DealUpdate) (Deal, error)
	SearchDeals(ctx context.Context, in DealSearch) (DealPage, error)
}
