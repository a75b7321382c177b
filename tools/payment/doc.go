// Package payment is the payment family: eighteen tools over one portable type.
//
// A tool call walks three steps. [Tools] names the tool, its effect and its text
// for the model. A method of [Payment] turns the arguments into a checked
// request, so that no backend checks a currency or a date again. A [Driver]
// carries the request out, for one vendor or for the built-in sandbox.
//
// The rules of the trade live here too, as functions of a record and a request:
// [CheckRefund], [CheckCapture], [CheckCancelPayment], [CheckSend], [CheckVoid],
// [CheckCancel], [CheckEvidence]. A backend calls them on
// what it has just read, so that every backend refuses the same things in the
// same words. Where the backend owns the data it calls them inside the
// transaction of the write.
//
// Money is always an integer of minor units and an ISO 4217 code; see [Money].
// Records carry it as [Amount], which adds the text a person reads, because a
// model that divides by 100 is wrong for the yen and for the Kuwaiti dinar.
//
// Some calls have two effects. Sending an invoice reaches a person and asks them
// for money; a payment link takes money from whoever opens it; cancelling a
// subscription ends future income. Each is marked with the graver of its
// effects, money, so that a rule about money cannot be walked around.
package payment
