package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/server/webhook"
	"drawbridge/store/state"
)

// signedPayment is a delivery of a payment as Stripe signs it.
func signedPayment(t testing.TB, secret, id string, size int) (body []byte, header http.Header) {
	t.Helper()
	body = fmt.Appendf(nil, `{"id":%q,"type":"payment_intent.succeeded","data":{"object":{"id":"pi_demo_1001","customer":"cus_demo_ada","note":%q}}}`,
		id, strings.Repeat("x", size))
	header, err := webhook.Sign("stripe", secret, webhook.Outgoing{At: time.Now(), Body: body}, webhook.SchemeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	header.Set("Content-Type", "application/json")
	return body, header
}

// deliverPayment posts a payment once.
func deliverPayment(t testing.TB, base, secret, id string, size int) (*http.Response, error) {
	t.Helper()
	body, header := signedPayment(t, secret, id, size)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/webhooks/stripe", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res, res.Body.Close()
}

// deliverUntil delivers a payment again while the server asks to come back: a disk that is
// slow for a second is nobody's fault.
func deliverUntil(t testing.TB, base, secret, id string) {
	t.Helper()
	err := poll(t.Context(), func() (bool, error) {
		res, err := deliverPayment(t, base, secret, id, 10)
		if err != nil {
			return false, err
		}
		if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable {
			return false, fmt.Errorf("answered %s", res.Status)
		}
		return res.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		t.Errorf("event %s: %v", id, err)
	}
}

// keysOf are the keys of all events that a store holds.
func keysOf(t testing.TB, store *state.Store) map[string]int {
	t.Helper()
	found, err := store.Read().QueryContext(t.Context(), `SELECT event_key FROM events`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	keys := map[string]int{}
	for found.Next() {
		var key string
		if err := found.Scan(&key); err != nil {
			t.Fatal(err)
		}
		keys[key]++
	}
	return keys
}

func TestING09_TwoHundredIdenticalDeliveriesMakeOneRun(t *testing.T) {
	done := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(done.Close)
	file, path, secret := payments(t, rehearse(t, nil), done.URL)
	server := serve(t, file)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() { deliverUntil(t, server.base, secret, "evt_once") })
	}
	all.Wait()
	store := look(t, path)
	awaitEnd(t, store, 1)
	server.stop(t)
	checkNothingLost(t, store, []string{"evt_once"})
	events, err := store.Events(t.Context(), 10)
	if err != nil || len(events) != 1 || events[0].Duplicates < 199 {
		t.Errorf("%d events with %+v (%v), want one that came again 199 times", len(events), events, err)
	}
	runs, err := store.Runs(t.Context(), "", 10)
	if err != nil || len(runs) != 1 {
		t.Errorf("%d runs (%v), want one", len(runs), err)
	}
}

// TestING25_BurstIsStoredWhileWorkersKeepToTheirLimit: the model holds on to every
// question until the burst is over.
func TestING25_BurstIsStoredWhileWorkersKeepToTheirLimit(t *testing.T) {
	const burst, workers = 10_000, 4
	var at, most atomic.Int64
	over := make(chan struct{})
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := at.Add(1)
		defer at.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		select {
		case <-over:
		case <-r.Context().Done():
		}
		http.Error(w, `{"error":{"message":"no more today"}}`, http.StatusBadRequest)
	}))
	t.Cleanup(model.Close)
	cfg := temporary(t, config.Default())
	cfg.Store.MinFree, cfg.Store.MinFreePercent = 0, 0
	cfg.Server.Listen = "127.0.0.1:0"
	cfg.Agents = map[string]config.Agent{"a": config.DefaultAgent()}
	cfg.Webhooks = benchWebhook("a") // with the rate that a source has by default
	cfg.Workers.Runs = workers
	cfg.Model.BaseURL = model.URL + "/v1"
	a, err := newApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	address, _, err := a.Listen(t.Context(), cfg.Server.Listen)
	if err != nil {
		t.Fatal(err)
	}
	a.Work(t.Context())
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var next atomic.Int64
	var senders sync.WaitGroup
	for range 64 {
		senders.Go(func() {
			for n := next.Add(1); n <= burst; n = next.Add(1) {
				deliverUntil(t, "http://"+address.String(), benchSecret, fmt.Sprintf("evt_%05d", n))
			}
		})
	}
	senders.Wait()
	if n := len(keysOf(t, a.store)); n != burst {
		t.Errorf("%d events are stored, want %d", n, burst)
	}
	if err := poll(t.Context(), func() (bool, error) { return at.Load() == workers, nil }); err != nil {
		t.Errorf("%d runs are at work, want %d: %v", at.Load(), workers, err)
	}
	close(over)
	if n := most.Load(); n != workers {
		t.Errorf("%d runs were at work at once, want %d", n, workers)
	}
}

// TestING30_DeliveryUnderWayIsAnsweredByAServerThatStops: its head was read before the
// stop, and its body comes after.
func TestING30_DeliveryUnderWayIsAnsweredByAServerThatStops(t *testing.T) {
	file, path, secret := payments(t, rehearse(t, nil), "http://127.0.0.1:9/nobody")
	server := serve(t, file)
	acked := sendUntilTheEnd(t, server.base, secret)
	slow := beginDelivery(t, server.base, secret, "evt_slow")
	if err := server.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	awaitDrain(t, server.base)
	slow.finish(t)
	server.stopped(t)
	stored := keysOf(t, look(t, path))
	for _, key := range append(acked(), "evt_slow") {
		if stored[key] != 1 {
			t.Errorf("event %s was acknowledged and is stored %d times", key, stored[key])
		}
	}
}

// sendUntilTheEnd has senders deliver until the server is gone. What it gives waits
// for them, and tells which events were acknowledged.
func sendUntilTheEnd(t *testing.T, base, secret string) func() []string {
	var mu sync.Mutex
	var acked []string
	var next atomic.Int64
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for {
				id := fmt.Sprintf("evt_load_%06d", next.Add(1))
				res, err := deliverPayment(t, base, secret, id, 10)
				if err != nil {
					return
				}
				switch res.StatusCode {
				case http.StatusOK:
					mu.Lock()
					acked = append(acked, id)
					mu.Unlock()
				case http.StatusServiceUnavailable:
				default:
					t.Errorf("event %s was answered %s", id, res.Status)
				}
			}
		})
	}
	return func() []string {
		all.Wait()
		return acked
	}
}

// delivery is one whose body has not all been sent.
type delivery struct {
	conn    net.Conn
	answers *bufio.Reader
	rest    []byte
}

// beginDelivery returns when the server has begun to read the body: it says so to a
// client that expects it to (RFC 9110, section 10.1.1).
func beginDelivery(t *testing.T, base, secret, id string) delivery {
	t.Helper()
	body, header := signedPayment(t, secret, id, 10)
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var head bytes.Buffer
	fmt.Fprintf(&head, "POST /webhooks/stripe HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: %d\r\n", len(body))
	_ = header.Write(&head)
	head.WriteString("\r\n")
	if _, err := conn.Write(head.Bytes()); err != nil {
		t.Fatal(err)
	}
	d := delivery{conn, bufio.NewReader(conn), body}
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := d.answers.ReadString('\n'); err != nil || line != want {
			t.Fatalf("got %q (%v), want %q", line, err, want)
		}
	}
	return d
}

// finish sends the rest and wants it acknowledged, and the connection closed behind.
func (d delivery) finish(t *testing.T) {
	t.Helper()
	if _, err := d.conn.Write(d.rest); err != nil {
		t.Fatalf("sending the rest: %v", err)
	}
	res, err := http.ReadResponse(d.answers, nil)
	if err != nil {
		t.Fatalf("the delivery under way got no answer: %v", err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || !res.Close {
		t.Errorf("answered %s, closed %v; want 200, and the connection closed", res.Status, res.Close)
	}
	if _, err := d.answers.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the answer: %v, want the end", err)
	}
}

// awaitDrain waits until the server says that it stops, or takes no more connections.
func awaitDrain(t *testing.T, base string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	err := poll(t.Context(), func() (bool, error) {
		res, err := client.Get(base + "/readyz")
		if err != nil {
			return true, nil
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusServiceUnavailable, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
