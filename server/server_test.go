package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/server"
)

// started gives the base URL of a server that stops with the test.
func started(t *testing.T, o server.Options) (*server.Server, string) {
	t.Helper()
	s := server.New(o)
	address, err := s.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, "http://" + address.String()
}

// open is a route that anybody may use.
func open(pattern string, handle http.HandlerFunc) server.Route {
	return server.Route{Pattern: pattern, Needs: server.Nothing, Why: "a test", Handler: handle}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestReadinessFollowsTheCheckAndTheDrain(t *testing.T) {
	var broken error
	s, base := started(t, server.Options{Ready: func(context.Context) error { return broken }})
	for _, step := range []struct {
		name   string
		do     func()
		status int
		says   string
	}{
		{"at first", func() {}, 200, "ready"},
		{"with a broken part", func() { broken = errors.New("secret detail") }, 503, "not ready"},
		{"when mended", func() { broken = nil }, 200, "ready"},
		{"while draining", s.Drain, 503, "draining"},
	} {
		step.do()
		status, body := get(t, base+"/readyz")
		var got struct{ Status string }
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("%s: %v in %q", step.name, err, body)
		}
		if status != step.status || got.Status != step.says || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %s, want %d %q", step.name, status, body, step.status, step.says)
		}
		if status, _ := get(t, base+"/healthz"); status != 200 {
			t.Errorf("%s: /healthz is %d; it says only that the process lives", step.name, status)
		}
	}
}

func TestING19_WebhookPathsAreNeverRedirected(t *testing.T) {
	_, base := started(t, server.Options{
		Routes: []server.Route{
			open("/webhooks/", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.URL.Path) }),
			open("/other/", http.NotFound),
		},
	})
	for _, path := range []string{"/webhooks/a", "/webhooks/a/", "//webhooks/a", "/./webhooks/a/", "/x/../webhooks//a"} {
		if status, body := get(t, base+path); status != 200 || body != path {
			t.Errorf("%s: %d %q, want it untouched", path, status, body)
		}
	}
	if status, _ := get(t, base+"/other/webhooks/a"); status != 404 {
		t.Errorf("a path of another route got %d", status)
	}
}

func TestShutdownLetsARequestFinish(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s, base := started(t, server.Options{Routes: []server.Route{open("/slow", func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = fmt.Fprint(w, "finished")
	})}})
	answer := make(chan string, 1)
	go func() {
		_, body := get(t, base+"/slow")
		answer <- body
	}()
	<-entered
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(t.Context()) }()
	close(leave)
	if got := <-answer; got != "finished" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

// TestING30_DeliveryThatTheDrainOvertakesIsTheLastOfItsConnection: what came over it next
// could meet its end.
func TestING30_DeliveryThatTheDrainOvertakesIsTheLastOfItsConnection(t *testing.T) {
	var s *server.Server
	drains := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Drain") != "" {
			s.Drain()
		}
		w.WriteHeader(http.StatusOK)
	}
	var base string
	s, base = started(t, server.Options{Routes: []server.Route{open("/webhooks/", drains)}})
	for _, drain := range []string{"", "now"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/webhooks/a", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Drain", drain)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if want := drain != ""; res.Close != want {
			t.Errorf("with a drain meanwhile %q the connection is closed: %v, want %v", drain, res.Close, want)
		}
	}
}

func TestING06_HeadersAreBounded(t *testing.T) {
	_, base := started(t, server.Options{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// 64 KiB and the slack that net/http adds: far above what any sender uses.
	if _, err := fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Big: %s\r\n\r\n", strings.Repeat("a", 80<<10)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("80 KiB of headers got %d, want 431", res.StatusCode)
	}
}

func TestAddressInUseSaysWhatToDo(t *testing.T) {
	_, base := started(t, server.Options{})
	_, err := server.New(server.Options{}).Listen(t.Context(), strings.TrimPrefix(base, "http://"))
	if err == nil || !strings.Contains(err.Error(), "server.listen") {
		t.Errorf("got %v, want an error that names the setting", err)
	}
}
