package restmount

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// minSecret: shorter values are words like "true" or "8080".
const minSecret = 8

// cleaner makes texts of an API fit for logs and errors: no secret of ours is in them.
type cleaner struct {
	mu    *sync.Mutex
	known *leftOut
}

// leftOut is what is left out.
type leftOut struct {
	fixed   *strings.Replacer
	secrets []string // of the settings, those of before too: an answer to them may be under way
	token   []string // the last access tokens
}

func newCleaner(s Settings) cleaner {
	c := cleaner{&sync.Mutex{}, &leftOut{}}
	c.learn(s)
	return c
}

// learn has the secrets of settings left out, besides those that were before.
func (c cleaner) learn(s Settings) {
	secrets := []string{s.Auth.Bearer}
	for _, value := range s.Headers {
		secrets = append(secrets, value)
		if _, token, ok := strings.Cut(value, " "); ok {
			secrets = append(secrets, token)
		}
	}
	for _, value := range s.Fixed {
		secrets = append(secrets, value)
	}
	if b := s.Auth.Basic; b != nil {
		secrets = append(secrets, b.Password, base64.StdEncoding.EncodeToString([]byte(b.User+":"+b.Password)))
	}
	if k := s.Auth.APIKey; k != nil {
		secrets = append(secrets, k.Value)
	}
	if c := s.Auth.OAuth; c != nil {
		secrets = append(secrets, c.ClientSecret, base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(c.ClientID)+":"+url.QueryEscape(c.ClientSecret))))
	}
	if u, err := url.Parse(s.Spec); err == nil && s.Remote() {
		for _, values := range u.Query() {
			secrets = append(secrets, values...)
		}
	}
	for _, secret := range slices.Clone(secrets) {
		secrets = append(secrets, url.QueryEscape(secret), url.PathEscape(secret))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	secrets = append(secrets, c.known.secrets...)
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < minSecret })
	// The replacer takes the first that fits: the longest has to come first.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	secrets = slices.Compact(secrets)
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, "[redacted]")
	}
	c.known.fixed, c.known.secrets = strings.NewReplacer(pairs...), secrets
}

// keptTokens are the last ones: calls with those before the newest may be under way.
const keptTokens = 8

// hide has a token that was just issued left out of all that follows.
func (c cleaner) hide(token string) {
	if len(token) < minSecret {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known.token = append(slices.Clone(c.known.token[max(0, len(c.known.token)-keptTokens+1):]), token)
}

// text cuts after it has redacted, so that no half of a secret is left at the end.
func (c cleaner) text(text string, limit int) string {
	text = strings.ToValidUTF8(c.secretless(text), "\uFFFD")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + " [cut]"
	}
	return text
}

func (c cleaner) secretless(text string) string {
	c.mu.Lock()
	fixed, tokens := c.known.fixed, c.known.token
	c.mu.Unlock()
	text = fixed.Replace(text)
	for _, token := range tokens {
		text = strings.ReplaceAll(text, token, "[redacted]")
	}
	return text
}

// line makes one line of text.
func (c cleaner) line(text string, limit int) string {
	return strings.Join(strings.FieldsFunc(c.text(text, limit), unicode.IsControl), " ")
}
