package config

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The signature schemes.
const (
	standard = "standard"
	stripe   = "stripe"
	github   = "github"
	custom   = "hmac"
)

const (
	// minSecret is the shortest key that signs, in bytes: 128 bits, if random.
	minSecret = 16
	// goodSecret is what Standard Webhooks asks of whoever generates one
	// (specification, "Signature scheme": 24 to 64 bytes). Senders in the wild
	// give out shorter ones, so it is only recommended.
	goodSecret = 24
)

func (k *checker) checkWebhooks() {
	for _, name := range slices.Sorted(maps.Keys(k.Webhooks)) {
		path, webhook := child("webhooks", name), k.Webhooks[name]
		k.checkName(path, name)
		k.checkScheme(path, webhook)
		k.checkSecrets(path+".secrets", webhook)
		k.checkRoutes(path, name, webhook)
		between(k, path+".max_body", webhook.MaxBody, KiB, 64*MiB)
	}
}

// checkScheme fails closed: a source without a scheme we know is refused, and so
// is a setting that the scheme would ignore.
func (k *checker) checkScheme(path string, w Webhook) {
	switch w.Scheme {
	case "":
		k.refuse(path+".scheme", "no scheme says how deliveries are signed; want standard, stripe, github or hmac")
		return
	case "none":
		k.refuse(path+".scheme", "unsigned deliveries are not accepted; want standard, stripe, github or hmac")
		return
	}
	k.oneOf(path+".scheme", w.Scheme, standard, stripe, github, custom)
	if w.Scheme == custom {
		k.checkCustom(path, w)
	} else {
		k.checkNoCustom(path, w)
	}
	between(k, path+".tolerance", w.Tolerance, Duration(30*time.Second), Duration(time.Hour))
	if k.source.has(path+".tolerance") && (w.Scheme == github || w.Scheme == custom && w.TimestampHeader == "") {
		k.refuse(path+".tolerance", "nothing to tolerate: deliveries of this source sign no timestamp; leave the key out")
	}
}

// checkCustom checks the description of a sender's own HMAC.
func (k *checker) checkCustom(path string, w Webhook) {
	if w.Header == "" {
		k.refuse(path+".header", "scheme hmac needs the name of the header that holds the signature")
	}
	if w.Encoding == "" {
		k.refuse(path+".encoding", "scheme hmac needs to know how the signature is encoded; want hex or base64")
	} else {
		k.oneOf(path+".encoding", w.Encoding, "hex", "base64")
	}
	taken := map[string]string{}
	for _, header := range []struct{ key, name string }{
		{"header", w.Header}, {"id_header", w.IDHeader}, {"timestamp_header", w.TimestampHeader},
	} {
		name := http.CanonicalHeaderKey(header.name)
		at := path + "." + header.key
		switch {
		case name == "":
		case strings.ContainsFunc(name, isNoHeader):
			k.refuse(at, "%s is no header name", k.show(at, header.name))
		case taken[name] != "":
			k.refuse(at, "%s is also the %s", k.show(at, header.name), taken[name])
		case header.key != "header" && holdsCredential(name):
			k.refuse(at, "header %s holds a credential, and the value of this one is stored with the event", k.show(at, header.name))
		}
		taken[name] = header.key
	}
}

func holdsCredential(header string) bool {
	return header == "Authorization" || header == "Proxy-Authorization" || header == "Cookie"
}

// isNoHeader tells characters that no header name has (RFC 9110, section 5.6.2).
func isNoHeader(r rune) bool {
	return isOdd(r) && !strings.ContainsRune("!#$%&'*+.^`|~", r)
}

// checkNoCustom refuses what only scheme hmac reads.
func (k *checker) checkNoCustom(path string, w Webhook) {
	for _, setting := range []struct{ key, value string }{
		{"header", w.Header}, {"encoding", w.Encoding}, {"prefix", w.Prefix},
		{"id_header", w.IDHeader}, {"timestamp_header", w.TimestampHeader},
	} {
		if setting.value != "" {
			k.refuse(path+"."+setting.key, "only scheme hmac has this setting; leave the key out")
		}
	}
}

func (k *checker) checkSecrets(path string, w Webhook) {
	if len(w.Secrets) == 0 {
		k.refuse(path, "no secret to verify deliveries with; want a list, such as [${WEBHOOK_SECRET}]")
	}
	for i, secret := range w.Secrets {
		k.checkSecret(item(path, i), w.Scheme, secret.Secret.Reveal())
	}
}

// checkSecret decodes a secret by the scheme, never by its prefix: whsec_ means
// base64 to Standard Webhooks and nothing to Stripe.
func (k *checker) checkSecret(path, scheme, text string) {
	if text == "" {
		k.refuse(path, "the secret is empty")
		return
	}
	if strings.TrimSpace(text) != text {
		k.refuse(path, "the secret begins or ends with white space")
		return
	}
	size := len(text)
	if scheme == standard {
		key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(text, "whsec_"))
		if err != nil {
			k.refuse(path, "the secret is not base64, with whsec_ before it or not")
			return
		}
		size = len(key)
	}
	switch {
	case size < minSecret:
		k.refuse(path, "the secret holds %d bytes; want %d or more", size, minSecret)
	case scheme == standard && size < goodSecret:
		k.warn(path, "the secret holds %d bytes, fewer than the %d that Standard Webhooks asks for", size, goodSecret)
	}
}
