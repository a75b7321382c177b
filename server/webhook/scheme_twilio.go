package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/url"
	"slices"
	"strings"
)

// twilioScheme follows "Webhooks security" (twilio.com/docs): HMAC-SHA1 of the
// address and, behind it, the parameters of the form in the body, sorted, each name
// followed by its value. Of a body that is no form a hash stands in the address, as
// bodySHA256.
//
// Twilio takes an answer for instructions on how the call or conversation goes on:
// so it hears that there are none.
var twilioScheme = scheme{
	name: Twilio,
	forms: []form{{
		names:      spelling{signature: "X-Twilio-Signature", id: "I-Twilio-Idempotency-Token"},
		idOptional: true,
		signed:     []string{urlField, formField},
		ways:       []way{{"", base64Encoding, hmacSHA1}},
		addresses:  twilioAddresses,
	}},
	readKey: textKey,
	reply:   &Reply{ContentType: "text/xml; charset=utf-8", Body: []byte(`<?xml version="1.0" encoding="UTF-8"?><Response/>`)},
}

// signedForm gives the parameters as they are signed. A name with several values
// has each once, sorted.
//
// Nothing marks where a name ends and its value begins: that is Twilio's scheme.
func signedForm(d Delivery) ([]byte, error) {
	if err := bodyHash(d); err != nil {
		return nil, err
	}
	if !isForm(d) {
		return nil, nil
	}
	values, err := url.ParseQuery(string(d.Body))
	if err != nil {
		return nil, unverified("the body is called a form, and cannot be read as one")
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var signed strings.Builder
	for _, name := range names {
		list := values[name]
		slices.Sort(list)
		for _, value := range slices.Compact(list) {
			signed.WriteString(name)
			signed.WriteString(value)
		}
	}
	return []byte(signed.String()), nil
}

// isForm reports whether the body is a form, as it also is where nothing else is said.
func isForm(d Delivery) bool {
	said := d.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(said)
	return said == "" || err == nil && kind == formType
}

// bodyHash compares the body with the hash in the address. Without one, only a form
// is signed, or no body at all.
func bodyHash(d Delivery) error {
	_, query, _ := strings.Cut(d.URL, "?")
	values, err := url.ParseQuery(query)
	if err != nil || !values.Has("bodySHA256") {
		if len(d.Body) > 0 && !isForm(d) {
			return unverified("the body is no form, and no bodySHA256 in the address covers it")
		}
		return nil
	}
	want, err := hex.DecodeString(values.Get("bodySHA256"))
	got := sha256.Sum256(d.Body)
	if err != nil || !hmac.Equal(want, got[:]) {
		return unverified("bodySHA256 in the address is not the hash of the body")
	}
	return nil
}

// twilioAddresses are the address as it is, and with the scheme's port or without:
// which one Twilio signs depends on the product.
func twilioAddresses(address string) []string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return []string{address}
	}
	at := strings.IndexAny(rest, "/?#")
	if at < 0 {
		at = len(rest)
	}
	host, tail := rest[:at], rest[at:]
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	if bare, had := strings.CutSuffix(host, port); had {
		return []string{address, scheme + "://" + bare + tail}
	}
	if strings.Contains(host[strings.LastIndexByte(host, ']')+1:], ":") {
		return []string{address} // a port of its own
	}
	return []string{address, scheme + "://" + host + port + tail}
}
