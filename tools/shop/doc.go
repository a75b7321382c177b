// Package shop is the shop family: orders, their fulfilments and refunds, products and
// stock, over one portable type.
//
// A tool call walks three steps. [Tools] names the tool, its effect and its text for the
// model. A method of [Shop] turns the arguments into a checked request. A [Driver] carries
// the request out, for one vendor.
//
// The rules of the trade live here too, as functions of a record and a request:
// [CheckRefund], [CheckFulfilment], [CheckCancel]. A backend calls them on what it has just
// read, so that every backend refuses the same things in the same words.
//
// An order's sums are in the currency that its customer paid in, as integers of minor
// units; see drawbridge/tools/money.
//
// What a call does decides its effect, and an effect is a whole tool's: so a fulfilment of
// which the customer is told is a tool of its own, of effect message. Cancelling an order
// releases money that is held for it, and is of effect money.
//
// There is no built-in backend: without a setting there are no such tools.
package shop
