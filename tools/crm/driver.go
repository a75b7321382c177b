package crm

import "context"

// Driver is what every backend fulfils: it finds customers. Which of the other parts
// ([CustomerRecords] to [DealRecords]) it fulfils too decides which tools there are. One whose
// vendor cannot do some of it may say so: see [tools.Gaps]. CRM calls it with checked requests:
// defaults are filled in, texts trimmed, limits between 1 and tools.MaxLimit.
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
//   - Where HonoursKeys is true of its tool, a write stores tools.Key(ctx) together with its
//     effect: a repeated key returns the first result and changes nothing, and
//     the same key for another tool is a Conflict.
type Driver interface {
	Customers
	Keys
}

// All is what a backend fulfils that leaves nothing out.
type All interface {
	Driver
	CustomerRecords
	Interactions
	InteractionRecords
	Tasks
	TaskRecords
	Orders
	OrderRecords
	Totals
	Tickets
	TicketRecords
	Products
	Deals
	DealRecords
}

// Keys says what a backend makes of idempotency keys.
type Keys interface {
	// HonoursKeys reports whether the write behind a tool, such as CreateTaskTool, takes
	// effect once per key. A vendor may honour keys for some of its writes only.
	HonoursKeys(tool string) bool
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

// Interactions reads what was said to and by customers.
type Interactions interface {
	ListInteractions(ctx context.Context, in InteractionQuery) (InteractionPage, error)
}

// InteractionRecords keeps what was said. A draft without a time happened now.
type InteractionRecords interface {
	LogInteraction(ctx context.Context, in InteractionDraft) (Interaction, error)
}

// Tasks reads what is to be done, by due time; tasks without one come last.
type Tasks interface {
	ListTasks(ctx context.Context, in TaskQuery) (TaskPage, error)
}

// TaskRecords keeps what is to be done. Completing a task that is done already is a
// Conflict.
type TaskRecords interface {
	CreateTask(ctx context.Context, in TaskDraft) (Task, error)
	CompleteTask(ctx context.Context, in TaskCompletion) (Task, error)
}

// Orders reads orders; they are placed elsewhere.
type Orders interface {
	SearchOrders(ctx context.Context, in OrderSearch) (OrderPage, error)
	// Order finds one by reference, with its lines.
	Order(ctx context.Context, ref string) (OrderDetails, error)
}

// OrderRecords annotates orders.
type OrderRecords interface {
	UpdateOrder(ctx context.Context, in OrderUpdate) (Order, error)
}

// Totals sums up.
type Totals interface {
	// OrderTotals adds up the orders of the customer with this id, a total per
	// currency, in the order of the currencies' codes. Cancelled and refunded
	// orders do not count.
	OrderTotals(ctx context.Context, customerID string) ([]Total, error)
}

// Tickets finds customers' requests.
type Tickets interface {
	SearchTickets(ctx context.Context, in TicketSearch) (TicketPage, error)
}

// TicketRecords keeps customers' requests.
type TicketRecords interface {
	CreateTicket(ctx context.Context, in TicketDraft) (Ticket, error)
	UpdateTicket(ctx context.Context, in TicketUpdate) (Ticket, error)
}

// Products reads the catalogue and its stock.
type Products interface {
	SearchProducts(ctx context.Context, in ProductSearch) (ProductPage, error)
	// Product finds one by reference.
	Product(ctx context.Context, ref string) (Product, error)
}

// Deals finds sales in progress.
type Deals interface {
	SearchDeals(ctx context.Context, in DealSearch) (DealPage, error)
}

// DealRecords keeps sales in progress.
type DealRecords interface {
	CreateDeal(ctx context.Context, in DealDraft) (Deal, error)
	UpdateDeal(ctx context.Context, in DealUpdate) (Deal, error)
}
