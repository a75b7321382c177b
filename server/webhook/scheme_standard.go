package webhook

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// standardScheme is Standard Webhooks: the specification's sections "Signature
// scheme" and "Webhook headers". Svix, from whom it came, still sends the same
// values under svix-* names.
//
// The secret says which of the two kinds of signature is its own: whsec_ is a
// symmetric key (v1), whpk_ a public one (v1a, Ed25519).
var standardScheme = scheme{
	name: Standard,
	forms: []form{
		standardForm(spelling{signature: "Webhook-Signature", timestamp: "Webhook-Timestamp", id: "Webhook-Id"}),
		standardForm(spelling{signature: "Svix-Signature", timestamp: "Svix-Timestamp", id: "Svix-Id"}),
	},
	readKey:     standardKey,
	readPrivate: standardPrivate,
	inside:      func(body []byte) (string, time.Time) { return "", moment(members(body, "timestamp")["timestamp"]) },
}

// openAIScheme is what OpenAI sends (platform.openai.com/docs/guides/webhooks):
// Standard Webhooks, with the time of the event as unix seconds in the body.
var openAIScheme = func() scheme {
	s := standardScheme
	s.name = OpenAI
	s.inside = func(body []byte) (string, time.Time) { return "", moment(members(body, "created_at")["created_at"]) }
	s.keep = []string{"Openai-Organization", "Openai-Project"}
	return s
}()

func standardForm(names spelling) form {
	return form{
		names:     names,
		unit:      time.Second,
		signed:    []string{idField, ".", timestampField, ".", bodyField},
		separator: " ", // a sender that rotates signs with every active key
		ways: []way{
			{"v1,", base64Encoding, hmacSHA256},
			{"v1a,", base64Encoding, ed25519Signature},
		},
	}
}

const ed25519Way = 1 // of standardForm's

// standardKey reads whsec_ plus base64, or a public key: whpk_ plus base64. The
// prefix whsec_ may be missing: some senders show the base64 alone.
func standardKey(secret string) (key, error) {
	if strings.HasPrefix(secret, "whsk_") {
		return key{}, errors.New("whsk_ begins the sender's private key; the public one, whpk_, verifies")
	}
	if encoded, ok := strings.CutPrefix(secret, "whpk_"); ok {
		raw, err := decodeBase64(encoded)
		if err == nil && len(raw) != ed25519.PublicKeySize {
			err = errors.New("the public key does not have 32 bytes")
		}
		return key{bytes: raw, way: ed25519Way}, err
	}
	raw, err := decodeBase64(strings.TrimPrefix(secret, "whsec_"))
	return key{bytes: raw}, err
}

// standardPrivate reads what signs: whsec_, or a private key: whsk_ plus base64.
func standardPrivate(secret string) (key, error) {
	encoded, ok := strings.CutPrefix(secret, "whsk_")
	if !ok {
		k, err := standardKey(secret)
		if k.way == ed25519Way {
			err = errors.New("whpk_ begins a public key, which cannot sign; whsk_ begins the private one")
		}
		return k, err
	}
	raw, err := decodeBase64(encoded)
	switch {
	case err != nil:
		return key{}, err
	case len(raw) == ed25519.SeedSize:
		raw = ed25519.NewKeyFromSeed(raw)
	case len(raw) != ed25519.PrivateKeySize:
		return key{}, errors.New("the private key has neither 32 nor 64 bytes")
	}
	return key{bytes: raw, way: ed25519Way}, nil
}

// objectID finds key and time in a body that names them at its top.
func objectID(id, at string) func(body []byte) (string, time.Time) {
	wanted := []string{id, at}
	return func(body []byte) (string, time.Time) {
		var found [2]json.RawMessage
		pick(body, wanted, found[:])
		return jsonText(found[0]), moment(found[1])
	}
}

// jsonText is a JSON string; "" for anything else.
func jsonText(value json.RawMessage) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	return text(value)
}
