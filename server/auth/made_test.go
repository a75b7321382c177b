package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"drawbridge/server/auth"
)

func TestMadeKeyIsKnownByItsForm(t *testing.T) {
	keys, err := auth.NewKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	secret, other := auth.NewSecret(), auth.NewSecret()
	if secret == other || !strings.HasPrefix(secret, "dbk_") || len(secret) != 37 || len(auth.Shown(secret)) != 10 || strings.Contains(auth.HashOf(secret), secret) {
		t.Fatalf("made %q, shown as %q", secret, auth.Shown(secret))
	}
	keys.SetMade([]auth.MadeKey{{Name: "desk", Hash: auth.HashOf(secret), Grants: auth.Grants{Tools: []string{"crm_*"}}}})
	for name, c := range map[string]struct {
		key  string
		want error
	}{
		"whole":        {secret, nil},
		"another":      {other, auth.ErrUnknownKey},
		"cut":          {secret[:36], auth.ErrDamagedKey},
		"longer":       {secret + "A", auth.ErrDamagedKey},
		"mistyped":     {"dbk_" + strings.Repeat("A", 33), auth.ErrDamagedKey},
		"the mark":     {"dbk_", auth.ErrDamagedKey},
		"of elsewhere": {"0123456789abcdef0123", auth.ErrUnknownKey},
	} {
		p, err := keys.Authenticate(request("X-API-Key", c.key))
		if !errors.Is(err, c.want) || err == nil && (p.String() != "key:desk" || p.Tools[0] != "crm_*") {
			t.Errorf("%s: %v, %v, want %v", name, p, err, c.want)
		}
	}
}

func TestMadeKeyCountsUntilItsEnd(t *testing.T) {
	keys, err := auth.NewKeys([]auth.APIKey{{Name: "front", Key: deskKey, Tools: []string{"*"}}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	secrets := map[string]string{}
	made := []auth.MadeKey{}
	for name, k := range map[string]auth.MadeKey{"lasting": {}, "ending": {Expires: now.Add(time.Hour)}, "expired": {Expires: now.Add(-time.Second)}, "revoked": {Revoked: now}, "front": {}} {
		secrets[name] = auth.NewSecret()
		k.Name, k.Hash, k.Tools = name, auth.HashOf(secrets[name]), []string{"*"}
		made = append(made, k)
	}
	if ignored := keys.SetMade(made); len(ignored) != 1 || ignored[0] != "front" {
		t.Errorf("ignored %v, want the one that the settings have", ignored)
	}
	for name, want := range map[string]error{"lasting": nil, "ending": nil, "expired": auth.ErrExpiredKey, "revoked": auth.ErrRevokedKey, "front": auth.ErrUnknownKey} {
		if _, err := keys.Authenticate(request("Authorization", "Bearer "+secrets[name])); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if _, err := keys.Bounds(name); (err == nil) != (want == nil || name == "front") {
			t.Errorf("bounds of %s: %v", name, err)
		}
	}
	if used := keys.TakeUsed(); len(used) != 2 || used[auth.HashOf(secrets["lasting"])].IsZero() {
		t.Errorf("used %v, want the two that were let in", used)
	}
	if _, err := keys.Authenticate(request("X-API-Key", secrets["lasting"])); err != nil || len(keys.TakeUsed()) != 0 {
		t.Errorf("used again at once: %v, want nothing to note", err)
	}
	// That the last is gone lets nobody in without.
	keys.SetMade(nil)
	if _, err := keys.Authenticate(request()); !errors.Is(err, auth.ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
}

func TestNobodyIsLocalOnceThereWasAKey(t *testing.T) {
	keys, err := auth.NewKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := keys.Authenticate(request()); err != nil || p.Kind != auth.Local {
		t.Fatalf("before: %v, %v", p, err)
	}
	keys.SetMade([]auth.MadeKey{{Name: "desk", Hash: auth.HashOf("x"), Revoked: time.Now()}})
	if _, err := keys.Authenticate(request()); !errors.Is(err, auth.ErrNoKey) {
		t.Errorf("after: %v, want %v", err, auth.ErrNoKey)
	}
}
