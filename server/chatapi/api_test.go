package chatapi_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/chatapi"
)

// get asks for a path as the world's key.
func (w *world) get(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	return r.WithContext(auth.With(r.Context(), w.key))
}

func TestModelsAreTheAgentsThatTheCallerMayTalkTo(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	rec := w.do(w.get(http.MethodGet, "/v1/models"))
	want := `{"data":[{"id":"clerk-json","object":"model","created":0,"owned_by":"drawbridge"},{"id":"desk","object":"model","created":1700000000,"owned_by":"drawbridge"}],"object":"list"}` + "\n"
	if rec.Body(true) != want {
		t.Errorf("got %s", rec.Body(true))
	}
	if rec := w.do(w.get(http.MethodGet, "/v1/models/desk")); rec.Body(true) != `{"id":"desk","object":"model","created":1700000000,"owned_by":"drawbridge"}`+"\n" {
		t.Errorf("got %s", rec.Body(true))
	}
	refused(t, w.do(w.get(http.MethodGet, "/v1/models/billing")), http.StatusNotFound, "model", "model_not_found")
	w.key.Agents = nil
	if rec := w.do(w.get(http.MethodGet, "/v1/models")); rec.Body(true) != `{"data":[],"object":"list"}`+"\n" {
		t.Errorf("a key without agents gets %s", rec.Body(true))
	}
}

func TestUnknownPathsAndMethodsAreRefusedInOpenAIsShape(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	for _, path := range []string{"/v1/embeddings", "/v1/chat", "/v1/models//", "/v1/"} {
		refused(t, w.do(w.get(http.MethodGet, path)), http.StatusNotFound, "", "unknown_url")
	}
	rec := w.do(w.get(http.MethodGet, "/v1/chat/completions"))
	refused(t, rec, http.StatusMethodNotAllowed, "", "method_not_allowed")
	if rec.Header().Get("Allow") != "POST" || rec.Header().Get("X-Request-Id") == "" {
		t.Errorf("%v", rec.Header())
	}
	refused(t, w.do(w.get(http.MethodDelete, "/v1/models/desk")), http.StatusMethodNotAllowed, "", "method_not_allowed")
	refused(t, w.do(w.get(http.MethodOptions, "/v1/models")), http.StatusMethodNotAllowed, "", "method_not_allowed")
}

func TestPathsMayEndInASlashAndModelsBeAskedForTheirHeadsOnly(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	for _, path := range []string{"/v1/models/", "/v1/models/desk/"} {
		if rec := w.do(w.get(http.MethodGet, path)); rec.Status() != http.StatusOK {
			t.Errorf("%s: %d %s", path, rec.Status(), rec.Body(true))
		}
	}
	if rec := w.do(w.get(http.MethodHead, "/v1/models")); rec.Status() != http.StatusOK {
		t.Errorf("HEAD: %d", rec.Status())
	}
	refused(t, w.do(w.get(http.MethodHead, "/v1/chat/completions/")), http.StatusMethodNotAllowed, "", "method_not_allowed")
}

func TestNobodyIsRefused(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	refused(t, w.do(httptest.NewRequest(http.MethodGet, "/v1/models", nil)), http.StatusUnauthorized, "", "invalid_api_key")
}

func TestBodyHasToBeJSONOfABoundedSize(t *testing.T) {
	w := newWorld(t, chatapi.Options{BodyLimit: 100})
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		refused(t, w.post(with(`"seed":1`), "Content-Type", media), http.StatusUnsupportedMediaType, "", "unsupported_media_type")
	}
	refused(t, w.post(with(`"seed":1`), "Content-Encoding", "gzip"), http.StatusUnsupportedMediaType, "", "unsupported_media_type")
	body := with(`"seed":1`)
	w.talk(body+strings.Repeat(" ", 100-len(body)), "Content-Type", "application/json; charset=utf-8")
	refused(t, w.post(body+strings.Repeat(" ", 101-len(body))), http.StatusRequestEntityTooLarge, "", "request_too_large")
}

func TestWebPageMayNotTalkToAnAgentWithoutAKey(t *testing.T) {
	w := newWorld(t, chatapi.Options{Hosts: []string{"agents.example.com"}})
	w.key = auth.Principal{Kind: auth.Local, Name: "http", Agents: []string{"*"}}
	from := func(host string, headers ...string) *http.Request {
		r := w.request(with(`"seed":1`), headers...)
		r.Host = host
		return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	}
	for name, r := range map[string]*http.Request{
		"another site":        from("127.0.0.1:8080", "Sec-Fetch-Site", "cross-site"),
		"another origin":      from("127.0.0.1:8080", "Origin", "https://evil.example.com"),
		"a name that rebinds": from("evil.example.com:8080"),
	} {
		if e := refused(t, w.do(r), http.StatusForbidden, "", "forbidden"); e.Type != "permission_error" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for name, r := range map[string]*http.Request{"a program": from("localhost:8080"), "a proxy": from("agents.example.com"), "its own page": from("127.0.0.1:8080", "Origin", "http://127.0.0.1:8080")} {
		w.runs.Play(play(succeeded("ok")))
		if rec := w.do(r); rec.Status() != http.StatusOK {
			t.Errorf("%s: %s", name, rec.Body(true))
		}
	}
}

func TestLimitsOfAKeyAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chatapi.Options{Limits: auth.NewLimits(auth.Limit{}, nil)})
		w.key.Limit = auth.Limit{PerMinute: 12, Concurrent: 2} // two at once, then one in 5 s
		for range 2 {
			w.talk(with(`"seed":1`))
		}
		rec := w.post(with(`"seed":1`))
		if e := refused(t, rec, http.StatusTooManyRequests, "", "rate_limit_exceeded"); e.Type != "requests" {
			t.Errorf("%+v", e)
		}
		for name, want := range map[string]string{"Retry-After": "5", "X-Ratelimit-Limit-Requests": "12", "X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "10s"} {
			if got := rec.Header().Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		time.Sleep(10 * time.Second) // of the bubble's clock
		for range 2 {
			w.runs.Play(play(succeeded("ok"), after(time.Hour, words(1, "ok"))))
		}
		ctx, leave := cancelled(t)
		for range 2 {
			go w.do(w.request(with(`"seed":1`)).WithContext(auth.With(ctx, w.key)))
		}
		synctest.Wait()
		time.Sleep(10 * time.Second)
		e := refused(t, w.post(with(`"seed":1`)), http.StatusTooManyRequests, "", "rate_limit_exceeded")
		if !strings.Contains(e.Message, "2 requests under way") {
			t.Errorf("says %q", e.Message)
		}
		leave()
		synctest.Wait()
		w.talk(with(`"seed":1`))
	})
}
