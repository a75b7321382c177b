// Package stripe serves the payment family from a Stripe account, over the vendor's own
// library. It was built against Stripe's published contract: the vendor's mock server
// judges every request that it makes, and a stateful fake (stripefake) plays the account.
// No live account was ever asked.
//
// A payment is a PaymentIntent (pi_), and the reference beside it that of its latest
// charge (ch_): either names it. Payments made without a PaymentIntent, by the Charges
// API of old, are not shown.
//
// # Once
//
// Every write carries the call's idempotency key. Stripe keeps a key with its first answer
// for at least 24 hours, and a request that comes again gets that answer. What it stored
// may be a 500: then asking again gives the 500 again, and only a look tells what happened.
// So whatever can be looked at carries the key as well, in its metadata (drawbridge_key):
// before a refund, an invoice, a payment link, the end of a subscription or the submission
// of evidence is written, what is there is looked at, and what carries the key is the
// result. That holds beyond the 24 hours too. What has no metadata of its own (capturing,
// cancelling, voiding) is refused by Stripe the second time.
//
// A write of several requests (a draft with its lines; finalizing and sending) derives a
// key a step, and goes on where it stopped when it is made again.
//
// # Errors
//
// Stripe's errors become the family's codes in errors.go. What may have taken effect is an
// unknown outcome, which may be asked again under the same key. The library's retries are
// off. Nothing is retried here but a request whose key, or whose object, another one holds
// at that moment; net/http may repeat one on a kept connection that broke before an answer
// began, with its key.
package stripe
