package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/auth"
)

const (
	deskKey = "desk-0123456789abcdef"
	shopKey = "shop-0123456789abcdef"
)

func twoKeys(t testing.TB) *auth.Keys {
	t.Helper()
	keys, err := auth.NewKeys([]auth.APIKey{
		{Name: "desk", Key: deskKey, Tools: []string{"crm_*"}},
		{Name: "shop", Key: shopKey, Tools: []string{"*"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestKeyResolvesToItsHolder(t *testing.T) {
	desk := auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"crm_*"}}
	for _, test := range []struct {
		name    string
		headers []string
		want    auth.Principal
		err     error
	}{
		{"bearer", []string{"Authorization", "Bearer " + deskKey}, desk, nil},
		{"any case of the scheme", []string{"Authorization", "bearer  " + deskKey + " "}, desk, nil},
		{"own header", []string{"X-API-Key", deskKey}, desk, nil},
		{"no key", nil, auth.Principal{}, auth.ErrNoKey},
		{"unknown key", []string{"X-API-Key", deskKey + "x"}, auth.Principal{}, auth.ErrUnknownKey},
		{"empty key", []string{"X-API-Key", ""}, auth.Principal{}, auth.ErrUnknownKey},
		{"other scheme", []string{"Authorization", "Basic " + deskKey}, auth.Principal{}, auth.ErrUnclearKey},
		{"scheme alone", []string{"Authorization", "Bearer"}, auth.Principal{}, auth.ErrUnclearKey},
		{"two keys", []string{"Authorization", "Bearer " + deskKey, "X-API-Key", shopKey}, auth.Principal{}, auth.ErrUnclearKey},
		{"one header twice", []string{"X-API-Key", deskKey, "X-API-Key", deskKey}, auth.Principal{}, auth.ErrUnclearKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := twoKeys(t).Authenticate(request(test.headers...))
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWithoutKeysEveryCallerIsLocal(t *testing.T) {
	keys, err := auth.NewKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	if keys.Configured() {
		t.Error("no keys count as configured")
	}
	p, err := keys.Authenticate(request("Authorization", "Bearer whatever"))
	if err != nil || p.Kind != auth.Local || !cmp.Equal(p.Tools, []string{"*"}) {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestMistakesInKeysAreReportedAtOnceWithoutTheSecret(t *testing.T) {
	_, err := auth.NewKeys([]auth.APIKey{
		{Name: "ok", Key: deskKey, Tools: []string{"*"}},
		{Name: "", Key: shopKey, Tools: []string{"*"}},
		{Name: "short", Key: "hunter2", Tools: []string{"*"}},
		{Name: "blank", Key: "0123456789 0123456789", Tools: []string{"*"}},
		{Name: "idle", Key: shopKey},
		{Name: "twin", Key: deskKey, Tools: []string{"*"}},
		{Name: "ok", Key: shopKey, Tools: []string{"*"}},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`key 2 (""): it needs a name`, `key 3 ("short"): the key has 7 characters`, `key 4 ("blank")`,
		`key 5 ("idle")`, `key 6 ("twin"): the same key as "ok"`, `key 7 ("ok"): the name is taken`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
	for _, secret := range []string{deskKey, shopKey, "hunter2"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows a key: %v", err)
		}
	}
}

func TestPrintedKeyDoesNotShowItsSecret(t *testing.T) {
	key := auth.APIKey{Name: "desk", Key: deskKey, Tools: []string{"*"}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", key)
	raw, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{fmt.Sprint(key), fmt.Sprintf("%+v", key), fmt.Sprintf("%#v", key), log.String(), string(raw)} {
		if strings.Contains(printed, deskKey) {
			t.Errorf("shows the key: %s", printed)
		}
	}
}

func TestMiddlewareTellsAStrangerWhatToDo(t *testing.T) {
	for _, test := range []struct {
		headers   []string
		challenge string
		says      string
	}{
		{nil, "Bearer", `"Authorization: Bearer <key>"`},
		{[]string{"X-API-Key", "wrong-0123456789abcdef"}, `Bearer error="invalid_token"`, "unknown API key"},
	} {
		reached := false
		handler := twoKeys(t).Middleware(nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request(test.headers...))
		if reached || w.Code != http.StatusUnauthorized {
			t.Errorf("reached %v, status %d", reached, w.Code)
		}
		if got := w.Header().Get("WWW-Authenticate"); got != test.challenge {
			t.Errorf("challenge %q, want %q", got, test.challenge)
		}
		var body struct{ Error struct{ Message string } }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || !strings.Contains(body.Error.Message, test.says) || strings.Contains(w.Body.String(), `\u003c`) {
			t.Errorf("body %s: %v", w.Body, err)
		}
	}
}

func TestMiddlewarePutsThePrincipalIntoTheContext(t *testing.T) {
	var got auth.Principal
	handler := twoKeys(t).Middleware(nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ = auth.From(r.Context())
	}))
	handler.ServeHTTP(httptest.NewRecorder(), request("X-API-Key", shopKey))
	if got.String() != "key:shop" {
		t.Errorf("got %q", got)
	}
}

func TestEmptyContextHasNoPrincipalAndNoDoor(t *testing.T) {
	ctx := t.Context()
	if p, ok := auth.From(ctx); ok {
		t.Errorf("got %v", p)
	}
	if door := auth.Door(ctx); door != "" {
		t.Errorf("got %q", door)
	}
	if door := auth.Door(auth.WithDoor(ctx, auth.DoorSSE)); door != "sse" {
		t.Errorf("got %q", door)
	}
}

func FuzzAuthenticateNeverAdmitsAStranger(f *testing.F) {
	f.Add("Bearer x", "")
	f.Add("", deskKey[:20])
	keys := twoKeys(f)
	f.Fuzz(func(t *testing.T, authorization, plain string) {
		if strings.Contains(authorization+plain, deskKey) || strings.Contains(authorization+plain, shopKey) {
			return // it may hold a right key
		}
		if p, err := keys.Authenticate(request("Authorization", authorization, "X-API-Key", plain)); err == nil {
			t.Errorf("admitted %v", p)
		}
		if p, err := keys.Authenticate(request("Authorization", authorization)); err == nil {
			t.Errorf("admitted %v", p)
		}
	})
}
