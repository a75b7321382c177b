package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
	"drawbridge/store/state"
)

const (
	kills   = 20 // unless killsVariable says more: 1000 for a night
	stops   = 5
	senders = 6

	killsVariable = "DRAWBRIDGE_KILLS"
)

// TestING02_KilledServerLosesNothingAndDoublesNothing kills the server with SIGKILL many
// times under load, at a random one of the moments that matter: right after an
// acknowledgement, when the model is asked, when a callback arrives. Senders do as
// providers do: what was not acknowledged is sent again with the same id.
func TestING02_KilledServerLosesNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	times := kills
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if times, err = strconv.Atoi(text); err != nil || times < 1 {
			t.Fatalf("%s is %q, want a number", killsVariable, text)
		}
	}
	endUnderLoad(t, times, (*program).kill)
}

// TestING30_StoppedServerFinishesOrPutsDownWhatItHas: a stop in order refuses no call of a
// run under way, which would go into its journal as the call's result.
func TestING30_StoppedServerFinishesOrPutsDownWhatItHas(t *testing.T) {
	endUnderLoad(t, stops, (*program).stop)
}

// endUnderLoad ends the server so many times under load, starts it again, and checks
// that nothing was lost, doubled or left undone.
func endUnderLoad(t *testing.T, times int, end func(*program, testing.TB)) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))

	moments := make(chan struct{}, 1<<16) // something happened: a moment to kill at
	happened := func() {
		select {
		case moments <- struct{}{}:
		default:
		}
	}
	var delivered sync.Map // webhook-id of each callback that arrived
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		delivered.Store(r.Header.Get("webhook-id"), true)
		happened()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(receiver.Close)
	file, path, secret := payments(t, rehearse(t, happened), receiver.URL)

	load := newLoad(secret, happened)
	server := serve(t, file)
	load.aim(server.base)
	load.start(t)
	for range times {
		for range 1 + random.IntN(40) {
			<-moments
		}
		end(server, t)
		server = serve(t, file)
		load.aim(server.base)
	}
	load.stop()
	t.Logf("%d events acknowledged over %d ends, %d of them told they came again", len(load.acked), times, load.duplicates.Load())

	store := look(t, path)
	awaitEnd(t, store, len(load.acked))
	server.stop(t)
	checkNothingLost(t, store, load.acked)
	checkNothingDoubled(t, store, len(load.acked), &delivered)
}

// load sends events with ids of their own until stopped, each until it is acknowledged.
type load struct {
	secret   string
	happened func()

	next       atomic.Int64
	stopping   atomic.Bool
	senders    sync.WaitGroup
	duplicates atomic.Int64
	mu         sync.Mutex
	aimed      *sync.Cond
	target     string // where the server is now
	acked      []string
}

func newLoad(secret string, happened func()) *load {
	l := &load{secret: secret, happened: happened}
	l.aimed = sync.NewCond(&l.mu)
	return l
}

// aim tells the senders where the restarted server is.
func (l *load) aim(base string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target = base
	l.aimed.Broadcast()
}

// other waits until the server is somewhere else than at the address that failed,
// and gives the place.
func (l *load) other(failed string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.target == failed {
		l.aimed.Wait()
	}
	return l.target
}

func (l *load) start(t *testing.T) {
	for range senders {
		l.senders.Go(func() {
			base := l.other("")
			for !l.stopping.Load() {
				id := fmt.Sprintf("evt_load_%06d", l.next.Add(1))
				for !l.send(t, base, id) {
					base = l.other(base)
				}
				l.mu.Lock()
				l.acked = append(l.acked, id)
				l.mu.Unlock()
				l.happened()
			}
		})
	}
}

func (l *load) stop() {
	l.stopping.Store(true)
	l.senders.Wait()
}

// send sends one event, as often as the server asks to come back; false if there is no
// server any more. Anything but 200 means that it was not acknowledged.
func (l *load) send(t *testing.T, base, id string) bool {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		status, ok := l.post(t, base, id)
		if !ok || status != http.StatusServiceUnavailable {
			return ok
		}
		<-again.C // a disk that is slow for a second is nobody's fault
	}
}

// request is the delivery of an event.
func (l *load) request(ctx context.Context, base, id string) (*http.Request, error) {
	body := fmt.Appendf(nil, `{"id":%q,"type":"payment_intent.succeeded","data":{"object":{"id":"pi_demo_1001","customer":"cus_demo_ada"}}}`, id)
	headers, err := webhook.Sign("stripe", l.secret, webhook.Outgoing{At: time.Now(), Body: body}, webhook.SchemeOptions{})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/webhooks/stripe", bytes.NewReader(body))
	if err == nil {
		req.Header = headers
	}
	return req, err
}

// post tries once.
func (l *load) post(t *testing.T, base, id string) (status int, ok bool) {
	req, err := l.request(context.Background(), base, id)
	if err != nil {
		t.Error(err)
		return 0, true
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, false // the server is down or was killed on the way
	}
	var answer [200]byte
	n, _ := res.Body.Read(answer[:])
	_ = res.Body.Close()
	if bytes.Contains(answer[:n], []byte(`"duplicate":true`)) {
		l.duplicates.Add(1)
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("event %s was answered %s: %s", id, res.Status, answer[:n])
	}
	return res.StatusCode, true
}

// awaitEnd waits until no event and no run has anything left to do.
func awaitEnd(t *testing.T, store *state.Store, events int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var left int
	err := poll(ctx, func() (bool, error) {
		err := store.Read().QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM jobs) + (SELECT COUNT(*) FROM events WHERE status = 'accepted')`).Scan(&left)
		return left == 0, err
	})
	if err != nil {
		t.Fatalf("of %d events, %d jobs and events are still left: %v", events, left, err)
	}
}

func checkNothingLost(t *testing.T, store *state.Store, acked []string) {
	t.Helper()
	runs, err := store.Runs(t.Context(), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	runOf := map[string][]dispatch.Run{}
	for _, run := range runs {
		runOf[run.Event] = append(runOf[run.Event], run)
	}
	events, err := store.Events(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{}
	for _, e := range events {
		if _, twice := stored[e.Key]; twice {
			t.Errorf("event %s is stored twice", e.Key)
		}
		stored[e.Key] = e.ID
		if of := runOf[e.ID]; len(of) != 1 || of[0].State != dispatch.Succeeded {
			t.Errorf("event %s has %d runs (%+v), want one that succeeded", e.Key, len(of), of)
		}
	}
	for _, key := range acked {
		if stored[key] == "" {
			t.Errorf("event %s was acknowledged and is gone", key)
		}
	}
	if len(stored) == 0 || len(stored) < len(acked) {
		t.Errorf("%d events stored, %d acknowledged", len(stored), len(acked))
	}
	for _, run := range runs {
		checkJournal(t, store, run.ID)
	}
}

// checkJournal wants a journal without gaps that closes with its only outcome.
func checkJournal(t testing.TB, store *state.Store, run string) {
	t.Helper()
	entries, err := store.Entries(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		if e.Seq != int64(i+1) {
			t.Errorf("run %s: entry %d has number %d", run, i+1, e.Seq)
		}
		if last := i == len(entries)-1; (e.Kind == bridge.EntryOutcome) != last {
			t.Errorf("run %s: entry %d of %d is %s", run, i+1, len(entries), e.Kind)
		}
	}
}

// checkNothingDoubled counts effects where they are: in the CRM and the outbox.
func checkNothingDoubled(t *testing.T, store *state.Store, events int, delivered *sync.Map) {
	t.Helper()
	for _, table := range []string{"crm_interactions", "crm_tasks", "email_messages"} {
		var rows, keys int
		err := store.Read().QueryRowContext(t.Context(),
			`SELECT COUNT(*), COUNT(DISTINCT idempotency_key) FROM `+table+` WHERE idempotency_key IS NOT NULL`).Scan(&rows, &keys)
		if err != nil {
			t.Fatal(err)
		}
		if rows != events || keys != events {
			t.Errorf("%s has %d rows under %d keys for %d events, want one each", table, rows, keys, events)
		}
	}
	callbacks := 0
	rows, err := store.Read().QueryContext(t.Context(), `SELECT id, state FROM callbacks`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, state string
		if err := rows.Scan(&id, &state); err != nil {
			t.Fatal(err)
		}
		callbacks++
		if _, arrived := delivered.Load(id); !arrived || state != string(dispatch.Delivered) {
			t.Errorf("callback %s is %s, arrived: %v", id, state, arrived)
		}
	}
	if err := rows.Err(); err != nil || callbacks != events {
		t.Errorf("%d callbacks for %d events (%v)", callbacks, events, err)
	}
}
