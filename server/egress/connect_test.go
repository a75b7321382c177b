package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// serve starts a server on this host and gives its port.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func get(t *testing.T, transport http.RoundTripper, raw string) (*http.Response, error) {
	t.Helper()
	client := &http.Client{Transport: transport}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if answer != nil {
		t.Cleanup(func() { _ = answer.Body.Close() })
	}
	return answer, err
}

func TestSSRF01_NameThatTurnsInwardIsDeniedAtTheConnection(t *testing.T) {
	port := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the inside was called") })
	resolver := answers{"rebind.example.com": {{"93.184.216.34"}, {"127.0.0.1"}}}
	r := rulesOf(Settings{AllowHosts: []string{"unrelated.example:" + port}}, resolver)
	r.settings.Ports = []uint16{parsePort(t, port)}
	u, err := r.CheckURL("http://rebind.example.com:"+port+"/", Reach{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Probe(t.Context(), u, Reach{}); err != nil {
		t.Fatalf("the first look was to find a public address: %v", err)
	}
	_, err = get(t, r.Guard(&http.Transport{}, Reach{}), u.String())
	wantDenied(t, err, "rebind.example.com at 127.0.0.1", "127.0.0.0/8 is loopback")
}

func TestSSRF01_EachAddressOfANameIsJudged(t *testing.T) {
	reached := make(chan struct{}, 1)
	port := serve(t, func(http.ResponseWriter, *http.Request) { reached <- struct{}{} })
	resolver := answers{"mixed.example.com": {{"10.0.0.1", "fd00:ec2::254", "127.0.0.1"}}}
	r := rulesOf(Settings{Ports: []uint16{parsePort(t, port)}, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}, resolver)
	if _, err := get(t, r.Guard(&http.Transport{}, Reach{}), "http://mixed.example.com:"+port+"/"); err != nil {
		t.Errorf("the one address that is allowed was not called: %v", err)
	}
	<-reached
}

func TestSSRF01_CNAMEToTheInsideIsDenied(t *testing.T) {
	r := rulesOf(Settings{}, &net.Resolver{PreferGo: true, Dial: aliasServer(t)})
	_, err := get(t, r.Guard(&http.Transport{}, Reach{}), "https://alias.example.com./")
	wantDenied(t, err, "10.0.0.7", "10.0.0.0/8 is private")
}

func TestSSRF06_RedirectIsAnswerAndNotFollowed(t *testing.T) {
	port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
	})
	r := rulesOf(Settings{}, nil)
	transport := r.Guard(&http.Transport{}, Reach{Loopback: true})
	client := &http.Client{Transport: transport, CheckRedirect: NoRedirects}
	answer, err := client.Get("http://127.0.0.1:" + port)
	if err != nil || answer.StatusCode != http.StatusFound {
		t.Fatalf("got %v, %v", answer, err)
	}
	_ = answer.Body.Close()
	// And a client that follows finds the door shut at the next hop.
	_, err = get(t, transport, "http://127.0.0.1:"+port)
	wantDenied(t, err, "169.254.169.254", "metadata")
}

func TestSSRF06_LookUpEndsAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := get(t, rulesOf(Settings{}, silent{}).Guard(&http.Transport{}, Reach{}), "https://example.com/")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

type silent struct{}

func (silent) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSSRF06_NoProxyIsTakenFromTheEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	guarded := rulesOf(Settings{}, nil).Guard(&http.Transport{Proxy: http.ProxyFromEnvironment}, Reach{}).(*guarded)
	for _, raw := range []string{"https://example.com/", "http://example.com/"} {
		r := httptest.NewRequest(http.MethodGet, raw, nil)
		if proxy, err := guarded.Proxy(r); proxy != nil || err != nil {
			t.Errorf("%s would go to proxy %v (%v)", raw, proxy, err)
		}
	}
}

func TestSSRF06_ConfiguredProxyIsWhatIsDialledAndAddressesAreStillRefused(t *testing.T) {
	asked := make(chan string, 1)
	port := serve(t, func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.String() })
	proxy, err := url.Parse("http://proxy.inside:" + port)
	if err != nil {
		t.Fatal(err)
	}
	r := rulesOf(Settings{Proxy: proxy}, answers{"proxy.inside": {{"127.0.0.1"}}})
	transport := r.Guard(&http.Transport{}, Reach{})
	if _, err := get(t, transport, "http://hooks.example.com/x"); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; got != "http://hooks.example.com/x" {
		t.Errorf("the proxy was asked for %s", got)
	}
	_, err = get(t, transport, "http://10.0.0.1/")
	wantDenied(t, err, "10.0.0.0/8")
	direct := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
	if _, err := get(t, r.Guard(&http.Transport{}, Reach{Loopback: true}), "http://127.0.0.1:"+direct); err != nil {
		t.Errorf("what is on this host: %v", err)
	}
	if len(asked) != 0 {
		t.Error("the proxy was asked for what is on this host")
	}
}

func TestLoopbackByNameHasToBeThisHost(t *testing.T) {
	r := rulesOf(Settings{AllowHosts: []string{"localhost"}}, nil)
	wantDenied(t, r.target(Reach{Loopback: true}, "localhost", "80").check(netip.MustParseAddr("93.184.216.34")), "somewhere else")
}

func TestConnectionsAreReused(t *testing.T) {
	port := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) })
	client := &http.Client{Transport: rulesOf(Settings{}, nil).Guard(&http.Transport{}, Reach{Loopback: true})}
	seen := map[string]bool{}
	for range 3 {
		answer, err := client.Get("http://127.0.0.1:" + port)
		if err != nil {
			t.Fatal(err)
		}
		from, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		seen[string(from)] = true
	}
	if len(seen) != 1 {
		t.Errorf("three requests took %d connections", len(seen))
	}
	client.CloseIdleConnections()
}

func TestRaceTakesTheNextAddressWhenOneIsSilentOrFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		mine, other := net.Pipe()
		t.Cleanup(func() { _, _ = mine.Close(), other.Close() })
		late, _ := net.Pipe()
		ended := make(chan struct{})
		conn, err := race(3, func(i int) (net.Conn, error) {
			switch i {
			case 0:
				return nil, errors.New("refused")
			case 1:
				<-ended
				return late, nil
			}
			return mine, nil
		})
		if err != nil || conn != mine || time.Since(start) != stagger {
			t.Errorf("got %v (%v) after %v", conn, err, time.Since(start))
		}
		close(ended)
		synctest.Wait()
		if _, err := late.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the connection that came late is open: %v", err)
		}
	})
}

func TestRaceTellsOfTheFailureThatMayPass(t *testing.T) {
	_, err := race(2, func(i int) (net.Conn, error) {
		if i == 0 {
			return nil, &Denied{Host: "x", Rule: "no"}
		}
		return nil, errors.New("refused")
	})
	if err == nil || err.Error() != "refused" {
		t.Errorf("got %v", err)
	}
}
