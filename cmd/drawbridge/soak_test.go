package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"drawbridge/config"
	"drawbridge/server/webhook"
	"drawbridge/store/state"
)

const (
	// soakVariable says how long the soak lasts: `make soak` makes it 10 minutes.
	soakVariable = "DRAWBRIDGE_SOAK"
	soakRate     = 100 // deliveries a second
	soakSenders  = 16
	// soakCallback signs all callbacks.
	soakCallback = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
)

// soakSource is one source of the soak: how it signs, who hears of its runs and when,
// and how many of a thousand deliveries it sends.
type soakSource struct {
	scheme, receiver string
	schedule         string // of its callbacks
	share            int
	more             string // settings
	options          webhook.SchemeOptions
}

var soakSources = map[string]soakSource{
	"shop":  {scheme: "standard", receiver: "takes", schedule: "[0s]", share: 200},
	"talk":  {scheme: "slack", receiver: "takes", schedule: "[0s]", share: 100},
	"store": {scheme: "shopify", receiver: "resets", schedule: "[0s, 1s]", share: 100},
	"pay":   {scheme: "stripe", receiver: "redirects", schedule: "[0s, 1s]", share: 200},
	"code":  {scheme: "github", receiver: "resets", schedule: "[0s, 1s]", share: 100},
	"own": {scheme: "hmac", receiver: "takes", schedule: "[0s]", share: 278, more: "header: X-Sign, encoding: hex, id_header: X-Id, ",
		options: webhook.SchemeOptions{SignatureHeader: "X-Sign", Encoding: "hex", IDHeader: "X-Id"}},
	"slowly": {scheme: "github", receiver: "takes", schedule: "[0s]", share: 20},
	// Each attempt takes its whole 15 s, so that there can be few.
	"silence": {scheme: "standard", receiver: "hangs", schedule: "[0s]", share: 2},
}

func soakSecret(scheme string) string {
	if scheme == "standard" {
		return soakCallback
	}
	return "soak_secret_0123456789abcdef"
}

// TestSoak sends a mix of schemes for a while, with wrong signatures, duplicates and
// slow bodies, to a server whose callbacks go to receivers that hang, reset and
// redirect. What was acknowledged is what is stored, and all of it comes to an end; no
// goroutine and no file stays behind.
func TestSoak(t *testing.T) {
	lasts := 3 * time.Second
	if text := os.Getenv(soakVariable); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", soakVariable, err)
		}
	}
	s := newSoak(t)
	before := held(t)
	s.send(lasts)
	s.settle(before)
	s.check()
	t.Logf("%v: %d deliveries: %d events acknowledged, %d known already, %d refused, %d broken off; %d goroutines and %d files before, %d and %d after",
		lasts, s.sent, len(s.acked), s.duplicates, s.refused, s.brokenOff, before.goroutines, before.files, s.after.goroutines, s.after.files)
}

// soak is a server under load.
type soak struct {
	t     *testing.T
	base  string
	store *state.Store
	http  *http.Client
	after usage

	mu                                   sync.Mutex
	acked                                map[string]string // the id of each event, by source and key
	sent, duplicates, refused, brokenOff int
}

// usage is what a process holds.
type usage struct{ goroutines, files int }

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, acked: map[string]string{}, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: soakSenders}}}
	receivers := map[string]string{
		"takes":     s.receiver(func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }),
		"redirects": s.receiver(func(w http.ResponseWriter) { w.Header().Set("Location", "/"); w.WriteHeader(http.StatusFound) }),
		"resets":    s.receiver(reset),
		"hangs":     silentReceiver(t),
	}
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Seen."},"finish_reason":"stop"}]}`+
			"\n\ndata: [DONE]\n\n")
	}))
	model.Config.SetKeepAlivesEnabled(false) // connections kept for the next question would count as held
	t.Cleanup(model.Close)
	settings := fmt.Sprintf("server: {listen: 127.0.0.1:0}\nmodel: {base_url: %q, name: m}\nagents: {clerk: {}}\nworkers: {callbacks: 32}\nwebhooks:\n", model.URL)
	for name, source := range soakSources {
		settings += fmt.Sprintf("  %s: {scheme: %s, secrets: [%s], %sagent: clerk, prompt: Look., callback: {url: %q, secret: %s, schedule: %s}}\n",
			name, source.scheme, soakSecret(source.scheme), source.more, receivers[source.receiver], soakCallback, source.schedule)
	}
	cfg, err := config.Load(settingsFile(t, settings), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
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
	s.base, s.store = "http://"+address.String(), a.store
	return s
}

func (s *soak) receiver(answer func(http.ResponseWriter)) string {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer(w)
	}))
	s.t.Cleanup(receiver.Close)
	return receiver.URL
}

// reset ends the connection as a crashed receiver does.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// silentReceiver takes connections and says nothing, until the caller gives up.
func silentReceiver(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// send sends the mix for a time, at a steady pace.
func (s *soak) send(lasts time.Duration) {
	ctx, stop := context.WithTimeout(s.t.Context(), lasts)
	defer stop()
	pace := rate.NewLimiter(soakRate, soakSenders)
	var senders sync.WaitGroup
	for range soakSenders {
		senders.Go(func() {
			for pace.Wait(ctx) == nil {
				s.deliver(pick())
			}
		})
	}
	senders.Wait()
}

// pick chooses a source by its share.
func pick() string {
	n := rand.IntN(1000)
	for name, source := range soakSources {
		if n -= source.share; n < 0 {
			return name
		}
	}
	return "shop" // not reached: the shares are 1000
}

// deliver sends one delivery: one in twenty with a wrong signature, one in twenty twice.
func (s *soak) deliver(name string) {
	s.mu.Lock()
	s.sent++
	key := fmt.Sprintf("evt_soak_%06d", s.sent)
	s.mu.Unlock()
	body := fmt.Sprintf(`{"id":%q,"event_id":%[1]q,"type":"thing.happened","note":%q}`, key, strings.Repeat("x", rand.IntN(4000)))
	header, err := webhook.Sign(soakSources[name].scheme, soakSecret(soakSources[name].scheme), webhook.Outgoing{ID: key, At: time.Now(), Body: []byte(body)}, soakSources[name].options)
	if err != nil {
		s.t.Error(err)
		return
	}
	switch n := rand.IntN(20); {
	case n == 0:
		s.post(name, header, strings.NewReader(body+" "), func(status int, _ receipt) {
			s.refused++
			if status != http.StatusUnauthorized {
				s.t.Errorf("a delivery to %s with a wrong signature was answered %d", name, status)
			}
		})
	case name == "slowly" && n < 10:
		s.breakOff(name, header, body)
	default:
		for range 1 + min(1, n/19) {
			s.post(name, header, bodyOf(name, body), func(status int, got receipt) { s.acknowledged(name, key, status, got) })
		}
	}
}

func (s *soak) acknowledged(name, key string, status int, got receipt) {
	first, known := s.acked[name+" "+key]
	switch {
	case status != http.StatusOK:
		s.t.Errorf("event %s of %s was answered %d", key, name, status)
	case known != got.Duplicate || known && first != got.ID:
		s.t.Errorf("event %s of %s, known before: %v (as %q), was answered %+v", key, name, known, first, got)
	case known:
		s.duplicates++
	}
	s.acked[name+" "+key] = got.ID
}

type receipt struct {
	ID        string
	Duplicate bool
}

// post sends a delivery, and has judged what came back.
func (s *soak) post(name string, header http.Header, body io.Reader, judge func(status int, got receipt)) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.base+"/webhooks/"+name, body)
	if err != nil {
		s.t.Error(err)
		return
	}
	request.Header = header
	response, err := s.http.Do(request)
	if err != nil {
		s.t.Errorf("delivering to %s: %v", name, err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	var got receipt
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		s.t.Errorf("reading the answer of %s: %v", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	judge(response.StatusCode, got)
}

// bodyOf is a body to send; of source slowly it comes in pieces, chunked.
func bodyOf(name, body string) io.Reader {
	if name != "slowly" {
		return strings.NewReader(body)
	}
	read, write := io.Pipe()
	go func() {
		for piece := range len(body)/512 + 1 {
			ticker := time.NewTicker(20 * time.Millisecond)
			<-ticker.C
			ticker.Stop()
			_, _ = io.WriteString(write, body[piece*512:min(len(body), piece*512+512)])
		}
		_ = write.Close()
	}()
	return read
}

// breakOff sends a part of a delivery and goes away.
func (s *soak) breakOff(name string, header http.Header, body string) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		s.t.Error(err)
		return
	}
	_, _ = fmt.Fprintf(conn, "POST /webhooks/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", name, len(body))
	_ = header.Write(conn)
	_, _ = fmt.Fprintf(conn, "\r\n%s", body[:len(body)/2])
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.brokenOff++
}

func held(t *testing.T) usage {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("counting open files needs /proc: %v", err)
	}
	return usage{goroutines: runtime.NumGoroutine(), files: len(files)}
}

// settle waits until nothing is left to do, and no more is held than before. Some of
// both is kept once it was needed: connections to the store, idle workers.
func (s *soak) settle(before usage) {
	const spare = 24
	awaitEnd(s.t, s.store, len(s.acked))
	s.http.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		s.after = held(s.t)
		return s.after.goroutines <= before.goroutines+spare && s.after.files <= before.files+spare, nil
	})
	if err != nil {
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		s.t.Errorf("before the soak there were %d goroutines and %d files, after it %d and %d\n%s", before.goroutines, before.files, s.after.goroutines, s.after.files, stacks.String())
	}
}

// check compares what was acknowledged with what is stored, and wants all of it ended.
func (s *soak) check() {
	// CROSS JOIN: from the event's run to its callback. SQLite would begin with all callbacks, for each event.
	rows, err := s.store.Read().QueryContext(s.t.Context(), `SELECT source, event_key, id, (SELECT COUNT(*) FROM runs WHERE event = events.id AND state IN ('succeeded', 'failed', 'dead')),
		(SELECT COUNT(*) FROM runs WHERE event = events.id), (SELECT COUNT(*) FROM runs CROSS JOIN callbacks ON callbacks.run = runs.id WHERE runs.event = events.id AND callbacks.state IN ('delivered', 'dead')) FROM events`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	stored := 0
	for rows.Next() {
		var source, key, id string
		var ended, runs, told int
		if err := rows.Scan(&source, &key, &id, &ended, &runs, &told); err != nil {
			s.t.Fatal(err)
		}
		stored++
		if s.acked[source+" "+key] != id {
			s.t.Errorf("event %s of %s is stored as %s and was acknowledged as %q", key, source, id, s.acked[source+" "+key])
		}
		if runs != 1 || ended != 1 || told != 1 {
			s.t.Errorf("event %s of %s has %d runs, %d of them ended, and %d callbacks that are over; want one each", key, source, runs, ended, told)
		}
	}
	if err := rows.Err(); err != nil || stored != len(s.acked) || stored == 0 {
		s.t.Errorf("%d events are stored, %d were acknowledged (%v)", stored, len(s.acked), err)
	}
}
