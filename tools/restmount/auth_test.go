package restmount_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/restmount"
)

func TestStaticCredentialsGoWhereTheyBelong(t *testing.T) {
	for name, test := range map[string]struct {
		auth restmount.Auth
		has  func(r request) bool
	}{
		"bearer": {restmount.Auth{Bearer: "a-secret-token"}, func(r request) bool { return r.header.Get("Authorization") == "Bearer a-secret-token" }},
		"basic":  {restmount.Auth{Basic: &restmount.Basic{User: "ada", Password: "a-secret-word"}}, func(r request) bool { return r.header.Get("Authorization") == "Basic YWRhOmEtc2VjcmV0LXdvcmQ=" }},
		"header": {restmount.Auth{APIKey: &restmount.APIKey{In: "header", Name: "X-Key", Value: "a-secret-key"}}, func(r request) bool { return r.header.Get("X-Key") == "a-secret-key" }},
		"query":  {restmount.Auth{APIKey: &restmount.APIKey{In: "query", Name: "limit", Value: "a-secret&key"}}, func(r request) bool { return r.line == "GET /v1/orders?status=open&limit=a-secret%26key" }},
		"cookie": {restmount.Auth{APIKey: &restmount.APIKey{In: "cookie", Name: "sid", Value: "a-secret-key"}}, func(r request) bool { return r.header.Get("Cookie") == "session=s; sid=a-secret-key" }},
	} {
		w := newWorld(t)
		m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) { s.Auth = test.auth })
		if _, err := m.call("orders_list", `{"status":["open"],"session":"s"}`); err != nil || !test.has(w.last()) {
			t.Errorf("%s: sent %+v, %v", name, w.last(), err)
		}
		if name == "query" && strings.Contains(string(m.definition("orders_list").InputSchema), `"limit"`) {
			t.Errorf("the key's parameter is an argument")
		}
	}
}

// TestNoSecretIsToldWhateverTheAPISays: it sends back all that it was sent.
func TestNoSecretIsToldWhateverTheAPISays(t *testing.T) {
	w := newWorld(t)
	w.answers(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", "application/json")
		out.WriteHeader(http.StatusBadRequest)
		text, _ := json.Marshal(fmt.Sprintf("%v %s", r.Header, r.RequestURI))
		_, _ = fmt.Fprintf(out, `{"message":%s}`, text)
	})
	for _, auth := range []restmount.Auth{
		{Bearer: "the-secret-1234"}, {Basic: &restmount.Basic{User: "ada", Password: "the-secret-1234"}},
		{APIKey: &restmount.APIKey{In: "query", Name: "key", Value: "the-secret-1234 &"}}, {APIKey: &restmount.APIKey{In: "cookie", Name: "key", Value: "the-secret-1234"}},
	} {
		m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) {
			s.Auth, s.Headers, s.Fixed = auth, map[string]string{"X-Other": "Token the-secret-1234"}, map[string]string{"limit": "the-secret-1234"}
		})
		_, err := m.call("orders_list", `{}`)
		if err == nil || strings.Contains(err.Error(), "the-secret-1234") || strings.Contains(err.Error(), "dGhlLXNlY3JldC0xMjM0") || strings.Contains(err.Error(), "YWRhOnRoZS1zZWNyZXQtMTIzN") || !strings.Contains(err.Error(), "[redacted]") {
			t.Errorf("%+v: %v", auth, err)
		}
	}
	w.answers(func(out http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(out, "you sent "+r.Header.Get("Authorization"))
	})
	echo := w.mount("testdata/shop.yaml", func(s *restmount.Settings) { s.Auth.Bearer = "the-secret-1234" })
	if blocks, err := echo.call("getOrder", `{"id":"o1"}`); err != nil || blocks[0] != "you sent Bearer [redacted]" {
		t.Errorf("an answer: %q, %v", blocks, err)
	}
	w.server.Close() // an error of the network has the address, and so the key
	m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) {
		s.Auth = restmount.Auth{APIKey: &restmount.APIKey{In: "query", Name: "key", Value: "the-secret-1234"}}
	})
	if _, err := m.call("orders_list", `{}`); err == nil || strings.Contains(err.Error(), "the-secret-1234") {
		t.Errorf("got %v", err)
	}
}

// issuer gives tokens token-1, token-2, ...
func issuer(t *testing.T, seconds int) (w *world, given *atomic.Int64) {
	w, given = newWorld(t), &atomic.Int64{}
	w.answers(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(out, `{"access_token":"token-number-%d","token_type":"bearer","expires_in":%d}`, given.Add(1), seconds)
	})
	return w, given
}

func (w *world) withTokens(from *world, now func() time.Time) mounted {
	w.t.Helper()
	api, err := restmount.New(restmount.Settings{Name: "shop", Spec: "testdata/shop.yaml", BaseURL: w.server.URL, Auth: restmount.Auth{OAuth: &restmount.ClientCredentials{
		TokenURL: from.server.URL + "/token", ClientID: "me", ClientSecret: "client-secret-1", Scopes: []string{"a", "b"}, Params: map[string]string{"audience": "shop"}}}},
		restmount.Options{Reach: direct, Now: now})
	if err != nil {
		w.t.Fatal(err)
	}
	list, _, err := api.List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	m := mounted{t: w.t, list: map[string]sourceTool{}}
	for _, one := range list {
		m.list[definitionOf(w.t, one).Name] = one
	}
	return m
}

func TestTokensAreKeptAndRenewedBeforeTheirEnd(t *testing.T) {
	w := newWorld(t)
	from, given := issuer(t, 100)
	now := time.Unix(1_800_000_000, 0)
	m := w.withTokens(from, func() time.Time { return now })
	for i, step := range []struct {
		after time.Duration
		want  string
	}{{0, "token-number-1"}, {60 * time.Second, "token-number-1"}, {15 * time.Second, "token-number-2"}, {0, "token-number-2"}} {
		now = now.Add(step.after)
		if _, err := m.call("getOrder", `{"id":"o1"}`); err != nil || w.last().header.Get("Authorization") != "Bearer "+step.want {
			t.Errorf("call %d was signed with %q, %v; want %s", i, w.last().header.Get("Authorization"), err, step.want)
		}
	}
	asked := from.requests()[0]
	for _, want := range []string{"grant_type=client_credentials", "scope=a+b", "audience=shop"} {
		if !strings.Contains(asked.body, want) {
			t.Errorf("the issuer was asked %q, which lacks %s", asked.body, want)
		}
	}
	if given.Load() != 2 {
		t.Errorf("%d tokens were given", given.Load())
	}
}

func TestRefusedTokenIsRenewedOnceAndTheCallMadeAgain(t *testing.T) {
	w := newWorld(t)
	from, given := issuer(t, 3600)
	bad := "Bearer token-number-1"
	w.answers(func(out http.ResponseWriter, r *http.Request) {
		if bad == "" || r.Header.Get("Authorization") == bad {
			out.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(out, "not you: "+r.Header.Get("Authorization"))
		}
	})
	m := w.withTokens(from, time.Now)
	if _, err := m.call("cancelOrder", `{"id":"o1"}`); err != nil || len(w.requests()) != 2 || given.Load() != 2 {
		t.Errorf("%v; %d requests, %d tokens", err, len(w.requests()), given.Load())
	}
	bad = "" // now it takes none
	_, err := m.call("cancelOrder", `{"id":"o1"}`)
	if tools.CodeOf(err) != tools.Denied || strings.Contains(err.Error(), "token-number-") || len(w.requests()) != 4 || given.Load() != 3 {
		t.Errorf("%v; %d requests, %d tokens", err, len(w.requests()), given.Load())
	}
}

func TestCallsAtOnceShareOneToken(t *testing.T) {
	w := newWorld(t)
	from, given := issuer(t, 3600)
	m := w.withTokens(from, time.Now)
	var calls sync.WaitGroup
	for range 10 {
		calls.Go(func() {
			if _, err := m.list["getOrder"].Call(t.Context(), []byte(`{"id":"o1"}`)); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if given.Load() != 1 {
		t.Errorf("%d tokens were given", given.Load())
	}
}

func TestWithoutATokenNoCallIsMade(t *testing.T) {
	w := newWorld(t)
	from, _ := issuer(t, 3600)
	for _, test := range []struct {
		status int
		want   tools.Code
	}{{401, tools.Denied}, {400, tools.Denied}, {503, tools.Unavailable}, {429, tools.Unavailable}} {
		from.answers(func(out http.ResponseWriter, r *http.Request) {
			user, word, _ := r.BasicAuth()
			out.Header().Set("Content-Type", "application/json")
			out.WriteHeader(test.status)
			_, _ = fmt.Fprintf(out, `{"error":"invalid_client","error_description":"%s %s client-secret-1"}`, user, word)
		})
		_, err := w.withTokens(from, time.Now).call("cancelOrder", `{"id":"o1"}`)
		if tools.CodeOf(err) != test.want || strings.Contains(err.Error(), "client-secret-1") || !strings.Contains(err.Error(), "invalid_client") {
			t.Errorf("%d: %v", test.status, err)
		}
	}
	from.server.Close()
	if _, err := w.withTokens(from, time.Now).call("cancelOrder", `{"id":"o1"}`); tools.CodeOf(err) != tools.Unavailable || strings.Contains(err.Error(), "client-secret-1") {
		t.Errorf("no issuer: %v", err)
	}
	if len(w.requests()) != 0 {
		t.Errorf("the API was asked %v", w.requests())
	}
}
