package webhook

import (
	"net/http"
	"time"
)

// shopifyScheme follows "Verify webhook deliveries" (shopify.dev): the HMAC of the
// body, in base64, under the app's client secret. Its newer events come with the
// same headers unprefixed.
//
// The key is the delivery's id, which a retry repeats. The event's id is kept
// beside it and is no key: two subscriptions to one topic get one event each.
var shopifyScheme = scheme{
	name: Shopify,
	forms: []form{
		shopifyForm("X-Shopify-"),
		shopifyForm("Shopify-"),
	},
	readKey: textKey,
	when: func(h http.Header) time.Time {
		for _, prefix := range []string{"X-Shopify-", "Shopify-"} {
			if at, err := time.Parse(time.RFC3339, h.Get(prefix+"Triggered-At")); err == nil {
				return at
			}
		}
		return time.Time{}
	},
	keep: []string{
		"X-Shopify-Event-Id", "X-Shopify-Topic", "X-Shopify-Shop-Domain", "X-Shopify-Api-Version", "X-Shopify-Triggered-At",
		"Shopify-Event-Id", "Shopify-Topic", "Shopify-Shop-Domain", "Shopify-Api-Version", "Shopify-Triggered-At",
	},
}

func shopifyForm(prefix string) form {
	return form{
		names:  spelling{signature: prefix + "Hmac-Sha256", id: prefix + "Webhook-Id"},
		signed: []string{bodyField},
		ways:   []way{{"", base64Encoding, hmacSHA256}},
	}
}
