package config

import (
	"mime"
	"slices"
	"strings"
	"time"
)

// resendFor is how long the most patient senders that we know of can have a
// delivery sent again by hand (Stripe's command line tool).
const resendFor = 30 * day

// maxRate is far beyond what one disk takes, in deliveries a second.
const maxRate = 1_000_000

// checkIntake checks how the deliveries of a webhook are taken in.
func (k *checker) checkIntake(path, name string, w Webhook) {
	if w.Scheme == unsafeNone && guessable(name) {
		k.warn(path, "deliveries of scheme unsafe_none prove nothing, and the address of this one can be guessed; give the webhook a name such as that of: openssl rand -hex 16")
	}
	if w.Rate < 1 || w.Rate > maxRate {
		k.refuse(path+".rate", "%d is out of range; want 1 to %d deliveries a second", w.Rate, maxRate)
	}
	between(k, path+".dedupe_for", w.DedupeFor, Duration(time.Hour), Duration(10*365*day))
	if w.DedupeFor < Duration(resendFor) && !w.FromMail() {
		k.warn(path+".dedupe_for", "%s is less than the %s within which some providers let a delivery be sent again; such a one would be handled twice",
			w.DedupeFor, Duration(resendFor))
	}
	for i, text := range w.ContentTypes {
		at := item(path+".content_types", i)
		if media, parameters, err := mime.ParseMediaType(text); err != nil || len(parameters) > 0 || strings.Count(media, "/") != 1 || strings.HasSuffix(media, "/*") {
			k.refuse(at, "%s is no media type; want one such as application/json, without parameters", k.show(at, text))
		}
	}
	k.checkAnswer(path+".answer", w.Answer)
	k.checkAllowedIPs(path+".allow_ips", w.AllowIPs)
}

// guessable reports whether a name may be one that people think of, and not 128 random
// bits (ING-31): those take 25 of the characters that a name may have, and some of them
// are digits.
func guessable(name string) bool {
	digits, distinct := 0, map[rune]bool{}
	for _, r := range name {
		distinct[r] = true
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return len(name) < 25 || len(distinct) < 10 || digits < 4
}

func (k *checker) checkAnswer(path string, a Answer) {
	if !slices.Contains([]int{200, 202, 204}, a.Status) {
		k.refuse(path+".status", "%d is no answer to a stored delivery; want 200, 202 or 204", a.Status)
	}
	if a.Status == 204 && a.Body != "" {
		k.refuse(path+".body", "an answer with status 204 has no body; leave the key out, or set status to 200")
	}
}

func (k *checker) checkAllowedIPs(path string, allowed []Network) {
	for i, n := range allowed {
		if n.Prefix().Bits() == 0 {
			k.refuse(item(path, i), "%s is every address; leave the key out to allow any", n)
		}
	}
}

// checkProxies refuses a trust that makes every claim count.
func (k *checker) checkProxies() {
	for i, n := range k.Server.TrustedProxies {
		if n.Prefix().Bits() == 0 {
			k.refuse(item("server.trusted_proxies", i), "%s is every address, so that anybody could claim any address; list the proxies' own", n)
		}
	}
}

func (k *checker) checkSpace() {
	between(k, "store.min_free", k.Store.MinFree, 0, 1024*GiB)
	if p := k.Store.MinFreePercent; p < 0 || p > 50 {
		k.refuse("store.min_free_percent", "%d is out of range; want 0 to 50", p)
	}
}
