package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"drawbridge/bridge/openaitest"
	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
	"drawbridge/tools/crm"
	"drawbridge/tools/email"
	"drawbridge/tools/email/smtp/smtptest"
)

// night is a company whose agent tells customers each night that their orders are late:
// the program, a model, and a real mail server behind a gate.
type night struct {
	t     *testing.T
	url   string // of the store
	file  string // the settings
	token string
	mail  *smtptest.Server
	gate  *mailGate
	fake  *openaitest.Server

	server *program
	kept   *state.Store // to look at
	paused chan struct{}
	run    string

	mu     sync.Mutex
	before func(address string) // is told of each mail that the model is about to ask for
	behind func(sent int)       // of each question behind the result of a mail: how many there are
}

// late are the customers with late orders, in the order in which the agent writes to them:
// of the sample company, and two orders of others that are late besides.
var late = []struct {
	name, address string
	orders        []string
}{
	{"Ada Lindqvist", "ada@example.com", []string{"A-1002", "A-1007"}},
	{"Chiara Rossi", "chiara@example.com", []string{"A-1004"}},
	{"Emi Tanaka", "emi@example.com", []string{"A-1005"}},
}

// nightSettings are what an operator writes. Without the rule each mail would wait for
// somebody's word: the agent has read what customers wrote.
const nightSettings = `store: {url: %q}
server: {listen: 127.0.0.1:0}
log: {format: json}
model: {base_url: %q, name: main}
tools:
  email:
    backend: smtp
    from: Kettles <orders@example.org>
    smtp: {address: %q, ca: %q, username: %q, password: %q}
agents:
  care:
    instructions: Tell customers whose orders are late. One mail each, whatever they ordered.
    tools: [crm_search_orders, crm_get_customer, crm_log_interaction, email_send]
    effects: [read, write, message]
    budget: {turns: 40}
schedules:
  nightly: {every: 1s, agent: care, prompt: "It is {{.tick}}. Tell the customers whose orders are late.", overlap: skip, catch_up: one}
policy:
  rules:
    - name: one customer a mail, by night
      when: tool == "email_send" && source == "nightly" && size(facts.recipients) == 1 && facts.recipients_known && size(facts.new_addresses) == 0
      then: allow
`

func newNight(t *testing.T, store testStore) *night {
	n := &night{t: t, url: store.fresh(t), mail: smtptest.New(t), fake: openaitest.New(t), paused: make(chan struct{})}
	n.gate = newMailGate(t, n.mail.Listen(false))
	folder := t.TempDir()
	n.file, n.token = filepath.Join(folder, "drawbridge.yaml"), filepath.Join(folder, "token")
	_, port, err := net.SplitHostPort(n.gate.address)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(nightSettings, n.url, n.fake.URL(), net.JoinHostPort(smtptest.Host, port), n.mail.RootsFile, smtptest.Username, smtptest.Password)
	if err := os.WriteFile(n.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	seedWith(t, n.file, func(a *app) {
		for _, order := range []string{"A-1004", "A-1007"} {
			call(t, a, crm.UpdateOrderTool, arguments{"order": order, "delayed": true})
		}
	})
	n.fake.Func(n.model)
	return n
}

// seedWith fills the store that settings name with the sample company, and more.
func seedWith(t *testing.T, file string, more func(a *app)) {
	t.Helper()
	cfg, err := config.Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newToolApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.backends.seed(t.Context()); err != nil {
		t.Error(err)
	} else {
		more(a)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// call makes a call that has to succeed.
func call(t *testing.T, a *app, tool string, in arguments) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	found, known := a.catalog.Lookup(tool)
	if !known {
		t.Fatalf("there is no %s", tool)
	}
	if _, err := found.Call(t.Context(), raw); err != nil {
		t.Fatalf("%s %s: %v", tool, raw, err)
	}
}

// model does what the instructions say, by what the tools told it: it looks who was told
// already, writes one mail a customer about all that is late, and notes that it did.
func (n *night) model(q openaitest.Request) openaitest.Reply {
	select {
	case <-n.paused: // no night but this one
	case <-n.t.Context().Done():
		return openaitest.Fail(503)
	}
	calls := madeIn(q)
	found, known := read[crm.OrderPage](n.t, calls, crm.SearchOrdersTool, "")
	if !known {
		return asks(crm.SearchOrdersTool, arguments{"delayed": true, "limit": 100})
	}
	orders := map[string][]string{}
	for _, order := range found.Orders {
		orders[order.CustomerID] = append(orders[order.CustomerID], order.Number)
	}
	n.asked(calls)
	told := 0
	for _, id := range slices.Sorted(maps.Keys(orders)) {
		picture, known := read[crm.CustomerPicture](n.t, calls, crm.GetCustomerTool, id)
		if !known {
			return asks(crm.GetCustomerTool, arguments{"customer": id})
		}
		slices.Sort(orders[id])
		about := "Told that " + strings.Join(orders[id], ", ") + " is late"
		if slices.ContainsFunc(picture.RecentInteractions, func(i crm.Interaction) bool { return i.Summary == about }) {
			continue
		}
		told++
		to := picture.Customer
		switch {
		case !has(calls, email.ToolSend, to.Email):
			n.writes(to.Email)
			return asks(email.ToolSend, arguments{"to": []string{to.Email}, "subject": "Your order " + strings.Join(orders[id], ", "),
				"text": fmt.Sprintf("Hello %s,\n\nyour order %s is late. We are sorry.", to.Name, strings.Join(orders[id], ", "))})
		case !has(calls, crm.LogInteractionTool, id):
			return asks(crm.LogInteractionTool, arguments{"customer": id, "kind": "email", "summary": about})
		}
	}
	return openaitest.Say(fmt.Sprintf("%d customers were told.", told))
}

// writes tells who waits for it that a mail is about to be asked for.
func (n *night) writes(address string) {
	n.mu.Lock()
	before := n.before
	n.mu.Unlock()
	if before != nil {
		before(address)
	}
}

// asked tells who waits for it that the newest call of a conversation was a mail.
func (n *night) asked(calls []made) {
	n.mu.Lock()
	behind := n.behind
	n.mu.Unlock()
	if behind == nil || calls[len(calls)-1].tool != email.ToolSend {
		return
	}
	sent := 0
	for _, call := range calls {
		if call.tool == email.ToolSend {
			sent++
		}
	}
	behind(sent)
}

func (n *night) beforeMail(do func(address string)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.before = do
}

func (n *night) behindMail(do func(sent int)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.behind = do
}

// has reports whether a tool was called with a text in its arguments.
func has(calls []made, tool, having string) bool {
	return slices.ContainsFunc(calls, func(c made) bool { return c.tool == tool && strings.Contains(c.arguments, having) })
}

// falls has the program serve until the night's run has begun, by its clock, and lets no
// other night come.
func (n *night) falls(variables ...string) {
	n.t.Helper()
	n.server = serve(n.t, n.file, variables...)
	n.kept = lookAt(n.t, n.url)
	eventually(n.t, "the night", storyPatience, func() bool {
		ticks, err := n.kept.Ticks(n.t.Context(), "nightly", 10_000)
		if err != nil {
			n.t.Fatal(err)
		}
		i := slices.IndexFunc(ticks, func(tick dispatch.Tick) bool { return tick.Outcome == dispatch.TickStarted })
		if i >= 0 {
			n.run = ticks[i].Run
		}
		return i >= 0
	})
	says(n.t, n.file, exitDone, "schedule nightly is paused", "pause", "nightly")
	close(n.paused)
}

// stands waits until the run has ended, or waits for a person.
func (n *night) stands() dispatch.Run {
	n.t.Helper()
	return (&mortal{t: n.t, run: n.run}).await(n.kept)
}

// undecided is the only call that the operator is shown to decide about.
func (n *night) undecided() undecidedView {
	n.t.Helper()
	var calls []undecidedView
	out, errs, code := command(n.t, "runs", "undecided", "-c", n.file, "--json")
	if err := json.Unmarshal([]byte(out), &calls); err != nil || code != exitDone || len(calls) != 1 {
		n.t.Fatalf("undecided: exit %d %s%s", code, out, errs)
	}
	return calls[0]
}

// mailed wants one mail for each customer, personal, and no other.
func (n *night) mailed() {
	n.t.Helper()
	got := map[string]string{}
	for _, raw := range n.mail.All() {
		m, err := mail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			n.t.Fatal(err)
		}
		body, err := io.ReadAll(m.Body)
		if err != nil {
			n.t.Fatal(err)
		}
		to := m.Header.Get("To")
		if _, twice := got[to]; twice {
			n.t.Errorf("%s got two mails", to)
		}
		got[to] = m.Header.Get("Subject") + "\n" + string(body)
	}
	for _, customer := range late {
		text := got["<"+customer.address+">"]
		for _, personal := range append([]string{customer.name}, customer.orders...) {
			if !strings.Contains(text, personal) {
				n.t.Errorf("the mail to %s lacks %q:\n%s", customer.address, personal, text)
			}
		}
		for _, other := range late {
			if other.name != customer.name && strings.Contains(text, other.orders[0]) {
				n.t.Errorf("the mail to %s is about an order of %s:\n%s", customer.address, other.name, text)
			}
		}
	}
	if len(got) != len(late) || n.mail.Taken() != len(late) {
		n.t.Errorf("%d mails to %d people, want one for each of %d:\n%s", n.mail.Taken(), len(got), len(late), n.mail.Log())
	}
}

// mailGate stands between the program and the mail server. What the server says passes
// as long as open says so; otherwise the program never hears it.
type mailGate struct {
	address string

	mu   sync.Mutex
	open func() bool
}

func newMailGate(t *testing.T, server string) *mailGate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &mailGate{address: l.Addr().String()}
	var speaking sync.WaitGroup
	speaking.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			speaking.Go(func() { g.join(t, c, server) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		speaking.Wait()
	})
	return g
}

// join has the two sides of a connection speak until one of them ends it.
func (g *mailGate) join(t *testing.T, program net.Conn, server string) {
	defer func() { _ = program.Close() }()
	behind, err := new(net.Dialer).DialContext(t.Context(), "tcp", server)
	if err != nil {
		return
	}
	defer context.AfterFunc(t.Context(), func() {
		_ = program.Close()
		_ = behind.Close()
	})()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(behind, program)
		_ = behind.Close()
	})
	part := make([]byte, 64<<10)
	for {
		n, err := behind.Read(part)
		if n > 0 && g.passes() {
			_, err = program.Write(part[:n])
		}
		if err != nil {
			break
		}
	}
	_ = program.Close()
	both.Wait()
}

func (g *mailGate) passes() bool {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	return open == nil || open()
}

// watch sets who is asked before anything of the server's passes.
func (g *mailGate) watch(open func() bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = open
}
