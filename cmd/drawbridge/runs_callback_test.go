package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/callback"
)

// TestCallbackOfARequestIsDeliveredAndShown: whoever starts a run is told of its end at
// the address of the request, signed by callbacks.secrets, and sees that it was.
func TestCallbackOfARequestIsDeliveredAndShown(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere a process cannot be given a certificate to trust by its environment")
	}
	type told struct {
		header http.Header
		body   string
	}
	received := make(chan told, 8)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received <- told{r.Header, string(body)}
	}))
	defer receiver.Close()
	trusted := filepath.Join(t.TempDir(), "receiver.pem")
	if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", trusted)
	address, err := url.Parse(receiver.URL)
	if err != nil {
		t.Fatal(err)
	}
	fake := openaitest.New(t)
	fake.Func(func(openaitest.Request) openaitest.Reply { return openaitest.Say("Done.") })
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	settings := ownersText(fake.URL(), `"*"`) + fmt.Sprintf("callbacks: {secrets: [%q]}\n", secret)
	strict, _ := liveFile(t, settings)
	body := fmt.Sprintf(`{"agent":"desk","prompt":"Look.","callback":%q}`, receiver.URL+"/done")
	server := serve(t, strict)
	if status, _, text := sendAs(t, http.MethodPost, server.base+"/v1/runs", frontKey, body); status != http.StatusBadRequest || !strings.Contains(text, "callback_refused") || !strings.Contains(text, "127.0.0.1") {
		t.Errorf("an address of this machine: %d %s", status, text)
	}
	server.stop(t)
	file, _ := liveFile(t, settings+fmt.Sprintf("egress: {allow_cidrs: [127.0.0.0/8], ports: [%s]}\n", address.Port()))
	server = serve(t, file)
	run := startedRun(t, server.base, frontKey, body)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // a failing test must end
	defer cancel()
	var got told
	select {
	case got = <-received:
	case <-ctx.Done():
		t.Fatal("the receiver was told nothing")
	}
	var message struct {
		Type string
		Data struct{ Run, State, Answer string }
	}
	if err := json.Unmarshal([]byte(got.body), &message); err != nil || message.Type != "run.succeeded" || message.Data.Run != run || message.Data.Answer != "Done." {
		t.Errorf("the receiver was told %s (%v)", got.body, err)
	}
	at, err := strconv.ParseInt(got.header.Get("Webhook-Timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := callback.Sign(secret, got.header.Get("Webhook-Id"), time.Unix(at, 0), []byte(got.body))
	if err != nil || got.header.Get("Webhook-Signature") != signed {
		t.Errorf("it is signed %q, want %q (%v)", got.header.Get("Webhook-Signature"), signed, err)
	}
	d := readDocument(t, server.base)
	err = poll(ctx, func() (bool, error) { // the attempt is noted once it is answered
		_, header, text := sendAs(t, http.MethodGet, server.base+"/v1/runs/"+run, frontKey, "")
		d.holds("GET /v1/runs/{id}", exchanged{http.StatusOK, header, text})
		return strings.Contains(text, `"callback_url":"`+receiver.URL+`/done"`) &&
			strings.Contains(text, `"callbacks":[{"id":"`+got.header.Get("Webhook-Id")+`","state":"delivered","attempts":1,"last_status":200`), nil
	})
	if err != nil {
		t.Error(err)
	}
	server.stop(t)
}
