package config

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
)

// maxAttempts and maxWait bound a callback's schedule: a receiver that has been
// gone for so long is not coming back.
const (
	maxAttempts = 50
	maxWait     = Duration(7 * day)
	// maxCallbackSecrets bounds those of one address: each signs (DEL-12).
	maxCallbackSecrets = 10
)

func (k *checker) checkCallback(path string, c Callback) {
	if u := k.checkURL(path+".url", c.URL); u != nil && unencrypted(u) {
		// The sender of callbacks would refuse it at every attempt.
		k.refuse(path+".url", "http reaches this machine only (localhost or a loopback address), so no outcome would be delivered; want https")
	}
	if c.Secret != "" || len(c.Secrets) == 0 {
		k.checkSigner(path+".secret", c.Secret.Reveal())
	}
	k.checkSigners(path+".secrets", c.Secrets)
	k.checkSchedule(path+".schedule", c.Schedule)
	k.within(path+".concurrency", c.Concurrency, 0, 1024)
	if c.FIFO && c.Concurrency > 1 {
		k.refuse(path+".concurrency", "with fifo one message is sent after the other; leave the key out")
	}
}

func (k *checker) checkCallbacks() {
	const path = "callbacks"
	k.checkSigners(path+".secrets", k.Callbacks.Secrets)
	k.checkSchedule(path+".schedule", k.Callbacks.Schedule)
	k.within(path+".concurrency", k.Callbacks.Concurrency, 1, 1024)
	between(k, path+".disable_after", k.Callbacks.DisableAfter, 0, Duration(365*day))
	k.atLeast(path+".disable_after_failures", k.Callbacks.DisableAfterFailures, 0)
}

func (k *checker) checkSigners(path string, secrets []WebhookSecret) {
	if len(secrets) > maxCallbackSecrets {
		k.refuse(path, "%d secrets are too many; want %d at most, because each signs every message", len(secrets), maxCallbackSecrets)
	}
	for i, secret := range secrets {
		k.checkSigner(item(path, i), secret.Secret.Reveal())
	}
}

// checkSigner checks a secret of Standard Webhooks that we sign with.
func (k *checker) checkSigner(path, text string) {
	switch {
	case strings.HasPrefix(text, "whsk_"):
		raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(text, "whsk_"))
		if err != nil || len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
			k.refuse(path, "want whsk_ and base64 of an Ed25519 key (32 or 64 bytes); make one with: drawbridge callbacks new-secret --ed25519")
		} else if len(raw) == ed25519.PrivateKeySize && string(ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])) != string(raw) {
			k.refuse(path, "the two halves of the Ed25519 key do not belong together; make one with: drawbridge callbacks new-secret --ed25519")
		}
	case strings.HasPrefix(text, "whpk_"):
		k.refuse(path, "this is the public key, which verifies; want the private one, whsk_ and base64")
	case !strings.HasPrefix(text, "whsec_"):
		k.refuse(path, `want whsec_ and base64 of %d bytes or more, such as: echo "whsec_$(openssl rand -base64 32)"`, goodSecret)
	default:
		k.checkSecret(path, standard, text)
	}
}

func (k *checker) checkSchedule(path string, schedule []Duration) {
	if len(schedule) == 0 || len(schedule) > maxAttempts {
		k.refuse(path, "%d attempts are out of range; want 1 to %d", len(schedule), maxAttempts)
	}
	for i, wait := range schedule {
		between(k, item(path, i), wait, 0, maxWait)
	}
}
