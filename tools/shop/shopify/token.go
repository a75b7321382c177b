package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"drawbridge/tools"
)

// early is how long before its end a token is fetched anew.
const early = 5 * time.Minute

// token is what requests are signed with: a fixed one, or one that is fetched by the client
// credentials grant, which ends after a day.
type token struct {
	fixed, id, secret string
	url               string
	client            *http.Client
	now               func() time.Time

	mu    sync.Mutex
	value string
	ends  time.Time
}

// get gives a token that is good now. Nothing was changed if it cannot.
func (t *token) get(ctx context.Context) (string, error) {
	if t.fixed != "" {
		return t.fixed, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value != "" && t.now().Add(early).Before(t.ends) {
		return t.value, nil
	}
	value, lasts, err := t.fetch(ctx)
	if err != nil {
		if t.value != "" && t.now().Before(t.ends) {
			return t.value, nil // it is good for a few minutes yet
		}
		return "", err
	}
	t.value, t.ends = value, t.now().Add(lasts)
	return value, nil
}

// refused notes that a token was not taken, and reports whether another can be had.
func (t *token) refused(value string) bool {
	if t.fixed != "" {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value == value {
		t.value = ""
	}
	return true
}

func (t *token) fetch(ctx context.Context) (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {t.id}, "client_secret": {t.secret}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	response, err := t.client.Do(request)
	if err != nil {
		return "", 0, errors.Join(errNothingSent, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests:
		return "", 0, limited(retryAfter(response.Header, t.now()))
	case status >= 300 && status < 500:
		return "", 0, tools.Errorf(tools.Denied, "Shopify gives out no access token for our client (HTTP %d): its id or secret is wrong, or the app is not installed in the store. A person has to look at the settings (tools.shop.client_id).", status)
	}
	var granted struct {
		Token   string  `json:"access_token"`
		Seconds float64 `json:"expires_in"`
	}
	if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(body, &granted) != nil || granted.Token == "" || strings.ContainsAny(granted.Token, "\r\n") {
		return "", 0, errNothingSent
	}
	if granted.Seconds <= 0 {
		granted.Seconds = 86_399
	}
	return granted.Token, time.Duration(min(granted.Seconds, 1e8) * float64(time.Second)), nil
}
