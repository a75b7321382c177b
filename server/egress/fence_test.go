package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

var errFence = errors.New("somebody else has it")

type fenceMark struct{}

// gate stands before requests whose context has a mark of it. It closes by itself when a
// name is looked up or a connection accepted, if that is wanted.
type gate struct {
	shut        atomic.Bool
	shutOnDial  atomic.Bool
	asked       atomic.Int64
	connections atomic.Int64
}

func (g *gate) fence(ctx context.Context) func(context.Context) error {
	if ctx.Value(fenceMark{}) == nil {
		return nil
	}
	return func(context.Context) error {
		g.asked.Add(1)
		if g.shut.Load() {
			return errFence
		}
		return nil
	}
}

// LookupNetIP is that of a Resolver.
func (g *gate) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if g.shutOnDial.Load() {
		g.shut.Store(true)
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// fenced is a server behind a gate, and what came to it.
type fenced struct {
	gate
	t      *testing.T
	client *http.Client
	base   string
	came   atomic.Int64 // requests whose headers arrived
}

func newFenced(t *testing.T, way string) *fenced {
	f := &fenced{t: t}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.came.Add(1)
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %d", r.Proto, r.Method, len(body))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			f.connections.Add(1)
		}
	}
	base, scheme := &http.Transport{}, "https"
	switch way {
	case "HTTP/1.1":
		s.Start()
		scheme = "http"
	case "HTTP/2.0":
		s.EnableHTTP2 = true
		base.ForceAttemptHTTP2 = true
		fallthrough
	default:
		s.StartTLS()
		base.TLSClientConfig = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com", MinVersion: tls.VersionTLS12}
	}
	t.Cleanup(s.Close)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	f.base = scheme + "://far.example:" + port
	rules := New(Settings{}, Options{Resolver: f, Own: nowhere, Fence: f.fence})
	guarded := rules.Guard(base, Reach{Named: []string{f.base}})
	t.Cleanup(guarded.(interface{ CloseIdleConnections() }).CloseIdleConnections)
	f.client = &http.Client{Transport: guarded}
	return f
}

// send makes a request, behind the gate or not, and gives what the server made of it.
func (f *fenced) send(method, body string, marked bool) (string, error) {
	ctx := f.t.Context()
	if marked {
		ctx = context.WithValue(ctx, fenceMark{}, true)
	}
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, f.base, in)
	if err != nil {
		f.t.Fatal(err)
	}
	response, err := f.client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	return string(said), err
}

func (f *fenced) mustSend(method, body string, marked bool) string {
	f.t.Helper()
	said, err := f.send(method, body, marked)
	if err != nil {
		f.t.Fatalf("%s behind an open fence: %v", method, err)
	}
	return said
}

// TestRUN03_NothingOfARequestGoesOutBehindAFence: not over a new connection, nor over one
// that is kept; with a body, a long one or none.
func TestRUN03_NothingOfARequestGoesOutBehindAFence(t *testing.T) {
	for _, way := range []string{"HTTP/1.1", "HTTP/1.1 by TLS", "HTTP/2.0"} {
		for _, body := range []string{"", "short", strings.Repeat("long ", 1<<18)} {
			t.Run(fmt.Sprintf("%s, %d bytes", way, len(body)), func(t *testing.T) {
				f := newFenced(t, way)
				refused := func(what string) {
					t.Helper()
					came := f.came.Load()
					if said, err := f.send("POST", body, true); !errors.Is(err, errFence) {
						t.Errorf("%s: %q, %v, want the fence's error", what, said, err)
					}
					f.shut.Store(false)
					f.shutOnDial.Store(false)
					// What is sent behind it arrives behind it: so that nothing of the refused
					// one is on its way any more.
					f.mustSend("GET", "", false)
					if f.came.Load() != came+1 {
						t.Errorf("%s: the refused request came to the server", what)
					}
				}
				f.shutOnDial.Store(true)
				refused("while it was dialed")
				proto, _, _ := strings.Cut(way, " ")
				if said, want := f.mustSend("POST", body, true), fmt.Sprintf("%s POST %d", proto, len(body)); said != want {
					t.Errorf("an open fence let %q through, want %q", said, want)
				}
				if f.asked.Load() != 2 {
					t.Errorf("the fence was asked %d times for two requests", f.asked.Load())
				}
				f.shut.Store(true)
				refused("over a connection that was kept")
				f.mustSend("DELETE", "", true)
				f.shut.Store(true)
				if _, err := f.send("DELETE", "", true); !errors.Is(err, errFence) {
					t.Errorf("a DELETE without a body: %v, want the fence's error", err)
				}
			})
		}
	}
}

// A fence that is open costs no connection, and what has none is not asked about.
func TestOpenFenceKeepsTheConnection(t *testing.T) {
	for _, way := range []string{"HTTP/1.1", "HTTP/1.1 by TLS", "HTTP/2.0"} {
		t.Run(way, func(t *testing.T) {
			f := newFenced(t, way)
			for range 5 {
				f.mustSend("POST", "short", true)
				f.mustSend("POST", "short", false)
			}
			if f.connections.Load() != 1 || f.asked.Load() != 5 {
				t.Errorf("%d connections were made and the fence asked %d times, want 1 and 5", f.connections.Load(), f.asked.Load())
			}
		})
	}
}

// A request of HTTP/2 that is refused does no harm to another over the same connection.
func TestRefusedRequestLeavesTheOthersOfItsConnection(t *testing.T) {
	f := newFenced(t, "HTTP/2.0")
	reading, writing := io.Pipe()
	slow := make(chan string, 1)
	f.mustSend("GET", "", false)
	request, err := http.NewRequestWithContext(t.Context(), "POST", f.base, reading)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		response, err := f.client.Do(request)
		if err != nil {
			slow <- err.Error()
			return
		}
		defer func() { _ = response.Body.Close() }()
		said, _ := io.ReadAll(response.Body)
		slow <- string(said)
	}()
	_, _ = io.WriteString(writing, "begun")
	f.shut.Store(true)
	if _, err := f.send("POST", "short", true); !errors.Is(err, errFence) {
		t.Errorf("got %v, want the fence's error", err)
	}
	_ = writing.Close()
	if said := <-slow; said != "HTTP/2.0 POST 5" {
		t.Errorf("the other request: %s", said)
	}
	if f.connections.Load() != 1 {
		t.Errorf("%d connections, want 1", f.connections.Load())
	}
}
