package config

import (
	"strings"
)

// PaymentBackend names the backend of payments, and the account there.
type PaymentBackend struct {
	Backend string `yaml:"backend"` // builtin or stripe
	// Key is a secret or restricted API key of Stripe.
	Key Secret `yaml:"key"`
	// Live says that a live key, with which real money moves, is meant to be one.
	Live bool `yaml:"live"`
	// BaseURL is where Stripe's API is; Stripe's own address if "".
	BaseURL string `yaml:"base_url"`
	// RequestsPerSecond is how many requests are made at most, by this node; 0 for 80 of a
	// live key, and 20 of one of test mode.
	RequestsPerSecond int `yaml:"requests_per_second"`
}

// maxStripePace is above what Stripe takes of any account without an agreement.
const maxStripePace = 1000

func (k *checker) checkPayment() {
	const at = "tools.payment."
	p := k.Tools.Payment
	k.oneOf(at+"backend", p.Backend, "builtin", "stripe")
	if p.Backend != "stripe" {
		for name, given := range map[string]bool{"key": p.Key != "", "live": p.Live, "base_url": p.BaseURL != "", "requests_per_second": p.RequestsPerSecond != 0} {
			if given {
				k.refuse(at+name, "only backend stripe has this setting; leave it out, or set backend: stripe")
			}
		}
		return
	}
	k.within(at+"requests_per_second", p.RequestsPerSecond, 0, maxStripePace)
	k.checkStripeKey(at, p)
	if p.BaseURL == "" {
		return
	}
	u := k.checkBaseURL(at+"base_url", p.BaseURL)
	switch {
	case u == nil:
	case unencrypted(u):
		k.refuse(at+"base_url", "want https: the key could be read on the way; http is for this machine alone")
	case p.liveKey() && !strings.EqualFold(u.Hostname(), "api.stripe.com"):
		k.refuse(at+"base_url", "a live key is sent to Stripe's own address only; leave it out, or use a key of test mode")
	}
}

// checkStripeKey tells keys apart by their prefixes, loudly: with a live one real money moves.
func (k *checker) checkStripeKey(at string, p PaymentBackend) {
	key := p.Key.Reveal()
	switch kind, known := stripeKinds[stripePrefix(key)]; {
	case key == "":
		k.refuse(at+"key", "backend stripe needs an API key, such as ${STRIPE_KEY}")
	case strings.HasPrefix(key, "pk_"):
		k.refuse(at+"key", "this is a publishable key, with which nothing can be read; want a restricted key (rk_...) or a secret one (sk_...)")
	case !known || strings.TrimSpace(key) != key:
		k.refuse(at+"key", "this is no API key of Stripe's; want one that begins with rk_test_, sk_test_, rk_live_ or sk_live_")
	case kind.live && !p.Live:
		k.refuse(at+"key", "this is a LIVE key: real money would move. If that is meant, set live: true beside it; to practise, use a key of test mode")
	case !kind.live && p.Live:
		k.refuse(at+"live", "the key is one of test mode, with which no money moves; leave live out, or use a live key")
	case kind.secret && p.Live:
		k.warn(at+"key", "a secret key of a live account may do everything there; a restricted key (rk_live_...) with the permissions that the README lists is enough")
	}
}

type stripeKind struct{ live, secret bool }

var stripeKinds = map[string]stripeKind{"sk_test_": {false, true}, "rk_test_": {}, "sk_live_": {true, true}, "rk_live_": {live: true}}

func stripePrefix(key string) string {
	const length = len("sk_test_")
	if len(key) <= length {
		return ""
	}
	return key[:length]
}

// unreadKey reports whether the key stands in for one that was not read.
func (c *Config) unreadKey() bool {
	return c.source != nil && c.source.marks["tools.payment.key"].standIn
}

// fitStripeKey gives a key that was not read the form of the one that the settings speak of.
func (c *Config) fitStripeKey() {
	p := &c.Tools.Payment
	if p.Backend != "stripe" || !c.unreadKey() {
		return
	}
	if p.Key = "rk_test_notread"; p.Live {
		p.Key = "rk_live_notread"
	}
}

func (p PaymentBackend) liveKey() bool { return stripeKinds[stripePrefix(p.Key.Reveal())].live }

// explainPayment says whose money it is.
func (c *Config) explainPayment() string {
	p := c.Tools.Payment
	if p.Backend != "stripe" {
		return ""
	}
	text := "TEST MODE: no real money moves"
	if p.liveKey() {
		text = "LIVE: real money moves"
	}
	kind := "a restricted key"
	if stripeKinds[stripePrefix(p.Key.Reveal())].secret {
		kind = "a secret key, which may do everything"
	}
	if c.unreadKey() {
		text, kind = strings.Replace(text, ":", " by the settings:", 1), "the key was not read"
	}
	if p.BaseURL != "" {
		kind += ", at " + c.publicPartAt("tools.payment.base_url", p.BaseURL)
	}
	return text + "; " + kind
}
