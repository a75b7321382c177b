package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/store/postgres/postgrestest"
)

// commanded runs a command on the settings in a file.
func commanded(t *testing.T, file string, args ...string) (code int, out string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = execute(t.Context(), &console{in: strings.NewReader(""), out: &stdout, err: &stderr, lookup: noEnvironment}, append(args, "-c", file))
	if code != exitDone {
		return code, stdout.String() + stderr.String()
	}
	return code, stdout.String()
}

// wholeFile is a file of settings, to which nothing is added.
func wholeFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "drawbridge.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// newKey has a command make a key, and gives it.
func newKey(t *testing.T, file string, args ...string) keyView {
	t.Helper()
	code, out := commanded(t, file, append(args, "--json")...)
	var v keyView
	if err := json.Unmarshal([]byte(out), &v); code != exitDone || err != nil {
		t.Fatalf("%v: exit code %d, %v\n%s", args, code, err, out)
	}
	return v
}

// TestKeysAreTakenAndRefusedByARunningServer: on both engines, what another process does to
// the keys counts without a restart.
func TestKeysAreTakenAndRefusedByARunningServer(t *testing.T) {
	for _, engine := range []struct {
		name string
		url  func(t *testing.T) string
	}{
		{"sqlite", func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "d.db") }},
		{"postgres", func(t *testing.T) string { return postgrestest.Database(t) }},
	} {
		t.Run(engine.name, func(t *testing.T) {
			file := wholeFile(t, fmt.Sprintf("store: {url: %q}\nserver: {listen: 127.0.0.1:0}\nlog: {format: json}\n", engine.url(t)))
			// Before the first start, as whoever listens for other machines has to.
			first := newKey(t, file, "keys", "create", "desk", "--tools", "crm_*")
			cfg, err := config.Load(file, noEnvironment)
			if err != nil {
				t.Fatal(err)
			}
			a, base := served(t, cfg)
			wantStatus(t, base, first.Key, http.StatusOK)
			wantStatus(t, base, "", http.StatusUnauthorized)

			second := newKey(t, file, "keys", "rotate", "desk", "--overlap", "1h")
			turns(t, base, second.Key, http.StatusOK)
			wantStatus(t, base, first.Key, http.StatusOK)

			if code, out := commanded(t, file, "keys", "revoke", "desk"); code != exitDone || !strings.Contains(out, "revoked 2") {
				t.Fatalf("exit code %d\n%s", code, out)
			}
			turns(t, base, second.Key, http.StatusUnauthorized)
			got := wantStatus(t, base, first.Key, http.StatusUnauthorized)
			if !strings.Contains(got.body, "revoked") {
				t.Errorf("the answer does not say why: %s", got.body)
			}
			// Nobody comes in because there are no keys left.
			wantStatus(t, base, "", http.StatusUnauthorized)
			if err := a.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			var listed []keyView
			_, out := commanded(t, file, "keys", "list", "--json")
			if err := json.Unmarshal([]byte(out), &listed); err != nil || len(listed) != 2 {
				t.Fatalf("%v in %s", err, out)
			}
			for _, v := range listed {
				if v.LastUsed == nil || v.State != auth.KeyRevoked || v.Key != "" || strings.Contains(out, first.Key) || len(v.Tools) != 1 || v.Tools[0] != "crm_*" {
					t.Errorf("listed as %+v", v)
				}
			}
		})
	}
}

func wantStatus(t *testing.T, base, key string, want int) replied {
	t.Helper()
	var headers []string
	if key != "" {
		headers = []string{"Authorization", "Bearer " + key}
	}
	got := request(t, http.DefaultClient, http.MethodGet, base+"/v1/models", "", headers...)
	if got.StatusCode != want {
		t.Errorf("with %.10s: %d %s, want %d", key, got.StatusCode, got.body, want)
	}
	return got
}

// turns asks until the answer is as wanted: the server looks every second.
func turns(t *testing.T, base, key string, want int) {
	t.Helper()
	for t.Context().Err() == nil {
		got := request(t, http.DefaultClient, http.MethodGet, base+"/v1/models", "", "Authorization", "Bearer "+key)
		if got.StatusCode == want {
			return
		}
	}
}

func TestKeysCommandRefusesWhatCannotWork(t *testing.T) {
	file := wholeFile(t, fmt.Sprintf("store: {url: %q}\nserver: {keys: [{name: front, key: front-key-0123456789, tools: [\"*\"]}]}\n", "sqlite://"+filepath.Join(t.TempDir(), "d.db")))
	newKey(t, file, "keys", "create", "desk")
	for name, args := range map[string][]string{
		"the name is taken":          {"keys", "create", "desk"},
		"name of a key in the setti": {"keys", "create", "front"},
		"no name":                    {"keys", "create", "De sk"},
		"no effect":                  {"keys", "create", "a", "--effects", "mail"},
		"or pattern":                 {"keys", "create", "a", "--tools", "crm *"},
		"has passed":                 {"keys", "create", "a", "--expires", "2001-01-01"},
		"--overlap":                  {"keys", "rotate", "desk", "--overlap", "soon"},
		"no such key":                {"keys", "revoke", "nobody"},
		"there is no such":           {"keys", "rotate", "nobody"},
	} {
		if code, out := commanded(t, file, args...); code == exitDone || !strings.Contains(out, name) {
			t.Errorf("%v: exit code %d, want %q in\n%s", args, code, name, out)
		}
	}
}

// TestServerThatOthersReachNeedsAKey: one of the settings, or one of the store.
func TestServerThatOthersReachNeedsAKey(t *testing.T) {
	file := wholeFile(t, fmt.Sprintf("store: {url: %q}\nserver: {listen: 0.0.0.0:0}\n", "sqlite://"+filepath.Join(t.TempDir(), "d.db")))
	if code, out := commanded(t, file, "serve"); code != exitWrong || !strings.Contains(out, "keys create") {
		t.Fatalf("without a key: exit code %d\n%s", code, out)
	}
	newKey(t, file, "keys", "create", "desk")
	cfg, err := config.Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), cfg, appOptions{Rehearse: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(context.WithoutCancel(t.Context())) }()
	if err := a.mayBeReached(); err != nil {
		t.Errorf("with a key: %v", err)
	}
}
