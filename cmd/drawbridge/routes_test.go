package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"drawbridge/config"
	"drawbridge/server"
)

// doors is a whole server with one key, one webhook, and buttons in Slack.
func doors(t *testing.T) (a *app, base string) {
	t.Helper()
	cfg := temporary(t, config.Default())
	cfg.Server.Keys = []config.Key{{Name: "desk", Key: "desk-key-0123456789", Tools: []string{"crm_*"}, Agents: []string{"*"}}}
	cfg.Webhooks = map[string]config.Webhook{"shop": hookOf(config.Webhook{Scheme: "github", Secrets: []config.WebhookSecret{{Secret: shopSecret}}, Agent: config.AssistantName, Prompt: "Look."})}
	cfg.Tools.Notify = config.NotifyBackend{Backend: "slack", Token: "xoxb-nobody"}
	cfg.Approvals.Notify.Slack = &config.ApprovalSlack{Channel: "C0123ABCD", SigningSecret: "0123456789abcdef", Deciders: []string{"slack:U0123ABCD"}}
	return served(t, cfg)
}

func hookOf(w config.Webhook) config.Webhook {
	d := config.DefaultWebhook()
	d.Scheme, d.Secrets, d.Agent, d.Prompt, d.Tools, d.Effects = w.Scheme, w.Secrets, w.Agent, w.Prompt, w.Tools, w.Effects
	return d
}

// served starts the whole program in process, on a port of its own.
func served(t *testing.T, cfg *config.Config) (a *app, base string) {
	t.Helper()
	// A model of the settings speaks where a test set one.
	a, err := newApp(t.Context(), cfg, appOptions{Rehearse: cfg.Model.BaseURL == config.Default().Model.BaseURL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.WithoutCancel(t.Context())) })
	address, _, err := a.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return a, ownScheme(cfg) + "://" + address.String()
}

// replied is what comes of a request.
type replied struct {
	*http.Response
	body string
}

func request(t *testing.T, client *http.Client, method, url, body string, headers ...string) replied {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return replied{res, string(text)}
}

// TestEveryRouteWantsItsCredential walks whatever the server has: a door that somebody
// adds is in the walk.
func TestEveryRouteWantsItsCredential(t *testing.T) {
	a, base := doors(t)
	seen := map[server.Needs]int{}
	for _, route := range a.http.Routes() {
		seen[route.Needs]++
		for _, path := range a.pathsBelow(route.Pattern) {
			for _, method := range methodsOf(route.Pattern) {
				for name, headers := range map[string][]string{"nothing": nil, "an unknown key": {"Authorization", "Bearer nobody-0123456789abc"}, "an empty one": {"X-Api-Key", ""},
					"a forged address": {"X-Forwarded-For", "127.0.0.1", "Forwarded", "for=127.0.0.1"}} {
					got := request(t, http.DefaultClient, method, base+path, "{}", headers...)
					open := route.Needs == server.Nothing
					if open == (got.StatusCode == http.StatusUnauthorized) {
						t.Errorf("%s %s needs %s, and with %s answers %d %s", method, path, route.Needs, name, got.StatusCode, got.body)
					}
					if open && route.Why == "" {
						t.Errorf("%s is open to anybody, and nobody says why", route.Pattern)
					}
				}
			}
		}
	}
	if seen[server.Principal] < 4 || seen[server.Own] < 3 || seen[server.Nothing] == 0 {
		t.Errorf("walked %v", seen)
	}
}

// pathsBelow are paths that the route of a pattern answers.
func (a *app) pathsBelow(pattern string) []string {
	_, path, spaced := strings.Cut(pattern, " ")
	if !spaced {
		path = pattern
	}
	switch path {
	case "/webhooks/":
		return []string{"/webhooks/shop", "//webhooks/./shop"}
	case "/v1/":
		paths := []string{"/v1/nonesuch"}
		for _, route := range a.below {
			paths = append(paths, strings.NewReplacer("{id}", "run_1", "{model}", "assistant").Replace(route.Pattern))
		}
		return paths
	}
	return []string{path}
}

func methodsOf(pattern string) []string {
	if method, _, ok := strings.Cut(pattern, " "); ok {
		return []string{method}
	}
	if pattern == "/webhooks/" {
		return []string{http.MethodPost}
	}
	return []string{http.MethodGet, http.MethodPost, http.MethodDelete}
}

// TestAnswersAreProtected: whatever the answer, and whoever gives it.
func TestAnswersAreProtected(t *testing.T) {
	_, base := doors(t)
	key := []string{"Authorization", "Bearer desk-key-0123456789"}
	for path, headers := range map[string][]string{"/healthz": nil, "/v1/models": key, "/v1/runs": key, "/mcp": nil, "/webhooks/shop": nil, "/nonesuch": nil} {
		got := request(t, http.DefaultClient, http.MethodGet, base+path, "", headers...)
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Strict-Transport-Security": ""} {
			if has := got.Header.Get(name); has != want {
				t.Errorf("%s (%d): %s is %q, want %q", path, got.StatusCode, name, has, want)
			}
		}
	}
	// What a sender of deliveries is told is for no browser but by mistake.
	got := request(t, http.DefaultClient, http.MethodPost, base+"/webhooks/shop", "{}")
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": ""} {
		if has := got.Header.Get(name); has != want {
			t.Errorf("a delivery (%d): %s is %q, want %q", got.StatusCode, name, has, want)
		}
	}
}

// TestBrowsersAreToldToComeBackOverTLSOnly, by whatever answer comes over it; without TLS
// that is for the proxy to say which speaks it.
func TestBrowsersAreToldToComeBackOverTLSOnly(t *testing.T) {
	s := newSecured(t, nil)
	client := s.as(t, nil)
	for path, want := range map[string]int{"/healthz": 200, "/v1/models": 401, "/mcp": 401, "/webhooks/shop": 405, "/nonesuch": 404, wellKnown: 200} {
		got := request(t, client, http.MethodGet, s.base+path, "")
		if has := got.Header.Get("Strict-Transport-Security"); has != "max-age=31536000" || got.StatusCode != want {
			t.Errorf("%s (%d): Strict-Transport-Security is %q", path, got.StatusCode, has)
		}
	}
	_, plain := doors(t)
	if got := request(t, http.DefaultClient, http.MethodGet, plain+"/healthz", ""); got.StatusCode != http.StatusOK || got.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("without TLS: %d %v", got.StatusCode, got.Header)
	}
}
