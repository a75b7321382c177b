package restmount

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	// early is how long before its end a token is not used any more.
	early = 30 * time.Second
	// tokenTimeout bounds the request for one.
	tokenTimeout = 20 * time.Second
)

// tokens keeps one access token and gets the next before it ends, or when the API refuses
// it. One is asked for at a time; whoever needs it waits.
type tokens struct {
	config *clientcredentials.Config
	client *http.Client
	clean  cleaner
	now    func() time.Time

	turn  chan struct{} // held by whoever looks at token
	token *oauth2.Token
}

func newTokens(c ClientCredentials, client *http.Client, clean cleaner, now func() time.Time) *tokens {
	params := url.Values{}
	for name, value := range c.Params {
		params.Set(name, value)
	}
	return &tokens{
		config: &clientcredentials.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, TokenURL: c.TokenURL, Scopes: c.Scopes, EndpointParams: params},
		client: client, clean: clean, now: now, turn: make(chan struct{}, 1),
	}
}

func (t *tokens) sign(ctx context.Context, r *http.Request) (string, error) {
	token, err := t.get(ctx)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", token.Type()+" "+token.AccessToken)
	return token.AccessToken, nil
}

// renew forgets the token that was refused, unless another one is there by now.
func (t *tokens) renew(with string) bool {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	if t.token != nil && t.token.AccessToken == with {
		t.token = nil
	}
	return true
}

func (t *tokens) get(ctx context.Context) (*oauth2.Token, error) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.turn }()
	if t.token != nil && (t.token.Expiry.IsZero() || t.now().Add(early).Before(t.token.Expiry)) {
		return t.token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	token, err := t.config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if err != nil {
		return nil, t.refusal(err)
	}
	if seconds, ok := token.Extra("expires_in").(float64); ok && seconds > 0 { // by our clock, not the library's
		token.Expiry = t.now().Add(time.Duration(min(seconds, 1e9)) * time.Second)
	}
	t.clean.hide(token.AccessToken)
	t.token = token
	return token, nil
}

// tokenError is why there is no token. No call was made.
type tokenError struct {
	why     string
	refused bool // our credentials are not taken
}

func (e *tokenError) Error() string { return e.why }

// refusal says what the issuer said, in the words that its protocol has for it.
func (t *tokens) refusal(err error) error {
	var said *oauth2.RetrieveError
	if !errors.As(err, &said) {
		return &tokenError{why: "asking for an access token: " + t.clean.line(bare(err).Error(), 300)}
	}
	status := 0
	if said.Response != nil {
		status = said.Response.StatusCode
	}
	why := fmt.Sprintf("asking for an access token: the issuer answers %d %s", status, t.clean.line(said.ErrorCode+" "+said.ErrorDescription, 300))
	return &tokenError{why: why, refused: status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout}
}
