package config

import "strings"

// maxAttempts and maxWait bound a callback's schedule: a receiver that has been
// gone for so long is not coming back.
const (
	maxAttempts = 50
	maxWait     = Duration(7 * day)
)

func (k *checker) checkCallback(path string, c Callback) {
	if u := k.checkURL(path+".url", c.URL); u != nil && unencrypted(u) {
		// The sender of callbacks would refuse it at every attempt.
		k.refuse(path+".url", "http reaches this machine only (localhost or a loopback address), so no outcome would be delivered; want https")
	}
	if !strings.HasPrefix(c.Secret.Reveal(), "whsec_") {
		k.refuse(path+".secret", `want whsec_ and base64 of %d bytes or more, such as: echo "whsec_$(openssl rand -base64 32)"`, goodSecret)
	} else {
		k.checkSecret(path+".secret", standard, c.Secret.Reveal())
	}
	if len(c.Schedule) == 0 || len(c.Schedule) > maxAttempts {
		k.refuse(path+".schedule", "%d attempts are out of range; want 1 to %d", len(c.Schedule), maxAttempts)
	}
	for i, wait := range c.Schedule {
		between(k, item(path+".schedule", i), wait, 0, maxWait)
	}
}
