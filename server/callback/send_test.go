package callback_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"drawbridge/server/callback"
)

var now = time.Date(2025, 5, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// receive starts a receiver and gives its address.
func receive(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func attempt(url string) callback.Attempt {
	return callback.Attempt{ID: "msg_1", URL: url, Origin: callback.Configured, Secrets: []callback.Secret{{Text: vectorSecret}}, Body: []byte(vectorBody)}
}

func send(t *testing.T, url string, o callback.Options) callback.Result {
	t.Helper()
	o.Now = clock
	return callback.NewSender(o).Send(t.Context(), attempt(url))
}

// wantRetry checks a failure: to be repeated, with a reason that shows no secret.
func wantRetry(t *testing.T, r callback.Result, status int, reason string) {
	t.Helper()
	if r.Verdict != callback.Retry || r.Status != status || !strings.Contains(r.Reason, reason) {
		t.Errorf("got %+v, want a retry after %d because of %q", r, status, reason)
	}
	if strings.Contains(fmt.Sprintf("%+v", r), strings.TrimPrefix(vectorSecret, "whsec_")) {
		t.Errorf("the result shows the secret: %+v", r)
	}
}

// verified is Standard Webhooks' verification, written from the specification
// ("Verifying webhook authenticity"), not from our signer.
func verified(h http.Header, body []byte, secret string, now time.Time) bool {
	key, err := base64.StdEncoding.DecodeString(strings.Replace(secret, "whsec_", "", 1))
	if err != nil {
		return false
	}
	var unix int64
	if _, err := fmt.Sscan(h.Get("webhook-timestamp"), &unix); err != nil || now.Sub(time.Unix(unix, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join([]string{h.Get("webhook-id"), h.Get("webhook-timestamp"), string(body)}, ".")))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for signature := range strings.SplitSeq(h.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(signature), []byte(want)) {
			return true
		}
	}
	return false
}

func TestDEL01_ReceiverVerifiesWhatWasSent(t *testing.T) {
	type request struct {
		header http.Header
		method string
		body   []byte
	}
	got := make(chan request, 1)
	url := receive(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Header, r.Method, body}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "thanks")
	})
	result := send(t, url+"/hook?a=b", callback.Options{})
	if result.Verdict != callback.Delivered || result.Status != 202 || string(result.Excerpt) != "thanks" || result.Reason != "" {
		t.Errorf("result %+v", result)
	}
	if result.RemoteAddr != strings.TrimPrefix(url, "http://") {
		t.Errorf("remote %q, want that of %s", result.RemoteAddr, url)
	}
	r := <-got
	if r.method != http.MethodPost || r.header.Get("Content-Type") != "application/json" || r.header.Get("Webhook-Id") != "msg_1" {
		t.Errorf("%s with %v", r.method, r.header)
	}
	if string(r.body) != vectorBody {
		t.Errorf("body %q", r.body)
	}
	if !verified(r.header, r.body, vectorSecret, now) {
		t.Error("the receiver cannot verify it")
	}
	if verified(r.header, append(r.body, '\n'), vectorSecret, now) {
		t.Error("the receiver verifies anything")
	}
}

func TestDEL06_StatusDecides(t *testing.T) {
	for status, want := range map[int]callback.Verdict{
		200: callback.Delivered, 201: callback.Delivered, 204: callback.Delivered, 299: callback.Delivered,
		300: callback.Retry, 304: callback.Retry, 400: callback.Retry, 401: callback.Retry, 404: callback.Retry,
		409: callback.Retry, 410: callback.Gone, 429: callback.Retry, 500: callback.Retry, 503: callback.Retry,
	} {
		url := receive(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		got := send(t, url, callback.Options{})
		if got.Verdict != want || got.Status != status {
			t.Errorf("%d: %+v, want %s", status, got, want)
		}
		if (got.Reason == "") != (want == callback.Delivered) {
			t.Errorf("%d: reason %q", status, got.Reason)
		}
	}
}

func TestDEL06_RedirectIsNotFollowed(t *testing.T) {
	elsewhere := receive(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		url := receive(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, status) })
		wantRetry(t, send(t, url, callback.Options{}), status, "redirects are not followed")
	}
}

func TestDEL06_NetworkFailureIsRetried(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	closed.Close()
	reset := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.(*net.TCPConn).SetLinger(0) // close with a reset
		conn.Close()
	})
	garbage := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(conn, "HELO "+strings.Repeat("x", 10_000)+"\r\n\r\n")
		conn.Close()
	})
	for name, c := range map[string]struct{ url, reason string }{
		"nobody listens":   {nobody, "refused"},
		"reset":            {reset, ""},
		"not HTTP":         {garbage, "malformed HTTP"},
		"no such name":     {"https://no..name/", "no such host"},
		"metadata address": {"https://169.254.169.254/latest", "metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			got := send(t, c.url, callback.Options{})
			wantRetry(t, got, 0, c.reason)
			if got.Reason == "" || len(got.Reason) > 500 {
				t.Errorf("a reason of %d bytes", len(got.Reason))
			}
			if got.Wait(time.Second) != time.Second {
				t.Errorf("waits %v as if the receiver were overloaded", got.Wait(time.Second))
			}
		})
	}
}

func TestDEL06_TLSFailureIsRetriedAndVerificationIsNeverOff(t *testing.T) {
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	start := func(config *tls.Config) (url string, roots *x509.CertPool) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		server.TLS = config
		server.Config.ErrorLog = quiet
		server.StartTLS()
		t.Cleanup(server.Close)
		roots = x509.NewCertPool()
		roots.AddCert(server.Certificate())
		return server.URL, roots
	}
	modern, roots := start(nil)
	old, oldRoots := start(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	plain := receive(t, func(http.ResponseWriter, *http.Request) {})
	if got := send(t, modern, callback.Options{Roots: roots}); got.Verdict != callback.Delivered {
		t.Errorf("trusted: %+v", got)
	}
	wantRetry(t, send(t, modern, callback.Options{}), 0, "certificate")
	wantRetry(t, send(t, strings.Replace(modern, "127.0.0.1", "localhost", 1), callback.Options{Roots: roots}), 0, "localhost")
	wantRetry(t, send(t, old, callback.Options{Roots: oldRoots}), 0, "protocol version")
	wantRetry(t, send(t, strings.Replace(plain, "http:", "https:", 1), callback.Options{}), 0, "HTTP response to HTTPS client")
}

func TestDEL05_OverloadedReceiverIsLeftAloneForAMinute(t *testing.T) {
	for name, c := range map[string]struct {
		status          int
		retryAfter      string
		scheduled, want time.Duration
	}{
		"429":                         {429, "", 5 * time.Second, time.Minute},
		"503":                         {503, "", 5 * time.Second, time.Minute},
		"429 late in the schedule":    {429, "", time.Hour, time.Hour},
		"429, seconds":                {429, "90", 5 * time.Second, 90 * time.Second},
		"503, date":                   {503, now.Add(100 * time.Second).Format(http.TimeFormat), 0, 100 * time.Second},
		"429, less than the schedule": {429, "1", time.Hour, time.Hour},
		"429, more than twice":        {429, "86400", time.Hour, 2 * time.Hour},
		"429, nonsense":               {429, "later", time.Hour, time.Hour},
		"500 has no say":              {500, "3600", 5 * time.Second, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			url := receive(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(c.status)
			})
			if got := send(t, url, callback.Options{}).Wait(c.scheduled); got != c.want {
				t.Errorf("waits %v, want %v", got, c.want)
			}
		})
	}
}

// hang blocks a receiver until the sender has hung up.
func hang(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice
	<-r.Context().Done()
}

func TestDEL07_HangingReceiverIsATimeout(t *testing.T) {
	t.Parallel() // a busy machine has to come as far as connecting in this time
	got := send(t, receive(t, hang), callback.Options{Timeout: 2 * time.Second})
	wantRetry(t, got, 0, "no answer within 2s")
	if got.Wait(0) != time.Minute {
		t.Errorf("after a timeout it waits %v", got.Wait(0))
	}
	if got.RemoteAddr == "" {
		t.Error("the address it did reach is not told")
	}
}

// TestDEL07_SilentHandshakeIsATimeout connects to a listener that accepts, by its
// backlog, and never says a word.
func TestDEL07_SilentHandshakeIsATimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	got := send(t, "https://"+silent.Addr().String(), callback.Options{ConnectTimeout: 20 * time.Millisecond})
	wantRetry(t, got, 0, "timeout")
	if got.Wait(0) != time.Minute {
		t.Errorf("after a timeout it waits %v", got.Wait(0))
	}
}

func TestDEL07_EndlessBodyIsCutOff(t *testing.T) {
	ended := make(chan struct{})
	url := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		for {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<10)); err != nil {
				return
			}
		}
	})
	got := send(t, url, callback.Options{})
	if got.Verdict != callback.Delivered || len(got.Excerpt) != 20_000 {
		t.Errorf("verdict %s, excerpt of %d bytes", got.Verdict, len(got.Excerpt))
	}
	<-ended
}

func TestDEL07_AnswerThatNeverEndsIsStillAnAnswer(t *testing.T) {
	t.Parallel()
	url := receive(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "drip")
		w.(http.Flusher).Flush()
		hang(w, r)
	})
	got := send(t, url, callback.Options{Timeout: 3 * time.Second})
	if got.Verdict != callback.Delivered || string(got.Excerpt) != "drip" {
		t.Errorf("result %+v", got)
	}
}

func TestDEL07_EndlessHeadersAreCutOff(t *testing.T) {
	url := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 1000 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("y", 1000))
		}
	})
	wantRetry(t, send(t, url, callback.Options{}), 0, "header")
}

func TestStoppedSenderSaysRetryAndBlamesNobody(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	url := receive(t, func(w http.ResponseWriter, r *http.Request) {
		stop()
		hang(w, r)
	})
	got := callback.NewSender(callback.Options{Now: clock}).Send(ctx, attempt(url))
	wantRetry(t, got, 0, "canceled")
	if got.Wait(time.Second) != time.Second {
		t.Error("the receiver is taken for overloaded, though it was us who stopped")
	}
}

func TestSettingThatCannotWorkIsRetriedBecauseItMayBeMended(t *testing.T) {
	url := receive(t, func(http.ResponseWriter, *http.Request) { t.Error("called all the same") })
	broken := attempt(url)
	broken.Secrets = []callback.Secret{{Text: "whsec_never-to-be-seen"}}
	got := callback.NewSender(callback.Options{}).Send(t.Context(), broken)
	wantRetry(t, got, 0, "signing: the secret is not")
	if strings.Contains(got.Reason, "never-to-be-seen") {
		t.Errorf("the reason shows the secret: %q", got.Reason)
	}
	wantRetry(t, send(t, "http://example.com/", callback.Options{}), 0, "neither https nor http to this host")
}

func TestNeitherLogNorReasonShowsSecretBodyOrAddress(t *testing.T) {
	var log bytes.Buffer
	closed := httptest.NewServer(nil)
	closed.Close()
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	got := send(t, closed.URL+"/path-token?query-token=1", callback.Options{Log: logger})
	if log.Len() == 0 {
		t.Fatal("nothing logged")
	}
	for _, hidden := range []string{vectorSecret[6:], "2432232314", "path-token", "query-token"} {
		if strings.Contains(log.String()+got.Reason, hidden) {
			t.Errorf("%q is shown:\n%s\n%s", hidden, log.String(), got.Reason)
		}
	}
}

func TestLatencyIsByTheClockPassedIn(t *testing.T) {
	ticks := 0
	tick := func() time.Time { ticks++; return now.Add(time.Duration(ticks) * time.Second) }
	url := receive(t, func(http.ResponseWriter, *http.Request) {})
	got := callback.NewSender(callback.Options{Now: tick}).Send(t.Context(), attempt(url))
	if got.Latency != 2*time.Second { // read at the start, at the answer, and at the end
		t.Errorf("latency %v", got.Latency)
	}
}
