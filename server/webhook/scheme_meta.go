package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"net/url"
	"time"
)

// metaScheme follows "Getting started" of Meta's webhooks (developers.facebook.com):
// the HMAC of the body, with its escapes as they were sent, under the app's secret.
// A source may have one form of key for each product, and has the ones of messages.
func metaScheme(verifyToken string) scheme {
	return scheme{
		name: Meta,
		forms: []form{{
			names:  spelling{signature: "X-Hub-Signature-256"},
			signed: []string{bodyField},
			ways:   []way{{"sha256=", hexEncoding, hmacSHA256}},
		}},
		readKey: textKey,
		greet: func(_ *engine, query url.Values, _ time.Time) (Reply, error) {
			return metaGreet(verifyToken, query)
		},
		inside: metaEvent,
	}
}

// metaGreet gives the challenge back, byte for byte, to whoever knows the token that
// was entered together with the address.
func metaGreet(verifyToken string, query url.Values) (Reply, error) {
	got, want := sha256.Sum256([]byte(query.Get("hub.verify_token"))), sha256.Sum256([]byte(verifyToken))
	if verifyToken == "" || !hmac.Equal(got[:], want[:]) {
		return Reply{}, forbidden("hub.verify_token is not the source's verify_token")
	}
	if query.Get("hub.mode") != "subscribe" {
		return Reply{}, forbidden("hub.mode is not subscribe")
	}
	return Reply{ContentType: plainText, Body: []byte(query.Get("hub.challenge"))}, nil
}

// forbidden refuses a question.
func forbidden(reason string) *Refusal {
	return &Refusal{Status: http.StatusForbidden, Reason: reason}
}

// metaEvent finds the key of a notification of one message, or of one status of a
// message: Messenger and Instagram (messaging), WhatsApp (changes). What holds
// several, or is of another product, has none.
func metaEvent(body []byte) (string, time.Time) {
	entries := elements(members(body, "entry")["entry"])
	if len(entries) == 0 {
		return "", time.Time{}
	}
	entry := members(entries[0], "id", "time", "messaging", "changes")
	at := moment(entry["time"])
	messages, changes := elements(entry["messaging"]), elements(entry["changes"])
	if len(entries) != 1 || len(messages)+len(changes) != 1 {
		return "", at
	}
	account := text(entry["id"]) + ":"
	if len(messages) == 1 {
		mid := text(members(members(messages[0], "message")["message"], "mid")["mid"])
		if mid == "" {
			return "", at
		}
		return account + mid, at
	}
	value := members(members(changes[0], "value")["value"], "messages", "statuses")
	texts, statuses := elements(value["messages"]), elements(value["statuses"])
	if len(texts)+len(statuses) != 1 {
		return "", at
	}
	one := members(append(texts, statuses...)[0], "id", "status", "timestamp")
	if sent := moment(one["timestamp"]); !sent.IsZero() {
		at = sent
	}
	id := text(one["id"])
	if id == "" {
		return "", at
	}
	return account + id + ":" + text(one["status"]), at
}
