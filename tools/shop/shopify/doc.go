// Package shopify serves the shop family from a store at Shopify, by its Admin GraphQL API.
//
// A call walks: a method of [Backend] (orders.go, fulfilments.go, products.go, stock.go,
// refunds.go) names an operation of queries.go and its variables; client.go waits until the
// store's points allow it (pace.go), signs it (token.go), sends it once and says what became
// of it (errors.go).
//
// What is not obvious of Shopify:
//
//   - Points. Each operation has a cost, each app a bucket of points at each store that
//     fills again by so many a second. Every answer says what is left. An operation that
//     does not fit waits here; one that is refused as THROTTLED was not begun, and is sent
//     again when there are points, a write too.
//   - Errors come in three places: the HTTP status, errors (nothing was done, but for an
//     internal one), and userErrors of a mutation (nothing was done). Anything else about a
//     write whose answer cannot be read is an unknown outcome.
//   - Keys. Refunds and changes of stock have to have one, as the directive @idempotent, and
//     Shopify keeps it for 24 hours. What is repeated later is known otherwise: a refund by
//     a mark of its key in its note, a quantity that was to be set by being what was wanted.
//     A change by a difference leaves nothing to know it by, so [Traits] does not promise
//     it. Fulfilments and cancelled orders have no keys; they are looked up.
//   - An order has two currencies. Everything here is in the one its customer paid in.
//
// No live store was ever asked: it is built against the published schema of [APIVersion].
package shopify
