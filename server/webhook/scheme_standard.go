package webhook

import (
	"strings"
	"time"
)

// standardScheme is symmetric (v1) Standard Webhooks: the specification's sections
// "Signature scheme" and "Webhook headers". Svix, from whom it came, still sends
// the same values under svix-* names.
var standardScheme = scheme{
	spellings: []spelling{
		{signature: "Webhook-Signature", timestamp: "Webhook-Timestamp", id: "Webhook-Id"},
		{signature: "Svix-Signature", timestamp: "Svix-Timestamp", id: "Svix-Id"},
	},
	unit:      time.Second,
	signed:    []string{idField, ".", timestampField, ".", bodyField},
	separator: " ", // a sender that rotates signs with every active key
	prefix:    "v1,",
	encoding:  base64Encoding,
	decodeKey: standardKey,
	mac:       hmacSHA256,
}

// standardKey reads whsec_ plus base64. The prefix may be missing: some senders
// show the base64 alone.
func standardKey(secret string) ([]byte, error) {
	return decodeBase64(strings.TrimPrefix(secret, "whsec_"))
}
