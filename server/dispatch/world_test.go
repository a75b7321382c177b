package dispatch_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/rehearsal"
	"drawbridge/server/callback"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// world is everything around a dispatcher: a store in a file, two tools, a
// rehearsal model, a receiver of callbacks, and a clock that tests move.
type world struct {
	t        testing.TB
	path     string // of the store
	store    *tellingStore
	session  dispatch.SessionFunc
	settings dispatch.Settings
	options  dispatch.Options

	mu       sync.Mutex
	now      time.Time
	note     func(context.Context) // what crm_note does
	find     func(context.Context) // what crm_find does
	breaks   bool                  // crm_note breaks once it has done that
	made     []string              // tools called, in order
	model    func(asked int) int   // status of the n-th answer, from 1
	asked    int
	hear     io.Writer              // gets what the model is asked, if set
	pause    string                 // the Retry-After that a refusing model sends, if any
	receiver func(received int) int // status of the n-th answer, from 1
	received []delivery
	bridge   *bridge.Bridge
}

// delivery is a callback as it arrived.
type delivery struct {
	header http.Header
	body   []byte
}

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	script = `
scenes:
  - when: {turn: 1}
    call: [{tool: crm_note}]
  - when: {turn: 2}
    call: [{tool: crm_find}]
  - when: {turn: 3}
    say: 'Noted and found.'
`
)

func newWorld(t testing.TB) *world {
	t.Helper()
	nothing := func(context.Context) {}
	w := &world{t: t, now: time.UnixMilli(1_800_000_000_000).UTC(), note: nothing, find: nothing,
		model: always(http.StatusOK), receiver: always(http.StatusOK)}
	w.options = dispatch.Options{Now: w.clock, Random: func() float64 { return 0.5 }}
	w.path = filepath.Join(t.TempDir(), "state.db")
	opened, err := sqlite.Open(t.Context(), w.path, state.Owned, state.Options{Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	w.store = &tellingStore{Store: opened, told: make(chan string, 100)}
	w.bridge = bridge.New(w.serveModel(), bridge.Options{Now: w.clock})
	w.connectTools()
	w.settings = dispatch.Settings{
		Agents: map[string]bridge.Agent{"desk": {Name: "desk", Instructions: "You work at the desk.", Model: rehearsal.ModelName,
			Budget: bridge.Budget{Wall: 10_000 * time.Hour}}},
		Sources: map[string]*dispatch.Source{"shop": {Name: "shop", Routes: []*dispatch.Route{w.route("Look.")}}},
		Targets: map[string]dispatch.Target{"shop": {URL: w.serveReceiver(), Secrets: []callback.Secret{{Text: secret}}, Schedule: callback.Schedule{0, time.Minute, time.Hour}}},
	}
	return w
}

func (w *world) route(prompt string) *dispatch.Route {
	w.t.Helper()
	r := &dispatch.Route{Source: "shop", Agent: "desk", Prompt: prompt, When: "event.type != 'test'", Target: "shop"}
	if err := r.Compile(); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) serveModel() bridge.Model {
	w.t.Helper()
	loaded, err := rehearsal.Load([]byte(script))
	if err != nil {
		w.t.Fatal(err)
	}
	play := rehearsal.NewServer(loaded, rehearsal.Options{})
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		if w.hear != nil {
			r.Body = io.NopCloser(io.TeeReader(r.Body, w.hear))
		}
		w.asked++
		status, pause := w.model(w.asked), w.pause
		w.mu.Unlock()
		if status == http.StatusOK {
			play.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Retry-After", pause)
		rw.WriteHeader(status)
	}))
	w.t.Cleanup(s.Close)
	return openai.New(openai.Options{BaseURL: s.URL + "/v1"})
}

func (w *world) serveReceiver() string {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.received = append(w.received, delivery{r.Header, body})
		status := w.receiver(len(w.received))
		w.mu.Unlock()
		rw.WriteHeader(status)
	}))
	w.t.Cleanup(s.Close)
	return s.URL
}

func (w *world) connectTools() {
	w.t.Helper()
	tools := server.NewMCPServer("tools", "1", server.WithToolCapabilities(false))
	for name, tool := range map[string]struct {
		effect bridge.Effect
		do     *func(context.Context)
	}{"crm_note": {bridge.Write, &w.note}, "crm_find": {bridge.Read, &w.find}} {
		tools.AddTool(mcp.Tool{
			Name: name, RawInputSchema: json.RawMessage(`{"type":"object","properties":{}}`),
			Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: tool.effect}),
		}, func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			w.mu.Lock()
			w.made = append(w.made, name)
			do, breaks := *tool.do, w.breaks && name == "crm_note"
			w.mu.Unlock()
			if do(ctx); breaks {
				return nil, errors.New("half way")
			}
			return mcp.NewToolResultText("done"), nil
		})
	}
	session, err := bridge.Connect(w.t.Context(), transport.NewInProcessTransport(tools))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = session.Close() })
	w.session = func(ctx context.Context, _ dispatch.Run) (context.Context, *bridge.Session, error) {
		return ctx, session, nil
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// accept stores an event, as the webhook does.
func (w *world) accept(body string) string {
	w.t.Helper()
	e := webhook.Event{ID: dispatch.NewID("evt_"), Source: "shop", Key: body, ContentType: "application/json", Headers: http.Header{}, Body: []byte(body), ReceivedAt: w.clock()}
	if _, err := w.store.Accept(w.t.Context(), webhook.Batch{Events: []webhook.Event{e}}); err != nil {
		w.t.Fatal(err)
	}
	return e.ID
}

// start adds a run that no event made.
func (w *world) start(agent, route string) string {
	w.t.Helper()
	id := dispatch.NewID("run_")
	if err := w.store.Start(w.t.Context(), dispatch.NewRun{ID: id, Agent: agent, Source: "shop", Prompt: "Look.", Route: route}); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// work starts a dispatcher and gives what stops it and waits for its end.
func (w *world) work() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	wait := w.workUnder(ctx)
	return func() {
		cancel()
		wait()
	}
}

func (w *world) workUnder(ctx context.Context) (wait func()) {
	done := make(chan struct{})
	d := w.dispatcher()
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	return func() { <-done }
}

func (w *world) dispatcher() *dispatch.Dispatcher {
	return dispatch.New(w.store, w.bridge, w.session, callback.NewSender(callback.Options{Now: w.clock}), w.settings, w.options)
}

// until lets a dispatcher work until the store has been told these things, in
// whatever order, and stops it.
func (w *world) until(told ...string) {
	w.t.Helper()
	stop := w.work()
	defer stop()
	w.await(told...)
}

func (w *world) await(told ...string) {
	w.t.Helper()
	for len(told) > 0 {
		select {
		case got := <-w.store.told:
			if i := slices.Index(told, got); i >= 0 {
				told = slices.Delete(told, i, i+1)
			}
		case <-time.After(20 * time.Second): // a failing test must end
			w.t.Fatalf("the store was never told: %q", told)
		}
	}
}

// onlyRun is the one run of the world.
func (w *world) onlyRun() dispatch.Run {
	w.t.Helper()
	runs, err := w.store.Runs(w.t.Context(), "", 10)
	if err != nil || len(runs) != 1 {
		w.t.Fatalf("%d runs (%v), want 1", len(runs), err)
	}
	return runs[0]
}

// owed is the one callback of a run.
func (w *world) owed(run string) dispatch.Callback {
	w.t.Helper()
	callbacks, err := w.store.Callbacks(w.t.Context(), run)
	if err != nil || len(callbacks) != 1 {
		w.t.Fatalf("%d callbacks (%v), want 1", len(callbacks), err)
	}
	whole, err := w.store.Callback(w.t.Context(), callbacks[0].ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return whole
}

// report is what a delivery says, after its signature was verified.
func (w *world) report(d delivery) (kind string, said dispatch.Report) {
	w.t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		w.t.Fatal(err)
	}
	// Standard Webhooks 1.0.0, "Signature scheme": id, timestamp and body, joined by full stops.
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(d.header.Get("Webhook-Id") + "." + d.header.Get("Webhook-Timestamp") + "." + string(d.body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); d.header.Get("Webhook-Signature") != want {
		w.t.Fatalf("the signature is %q, want %q", d.header.Get("Webhook-Signature"), want)
	}
	var message struct {
		Type string          `json:"type"`
		Data dispatch.Report `json:"data"`
	}
	if err := json.Unmarshal(d.body, &message); err != nil {
		w.t.Fatal(err)
	}
	return message.Type, message.Data
}

// tellingStore is a store that tells which arrow of the state diagram was taken,
// and can be made to refuse one.
type tellingStore struct {
	*state.Store
	told chan string // nil: nobody asks

	mu      sync.Mutex // workers take arrows at the same time
	refused string     // the next arrow of this name fails
	refusal error      // with this
	// appending, if set, is called before entries are appended, and may refuse it.
	appending func() error
	// beforeBegin, if set, is called before a run is begun.
	beforeBegin func()
	// afterContinue, if set, is called when a run was continued.
	afterContinue func()
	// appended, if set, is called when entries were appended, and may say otherwise.
	appended func(entries []bridge.Entry) error
	// afterQuestions, if set, is called when the open questions of a batch were looked for.
	afterQuestions func()
}

var errDiskFull = errors.New("disk is full")

// refuse has the next arrow of a name fail.
func (s *tellingStore) refuse(what string) { s.refuseWith(what, errDiskFull) }

func (s *tellingStore) refuseWith(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused, s.refusal = what, err
}

// refuses reports whether this is the arrow that is to fail, which is one alone.
func (s *tellingStore) refuses(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == "" || s.refused != what {
		return false
	}
	s.refused = ""
	return true
}

func (s *tellingStore) tell(what string, take func() error) error {
	if s.refuses(what) {
		s.told <- "refused " + what
		return s.refusal
	}
	err := take()
	if err != nil {
		what += ": " + err.Error()
	}
	if s.told != nil {
		s.told <- what
	}
	return err
}

func (s *tellingStore) Begin(ctx context.Context, run dispatch.NewRun, brief bridge.Entry, lease time.Duration) (c *dispatch.Claimed, place dispatch.Place, err error) {
	if s.beforeBegin != nil {
		s.beforeBegin()
	}
	err = s.tell("run begun", func() error {
		c, place, err = s.Store.Begin(ctx, run, brief, lease)
		return err
	})
	return c, place, err
}

func (s *tellingStore) Append(ctx context.Context, lease bridge.Lease, entries ...bridge.Entry) error {
	if s.appending != nil {
		if err := s.appending(); err != nil {
			return err
		}
	}
	err := s.Store.Append(ctx, lease, entries...)
	if err == nil && s.appended != nil {
		err = s.appended(entries)
	}
	return err
}

func (s *tellingStore) Continue(ctx context.Context, run string, key dispatch.RequestKey, entries []bridge.Entry, lease time.Duration) (*dispatch.Claimed, dispatch.Place, error) {
	c, place, err := s.Store.Continue(ctx, run, key, entries, lease)
	if s.afterContinue != nil {
		s.afterContinue()
	}
	return c, place, err
}

func (s *tellingStore) Route(ctx context.Context, event string, r dispatch.Routing) (runs []string, err error) {
	err = s.tell("event "+string(r.Status), func() error {
		runs, err = s.Store.Route(ctx, event, r)
		return err
	})
	return runs, err
}

func (s *tellingStore) Postpone(ctx context.Context, kind dispatch.Kind, ref string, until time.Time) error {
	return s.tell(string(kind)+" postponed", func() error { return s.Store.Postpone(ctx, kind, ref, until) })
}

func (s *tellingStore) Park(ctx context.Context, lease bridge.Lease, until time.Time, reason string, attempts int) error {
	return s.tell("run waiting", func() error { return s.Store.Park(ctx, lease, until, reason, attempts) })
}

func (s *tellingStore) Release(ctx context.Context, lease bridge.Lease) error {
	return s.tell("run queued", func() error { return s.Store.Release(ctx, lease) })
}

func (s *tellingStore) Finish(ctx context.Context, lease bridge.Lease, end dispatch.Ending) error {
	return s.tell("run "+string(end.State), func() error { return s.Store.Finish(ctx, lease, end) })
}

func (s *tellingStore) Advance(ctx context.Context, step dispatch.ScheduleStep) (tick dispatch.Tick, err error) {
	if tick, err = s.Store.Advance(ctx, step); err != nil {
		return tick, err
	}
	return tick, s.tell("tick "+string(tick.Outcome), func() error { return nil })
}

func (s *tellingStore) PlanSchedules(ctx context.Context, planned []dispatch.PlannedSchedule) error {
	if len(planned) == 0 {
		return s.Store.PlanSchedules(ctx, planned)
	}
	return s.tell("schedules planned", func() error { return s.Store.PlanSchedules(ctx, planned) })
}

func (s *tellingStore) Attempted(ctx context.Context, id string, a dispatch.Attempt, p dispatch.Patience) (turn dispatch.Turn, err error) {
	err = s.tell("callback "+string(a.State), func() error {
		turn, err = s.Store.Attempted(ctx, id, a, p)
		return err
	})
	return turn, err
}
