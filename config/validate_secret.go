package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

func (k *checker) checkSecrets(path string, w Webhook) {
	rule, known := w.rule()
	if rule.unsigned {
		if len(w.Secrets) > 0 {
			k.refuse(path, "scheme %s verifies nothing, with a secret or without; leave the key out", w.Scheme)
		}
		return
	}
	if len(w.Secrets) == 0 {
		k.refuse(path, "no secret to verify deliveries with; want a list, such as [${WEBHOOK_SECRET}]")
	}
	for i, secret := range w.Secrets {
		if !known {
			rule = schemeRule{}
		}
		k.checkKey(item(path, i), rule, secret.Secret.Reveal())
	}
}

// checkSecret checks a secret that we sign with.
func (k *checker) checkSecret(path, scheme, text string) {
	rule, _ := Webhook{Scheme: scheme}.rule()
	if size, problem := rule.size(text); size == publicKey && problem == "" {
		k.refuse(path, "the key is a public one, which cannot sign")
		return
	}
	k.checkKey(path, rule, text)
}

// size is how many bytes of key a secret holds, or what is wrong with it.
func (r schemeRule) size(text string) (int, string) {
	if r.read == nil {
		return len(text), ""
	}
	return r.read(text)
}

// checkKey decodes a secret by the scheme, never by its prefix: whsec_ means base64
// to Standard Webhooks and nothing to Stripe.
func (k *checker) checkKey(path string, rule schemeRule, text string) {
	if text == "" {
		k.refuse(path, "the secret is empty")
		return
	}
	if strings.TrimSpace(text) != text {
		k.refuse(path, "the secret begins or ends with white space")
		return
	}
	size, problem := rule.size(text)
	switch {
	case problem != "":
		k.refuse(path, "%s", problem)
	case size == publicKey:
	case size < rule.least:
		k.refuse(path, "the secret holds %d bytes; want %d or more", size, rule.least)
	case size < rule.good:
		k.warn(path, "the secret holds %d bytes, fewer than the %d that Standard Webhooks asks for", size, rule.good)
	}
}

// publicKey is the size of a key that anybody may know.
const publicKey = -1

// readStandard reads whsec_ and base64, the base64 alone, or a public key: whpk_ and
// base64.
func readStandard(text string) (int, string) {
	if strings.HasPrefix(text, "whsk_") {
		return 0, "the secret is the sender's private key; want the public one, which begins with whpk_"
	}
	if encoded, public := strings.CutPrefix(text, "whpk_"); public {
		raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil || len(raw) != 32 {
			return 0, "the public key is not whpk_ and 32 bytes in base64"
		}
		return publicKey, ""
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil {
		return 0, "the secret is not base64, with whsec_ before it or not"
	}
	return len(raw), ""
}

// readSPKI reads the public key that SendGrid shows.
func readSPKI(text string) (int, string) {
	der, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return 0, "the public key is not base64; want it as SendGrid shows it, on one line"
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if k, ok := parsed.(*ecdsa.PublicKey); err != nil || !ok || k.Curve != elliptic.P256() {
		return 0, "the text is no public key of the curve P-256; want it as SendGrid shows it"
	}
	return publicKey, ""
}

// readPathToken reads a secret that stands in a path.
func readPathToken(text string) (int, string) {
	if strings.ContainsFunc(text, func(r rune) bool { return isOdd(r) && r != '.' && r != '~' }) {
		return 0, "the token stands in the path of the address; want letters, digits, -, _, . and ~ only, such as those of: openssl rand -hex 32"
	}
	return len(text), ""
}

func readEncoded(encoding string) func(text string) (int, string) {
	switch encoding {
	case "hex":
		return func(text string) (int, string) {
			raw, err := hex.DecodeString(text)
			if err != nil {
				return 0, "the secret is not hex, as secret_encoding says"
			}
			return len(raw), ""
		}
	case "base64":
		return func(text string) (int, string) {
			raw, err := base64.StdEncoding.Strict().DecodeString(text)
			if err != nil {
				return 0, "the secret is not base64, as secret_encoding says"
			}
			return len(raw), ""
		}
	}
	return nil
}
