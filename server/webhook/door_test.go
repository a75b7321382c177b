package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"drawbridge/server/webhook"
)

// door is a server with one source "src" of the standard scheme, and one "off"
// that is disabled.
type door struct {
	*memoryInbox
	handler *webhook.Handler
	server  *httptest.Server
	log     *bytes.Buffer // read it only when no request is under way
}

const bodyLimit = 1000

func open(t *testing.T, adjust ...func(*webhook.Source, *webhook.Options)) *door {
	t.Helper()
	d := &door{memoryInbox: &memoryInbox{}, log: &bytes.Buffer{}}
	source := webhook.Source{Name: "src", Verifier: senders[0].verifier(t), MaxBody: bodyLimit}
	options := webhook.Options{
		Now: func() time.Time { return arrival },
		Log: slog.New(slog.NewTextHandler(d.log, nil)),
	}
	for _, f := range adjust {
		f(&source, &options)
	}
	off := webhook.Source{Name: "off", Verifier: senders[0].verifier(t), Disabled: true}
	handler, err := webhook.NewHandler([]webhook.Source{source, off}, d.memoryInbox, options)
	if err != nil {
		t.Fatal(err)
	}
	d.handler = handler
	d.server = httptest.NewServer(handler)
	t.Cleanup(d.server.Close)
	return d
}

type reply struct {
	status    int
	header    http.Header
	ID        string `json:"id"`
	Duplicate bool   `json:"duplicate"`
	Error     string `json:"error"`
}

// send posts one request as it is given, following no redirect.
func (d *door) send(t *testing.T, method, path string, header http.Header, body io.Reader) reply {
	t.Helper()
	req, err := http.NewRequest(method, d.server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode, header: resp.Header}
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		t.Fatalf("%s %s answered %d with a body that is not JSON: %v", method, path, resp.StatusCode, err)
	}
	return r
}

// post sends a genuine delivery to "src".
func (d *door) post(t *testing.T, body string) reply {
	t.Helper()
	return d.send(t, http.MethodPost, "/webhooks/src", signed(t, body), strings.NewReader(body))
}

func signed(t *testing.T, body string) http.Header {
	t.Helper()
	return senders[0].sign(t, rawKey, arrival, body).Header
}

// brokenVerifier stands for a verifier that cannot do its work.
type brokenVerifier struct{}

func (brokenVerifier) Verify(webhook.Delivery) (webhook.Verified, error) {
	return webhook.Verified{}, errors.New("no key at hand")
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// raw writes a request by hand and gives the status answered.
func (d *door) raw(t *testing.T, path string, header http.Header, body string) int {
	t.Helper()
	conn, err := net.Dial("tcp", d.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var request bytes.Buffer
	fmt.Fprintf(&request, "POST %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: %d\r\n", path, len(body))
	if err := header.Write(&request); err != nil {
		t.Fatal(err)
	}
	request.WriteString("\r\n" + body)
	if _, err := conn.Write(request.Bytes()); err != nil {
		t.Fatal(err)
	}
	var proto string
	var status int
	if _, err := fmt.Fscan(conn, &proto, &status); err != nil {
		t.Fatal(err)
	}
	return status
}
