package auth

import (
	"errors"
	"net/http"
	"testing"
)

func TestRenewedKeysCountAtOnceAndInsteadOfTheOld(t *testing.T) {
	key := func(name, secret string) APIKey { return APIKey{Name: name, Key: secret, Tools: []string{"*"}} }
	k, err := NewKeys([]APIKey{key("desk", "first-first-first"), key("two", "two-two-two-two-two")})
	if err != nil {
		t.Fatal(err)
	}
	holder := func(secret string) (string, error) {
		p, err := k.Authenticate(&http.Request{Header: http.Header{"X-Api-Key": {secret}}})
		return p.Name, err
	}
	if err = k.Renew([]APIKey{key("desk", "short"), key("two", "two-two-two-two-two")}); err == nil {
		t.Error("a short key was taken")
	}
	if name, err := holder("first-first-first"); name != "desk" || err != nil {
		t.Errorf("behind a refusal the old key gives %q, %v", name, err)
	}
	if err = k.Renew([]APIKey{key("desk", "second-second-second"), key("two", "two-two-two-two-two")}); err != nil {
		t.Fatal(err)
	}
	if _, err := holder("first-first-first"); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the old key: %v", err)
	}
	for secret, want := range map[string]string{"second-second-second": "desk", "two-two-two-two-two": "two"} {
		if name, err := holder(secret); name != want || err != nil {
			t.Errorf("%s gives %q, %v", secret, name, err)
		}
	}
}
