package webhook

import "time"

// stripeScheme follows "Verify webhook signatures manually" in Stripe's manual:
// Stripe-Signature is t=<unix seconds>,v1=<hex>[,v1=<hex>], with one v1 for each
// active secret. Test events carry a v0 besides, which proves nothing.
//
// The key is the secret's whole text. Its whsec_ looks like that of Standard
// Webhooks, and is not decoded. The dedupe key is the body's own id ("evt_..."),
// which stays the same when Stripe sends the event again.
var stripeScheme = scheme{
	name: Stripe,
	forms: []form{{
		names:     spelling{signature: "Stripe-Signature"},
		unit:      time.Second,
		signed:    []string{timestampField, ".", bodyField},
		separator: ",",
		stampItem: "t=",
		ways:      []way{{"v1=", hexEncoding, hmacSHA256}},
	}},
	readKey: textKey,
	inside:  objectID("id", "created"),
}
