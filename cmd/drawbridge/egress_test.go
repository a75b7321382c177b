package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/bridge/openai"
	"drawbridge/config"
	"drawbridge/server/egress"
)

func TestSSRF05_CallbackThatWouldAlwaysBeRefusedIsAProblemWithItsPlace(t *testing.T) {
	for url, want := range map[string]string{
		"https://10.0.0.5/done":               "drawbridge.yaml:12:12: webhooks.stripe.callback.url: refusing to connect to 10.0.0.5: 10.0.0.0/8 is private",
		"https://hooks.example.com:8443/done": "port 8443 is neither 80 nor 443; listing it in egress.ports would allow it",
		"https://169.254.169.254/done":        "metadata",
		"https://0x7f000001/done":             "is a number",
	} {
		cfg := callbackTo(t, url)
		_, err := newApp(t.Context(), cfg, appOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

func TestSSRF01_CheckWarnsOfANameThatLeadsInside(t *testing.T) {
	for url, want := range map[string]string{
		"https://inside.example.com/done?token=hunter2": "webhooks.stripe.callback.url: refusing to connect to inside.example.com at 10.0.0.5",
		"https://outside.example.com/done":              "",
		"https://unknown.example.com/done":              "",
	} {
		cfg := callbackTo(t, url)
		got := strings.Join(egressWarnings(t.Context(), cfg, egress.New(egress.Settings{}, egress.Options{Resolver: names{}})), "")
		if !strings.Contains(got, want) || (got == "") != (want == "") || strings.Contains(got, "hunter2") {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

// names knows two hosts.
type names struct{}

func (names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	switch host {
	case "inside.example.com":
		return []netip.Addr{netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr("10.0.0.5")}, nil
	case "outside.example.com":
		return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// callbackTo reads settings with a callback to an address.
func callbackTo(t *testing.T, url string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	text := strings.Replace(`
store: {url: "sqlite://./state.db"}
agents:
  billing: {instructions: "Help."}
webhooks:
  stripe:
    scheme: stripe
    secrets: ["0123456789abcdef"]
    agent: billing
    prompt: "An event."
    callback:
      url: URL
      secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
`, "URL", url, 1)
	if err := os.WriteFile(filepath.Join(dir, "drawbridge.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load("drawbridge.yaml", func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestSSRF06_ModelThatRedirectsInsideIsNotFollowed(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(inside.Close)
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(moved.Close)
	settings := []openai.ModelSettings{{Name: "m", BaseURL: moved.URL + "/v1"}}
	models := openai.NewModels(settings, openai.ModelsOptions{Attempts: 1, HTTPClient: modelClient(egressOf(config.Egress{}), settings)})
	_, err := models.Complete(t.Context(), openai.Request{})
	if err == nil || !strings.Contains(err.Error(), "set base_url to where it is") {
		t.Errorf("got %v", err)
	}
}

func TestSSRF05_MountedServerIsReachedWhereItsSettingsSayAndNowhereElseInside(t *testing.T) {
	mounted := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(mounted.Close)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somewhere else was called") }))
	t.Cleanup(other.Close)
	client := &http.Client{Transport: mountTransport(egress.New(egress.Settings{}, egress.Options{}), mounted.URL+"/mcp")}
	answer, err := client.Get(mounted.URL + "/other")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if _, err := client.Get(other.URL); err == nil || !strings.Contains(err.Error(), "egress.ports") {
		t.Errorf("got %v", err)
	}
}
