package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"drawbridge/config"
	"drawbridge/server/webhook"
)

// intakeApp is an app that takes Stripe's events in and does nothing with them, and the
// URL of a handler that only verifies them.
func intakeApp(b *testing.B, store benchStore) (a *app, durable, bare string) {
	b.Helper()
	a, address := benchApp(b, func(c *config.Config) {
		c.Store.URL = store.url(b)
		c.Agents = map[string]config.Agent{"a": config.DefaultAgent()}
		c.Webhooks = benchWebhook("a")
		hook := c.Webhooks["stripe"]
		hook.Rate = 1_000_000 // what the disk can take is what is measured
		c.Webhooks["stripe"] = hook
	}, false)
	plain := httptest.NewServer(http.HandlerFunc(verifyOnly))
	b.Cleanup(plain.Close)
	return a, "http://" + address, plain.URL
}

// BenchmarkAccept measures durable accepts (verified, deduplicated, fsynced) of 2 KiB
// against a bare handler that only verifies the same HMAC. Both sides take turns, and
// the ratio is the median of those of the turns: what else the machine does in between
// then meets both. The senders are a process of their own, as senders are, and cost both
// sides the same; with "within" they are in the server's, where the runtime has them wait
// while a commit waits for the disk.
func BenchmarkAccept(b *testing.B) {
	onBothStores(b, func(b *testing.B, store benchStore) {
		for _, senders := range []int{1, 64} {
			b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) { benchAccept(b, store, startBenchSender(b), senders) })
			b.Run(fmt.Sprintf("senders=%d/within", senders), func(b *testing.B) {
				events := benchEvents(b.N)
				benchAccept(b, store, func(base string, from, to, senders int) time.Duration { return send(b, base, events[from:to], senders) }, senders)
			})
		}
	})
}

func benchAccept(b *testing.B, store benchStore, send sending, senders int) {
	_, durable, bare := intakeApp(b, store)
	turns := max(1, min(20, b.N/1000))
	var ours, theirs time.Duration
	var ratios []float64
	for turn := range turns {
		from, to := turn*b.N/turns, (turn+1)*b.N/turns
		one, other := send(durable, from, to, senders), send(bare, from, to, senders)
		ours, theirs, ratios = ours+one, theirs+other, append(ratios, other.Seconds()/one.Seconds())
	}
	slices.Sort(ratios)
	b.ReportMetric(float64(b.N)/ours.Seconds(), "accepts/s")
	b.ReportMetric(float64(b.N)/theirs.Seconds(), "bare/s")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	reportDisk(b)
}

// BenchmarkAcceptAtPace measures what a sender waits at 500 deliveries a second, from
// the moment at which it was to send.
func BenchmarkAcceptAtPace(b *testing.B) {
	const perSecond = 500
	_, durable, _ := intakeApp(b, benchStores[0])
	events := benchEvents(b.N)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: perSecond}}
	defer client.CloseIdleConnections()
	waits := make([]time.Duration, b.N)
	var all sync.WaitGroup
	b.ResetTimer()
	begun := time.Now()
	for i, event := range events {
		due := begun.Add(time.Duration(i) * time.Second / perSecond)
		time.Sleep(time.Until(due))
		all.Go(func() {
			if err := post(client, durable+"/webhooks/stripe", event); err != nil {
				b.Error(err)
			}
			waits[i] = time.Since(due)
		})
	}
	all.Wait()
	b.StopTimer()
	slices.Sort(waits)
	b.ReportMetric(milliseconds(waits[len(waits)/2]), "p50-ms")
	b.ReportMetric(milliseconds(waits[len(waits)*99/100]), "p99-ms")
	reportDisk(b)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// reportDisk measures the disk of a store: 4 KiB written and synced, in a folder beside it.
func reportDisk(b *testing.B) {
	b.Helper()
	if b.N < 100 {
		return // the benchmark is only finding out how often it can run
	}
	file, err := os.Create(filepath.Join(b.TempDir(), "fsync"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	syncs := make([]time.Duration, 500)
	block := make([]byte, 4096)
	for i := range syncs {
		begun := time.Now()
		if _, err := file.Write(block); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
		syncs[i] = time.Since(begun)
	}
	slices.Sort(syncs)
	b.ReportMetric(milliseconds(syncs[len(syncs)/2]), "fsync-p50-ms")
	b.ReportMetric(milliseconds(syncs[len(syncs)*99/100]), "fsync-p99-ms")
}

// verifyOnly is the least that a webhook endpoint can do.
func verifyOnly(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	stamp, signature, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Stripe-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(benchSecret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	given, err := hex.DecodeString(signature)
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = io.WriteString(w, `{"id":"evt"}`)
}

// benchEvent is a signed event of about 2 KiB.
type benchEvent struct {
	body   []byte
	header http.Header
}

// benchEvents prepares events, so that the senders do nothing but send.
func benchEvents(n int) []benchEvent {
	events := make([]benchEvent, n)
	now := time.Now()
	for i := range events {
		body := fmt.Appendf(nil, `{"id":"evt_bench_%d_%d","type":"payment_intent.succeeded","data":{"object":{"id":"pi_demo_1001","customer":"cus_demo_ada","note":%q}}}`,
			now.UnixNano(), i, strings.Repeat("x", 1900))
		header, err := webhook.Sign("stripe", benchSecret, webhook.Outgoing{At: now, Body: body}, webhook.SchemeOptions{})
		if err != nil {
			panic(err)
		}
		header.Set("Content-Type", "application/json")
		events[i] = benchEvent{body, header}
	}
	return events
}

// sending posts some of the events that were prepared, and gives the time taken.
type sending func(base string, from, to, senders int) time.Duration

// send posts all events from a number of senders, each an ordinary HTTP client with
// a connection of its own, and gives the time taken.
func send(b *testing.B, base string, events []benchEvent, senders int) time.Duration {
	b.Helper()
	taken, err := sendAll(base, events, senders)
	if err != nil {
		b.Error(err)
	}
	return taken
}

func sendAll(base string, events []benchEvent, senders int) (time.Duration, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: senders}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var next atomic.Int64
	var all errgroup.Group
	start := time.Now()
	for range senders {
		all.Go(func() error {
			for {
				i := next.Add(1) - 1
				if i >= int64(len(events)) {
					return nil
				}
				if err := post(client, base+"/webhooks/stripe", events[i]); err != nil {
					return err
				}
			}
		})
	}
	err := all.Wait()
	return time.Since(start), err
}

// benchSenderVariable, when set, makes the test binary a sender of so many events.
const benchSenderVariable = "DRAWBRIDGE_BENCH_SENDER"

// beBenchSender prepares events, and sends those that its standard input asks for.
func beBenchSender(n int) {
	events := benchEvents(n)
	for {
		var base string
		var from, to, senders int
		if _, err := fmt.Scanln(&base, &from, &to, &senders); err != nil {
			os.Exit(0) // whoever asks has gone
		}
		taken, err := sendAll(base, events[from:to], senders)
		if err != nil {
			fmt.Fprintln(os.Stderr, "sending:", err)
			os.Exit(1)
		}
		fmt.Println(taken.Nanoseconds())
	}
}

// startBenchSender starts that process, with as many events as the benchmark needs.
func startBenchSender(b *testing.B) sending {
	b.Helper()
	in, out, _ := startSelf(b, fmt.Sprintf("%s=%d", benchSenderVariable, b.N))
	return func(base string, from, to, senders int) time.Duration {
		var taken time.Duration
		if _, err := fmt.Fprintln(in, base, from, to, senders); err != nil {
			b.Fatal(err)
		}
		if _, err := fmt.Fscanln(out, &taken); err != nil {
			b.Fatal("the sender has ended:", err)
		}
		return taken
	}
}

func post(client *http.Client, url string, event benchEvent) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(event.body))
	if err != nil {
		return err
	}
	req.Header = event.header
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s: %s %w", res.Status, body, err)
	}
	return nil
}
