// Package crm is the customer relations family: customers and what was said to
// them, tasks, orders, tickets, products and deals, as one portable type over
// any backend.
//
// [CRM] is what callers hold. It fills in defaults, checks what a JSON Schema
// cannot say, and maps errors, once for all backends. A backend fulfils [Driver],
// which holds only what differs between vendors; tools/crm/builtin does it in
// SQL, and tools/crm/crmtest is the suite that every backend must pass.
//
// The request types (CustomerSearch, TicketDraft and so on) are at the same time
// the arguments of the tools: their field tags are the schema that a model reads.
// [Tools] makes the tools; a method of CRM is the function behind each of them.
//
// # Conventions
//
// A reference to a customer is an id, an email address, or the external reference
// under which another system (a payment provider, a shop) knows the customer;
// orders also go by their number, products by their SKU. A backend resolves it.
//
// Money is an integer in the currency's minor unit (cents for EUR, yen for JPY)
// beside an ISO 4217 code. Amounts of two currencies are never added.
//
// Times are RFC 3339 in UTC, to the millisecond.
//
// Lists are newest first, save tasks (by due time) and products (by SKU). They
// page with an opaque cursor over values that never change, so that a row is
// never seen twice, whatever is written between two pages.
//
// A tool taints the run when its result carries what people outside the company
// wrote at length: ticket text, interactions, notes on orders. The short,
// single-line fields of a customer's profile do not count.
package crm
