package mcpmount

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// minSecret: shorter values are words like "true" or "8080", and would turn logs
// into riddles.
const minSecret = 8

// cleaner makes a server's text fit for logs, status and errors.
type cleaner struct {
	mu    *sync.Mutex
	known *known
}

// known is what is left out.
type known struct {
	secrets  []string // those of before too: the server may repeat them
	replacer *strings.Replacer
}

func newCleaner(s Settings) cleaner {
	c := cleaner{&sync.Mutex{}, &known{}}
	c.learn(s)
	return c
}

// learn has the secrets of settings left out, besides those that were before.
func (c cleaner) learn(s Settings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	secrets := slices.Clone(c.known.secrets)
	for _, value := range s.Env {
		secrets = append(secrets, value)
	}
	for _, value := range s.Headers {
		secrets = append(secrets, value)
		if _, token, ok := strings.Cut(value, " "); ok { // of "Bearer token"
			secrets = append(secrets, token)
		}
	}
	if u, err := url.Parse(s.URL); err == nil {
		for _, values := range u.Query() {
			secrets = append(secrets, values...)
		}
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < minSecret })
	// The replacer takes the first that fits: the longest has to come first.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	secrets = slices.Compact(secrets)
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, "[redacted]")
	}
	c.known.secrets, c.known.replacer = secrets, strings.NewReplacer(pairs...)
}

// line makes one line of at most limit bytes of text.
func (c cleaner) line(text string, limit int) string {
	text = c.text(text, limit)
	return strings.Join(strings.FieldsFunc(text, unicode.IsControl), " ")
}

// text cuts after it has redacted, so that no half of a secret is left at the end.
func (c cleaner) text(text string, limit int) string {
	c.mu.Lock()
	replacer := c.known.replacer
	c.mu.Unlock()
	text = strings.ToValidUTF8(replacer.Replace(text), "\uFFFD")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + " [cut]"
	}
	return text
}
