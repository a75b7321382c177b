package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/config"
	"drawbridge/store/state"
	"drawbridge/tools/email/imap/imaptest"
)

// The keys of the worlds' callers, by name.
var redteamKeys = map[string]string{
	"front":   "front-key-0123456789abcdef", // the desk's own people: everything, money too
	"back":    "back-key-0123456789abcdefg", // another desk with the same permissions
	"reader":  "reader-key-0123456789abcde", // may read, and nothing else
	"program": "program-key-0123456789abcd", // starts runs, and is told of their ends
	"boss":    "boss-key-0123456789abcdefg", // decides about approvals
	"nobody":  "nobodys-key-0123456789abcd", // is not configured
	"source":  redteamSource,
}

const redteamSource = "source-token-0123456789abcdef0123456789"

// redteamSettings are those of every world: an agent that may do everything, so that
// what stops it is never that it lacks a permission; the people and programs who talk to
// it; a webhook; and a mounted server that is hostile, of
// which the operator has said that what it is told leaves the company.
const redteamSettings = `
log: {format: json}
server:
  listen: 127.0.0.1:0
  keys:
    - {name: front, key: %[1]s, tools: ["*"], agents: ["*"], effects: [read, write, message, money]}
    - {name: back, key: %[2]s, tools: ["*"], agents: ["*"], effects: [read, write, message, money]}
    - {name: reader, key: %[3]s, tools: ["crm_*", "payment_*", "email_*"], agents: ["*"], effects: [read]}
    - {name: boss, key: %[9]s, tools: ["*"], agents: ["*"], effects: [read, write, message, money], approve: true}
    - {name: program, key: %[4]s, tools: ["crm_*", "email_*", "payment_*", "partner__*"], agents: ["desk"], effects: [read, write, message, money]}
guard: {limits: []} # all cases of a world share them, and would be stopped by one another
model: {base_url: %[5]q, name: main%[6]s}
agents:
  desk: {tools: ["*"], effects: [read, write, message, money]}
  clerk: {tools: ["crm_*", "email_search_messages", "email_get_message", "email_create_draft"]}
webhooks:
  shop:
    scheme: token
    secrets: [%[7]s]
    agent: desk
    effects: [read, write, message, money]
    prompt: "Handle the {{ .event.type }} of customer {{ .event.customer }}."
  reports: # may read, and nothing else
    scheme: token
    secrets: [%[7]s]
    agent: desk
    effects: [read]
    prompt: "Look at the {{ .event.type }}."
  notes: # may write, and tell nobody
    scheme: token
    secrets: [%[7]s]
    agent: desk
    effects: [read, write]
    prompt: "Look at the {{ .event.type }}."
tools:
  mcp:
    - {name: partner, url: %[8]q, effects: {lookup: read, fetch: read, "*": message}}
`

// world is a Drawbridge with everything around it.
type world struct {
	t       *testing.T
	name    string
	app     *app
	file    string // its settings
	base    string
	model   *openaitest.Server
	partner *partner
	outside *outside
	inbox   *imaptest.Server // the mailbox that is watched, and its settings; nil if none is
	box     *config.Config

	mu    sync.Mutex
	scene *scene // that is being played
	vars  map[string]string
}

// worlds are the settings that cases are played under, by name: what differs from
// redteamSettings.
var worlds = map[string]struct {
	Model string        // more settings of the model
	More  string        // more settings, at the top level
	Tools []partnerTool // what the mounted server offers, if not partnerTools
	Inbox bool          // there is a mailbox that is watched
}{
	"company": {},
	// Every request carries a few functions; find_tools gives the rest.
	"search": {Model: ", max_functions: 8"},
	// The mounted server's descriptions and names are attacks themselves.
	"lying": {Tools: lyingTools},
	// Mail comes into a mailbox at a real mail server.
	"inbox": {Inbox: true},
}

func newWorld(t *testing.T, name string) *world {
	t.Helper()
	how, known := worlds[name]
	if !known {
		t.Fatalf("there is no world %q", name)
	}
	w := &world{t: t, name: name, model: openaitest.New(t), partner: newPartner(t, how.Tools), outside: newOutside(t)}
	w.model.Func(w.speak)
	k := redteamKeys
	w.file = settingsFile(t, fmt.Sprintf(redteamSettings, k["front"], k["back"], k["reader"], k["program"], w.model.URL(), how.Model, redteamSource, w.partner.url, k["boss"])+how.More)
	cfg, err := config.Load(w.file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	if how.Inbox {
		cfg.Webhooks["inbox"] = w.watchInbox(t)
	}
	if w.app, err = newApp(t.Context(), cfg, appOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.app.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := w.app.backends.seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.app.mounts.start(t.Context())
	address, _, err := w.app.Listen(t.Context(), cfg.Server.Listen)
	if err != nil {
		t.Fatal(err)
	}
	w.app.Work(t.Context())
	w.base = "http://" + address.String()
	for _, mount := range w.app.mounts.list {
		select {
		case <-mount.Settled():
		case <-time.After(time.Minute):
			t.Fatalf("the mounted server did not come up: %+v", mount.Status())
		}
	}
	if how.Inbox {
		w.readInbox(t)
	}
	return w
}

func (w *world) store() *state.Store { return w.app.store }

// outside is an address that nobody has allowed, and counts who comes.
type outside struct {
	url string
	mu  sync.Mutex
	got []string
}

func newOutside(t *testing.T) *outside {
	o := &outside{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.got = append(o.got, "outside "+r.Method+" "+r.URL.Path)
	}))
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

func (o *outside) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	got := o.got
	o.got = nil
	return got
}

// filled puts the values of the world into a text: ${mail}, ${outside}, ${tool.member}.
func (w *world) filled(text string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, value := range w.vars {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

func (w *world) set(name, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.vars[name] = value
}
