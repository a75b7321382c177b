package webhook

import (
	"encoding/json"
	"time"
)

// stripeScheme follows "Verify webhook signatures manually" in Stripe's manual:
// Stripe-Signature is t=<unix seconds>,v1=<hex>[,v1=<hex>], with one v1 for each
// active secret. Test events carry a v0 besides, which proves nothing.
//
// The key is the secret's whole text. Its whsec_ looks like that of Standard
// Webhooks, and is not decoded.
var stripeScheme = scheme{
	spellings: []spelling{{signature: "Stripe-Signature"}},
	unit:      time.Second,
	signed:    []string{timestampField, ".", bodyField},
	separator: ",",
	prefix:    "v1=",
	stampItem: "t=",
	encoding:  hexEncoding,
	decodeKey: textKey,
	mac:       hmacSHA256,
	bodyKey:   stripeEventID,
}

// stripeEventID is the body's own id ("evt_..."), which stays the same when Stripe
// sends the event again. It decodes into a map because a struct would also take
// "ID" for "id".
func stripeEventID(body []byte) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return ""
	}
	var id string
	if json.Unmarshal(fields["id"], &id) != nil {
		return ""
	}
	return id
}
