package webhook_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"drawbridge/server/webhook"
)

// TestSlowSenderIsToldSoAndNotBlamedOnUs goes over a connection: that net/http says
// os.ErrDeadlineExceeded when the line is slow is what the handler relies on.
func TestSlowSenderIsToldSoAndNotBlamedOnUs(t *testing.T) {
	d := open(t)
	slow := httptest.NewUnstartedServer(d.handler)
	slow.Config.ReadTimeout = 100 * time.Millisecond
	slow.Start()
	defer slow.Close()
	conn, err := net.Dial("tcp", slow.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /webhooks/src HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{\"private\":"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got reply
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" ||
		!strings.Contains(got.Error, "body did not arrive in time") {
		t.Errorf("answered %d, Retry-After %q: %s", resp.StatusCode, resp.Header.Get("Retry-After"), got.Error)
	}
	slow.Close() // the log is whole
	log := d.log.String()
	if !strings.Contains(log, "level=WARN") || !strings.Contains(log, "source=src") || !strings.Contains(log, "remote=127.0.0.1 ") {
		t.Errorf("log:\n%s", log)
	}
	if strings.Contains(log, "level=ERROR") || strings.Contains(log, "event=") || strings.Contains(log, "private") {
		t.Errorf("log:\n%s", log)
	}
}

func TestFaultBeforeThereIsAnEventNamesNone(t *testing.T) {
	d := open(t, func(s *webhook.Source, _ *webhook.Options) { s.Verifier = brokenVerifier{} })
	d.post(t, someBody)
	d.server.Close()
	if log := d.log.String(); !strings.Contains(log, "level=ERROR") || strings.Contains(log, "event=") {
		t.Errorf("log:\n%s", log)
	}
}

// TestSlowDeliveriesDoNotRefillTheAllowance: a refusal counts when it is recorded.
// Counted when it arrived, it would turn the limiter's clock back, and everything
// since would be allowed again.
func TestSlowDeliveriesDoNotRefillTheAllowance(t *testing.T) {
	now := arrival
	d := open(t, func(_ *webhook.Source, o *webhook.Options) { o.Now = func() time.Time { return now } })
	forge := func(body io.Reader) {
		d.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/webhooks/src", body))
	}
	for range 190 {
		forge(strings.NewReader("forged"))
	}
	now = arrival.Add(-30 * time.Second)
	forge(readFunc(func([]byte) (int, error) {
		now = arrival
		return 0, io.EOF
	}))
	for range 50 {
		forge(strings.NewReader("forged"))
	}
	if n := len(d.rejections); n != 200 {
		t.Errorf("%d are on record, want 200", n)
	}
}

func TestFloodOfSlowDeliveriesIsLoggedInPart(t *testing.T) {
	d := open(t)
	for range 250 {
		slow := readFunc(func([]byte) (int, error) { return 0, os.ErrDeadlineExceeded })
		d.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/webhooks/src", slow))
	}
	if n := strings.Count(d.log.String(), "\n"); n != 200 {
		t.Errorf("%d lines for 250, want 200", n)
	}
}
