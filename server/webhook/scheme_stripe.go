package webhook

import (
	"bytes"
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
// sends the event again. It reads no further than the id, which Stripe sends
// first: the sender waits for this. A body without one gives "".
func stripeEventID(body []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return ""
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return ""
		}
		if name == "id" {
			var id string
			_ = json.Unmarshal(value, &id) // an id that is no text is none
			return id
		}
	}
	return ""
}
