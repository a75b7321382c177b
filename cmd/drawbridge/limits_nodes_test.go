package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// bound is a limit that the settings set, and calls that run into it.
type bound struct {
	name, settings string
	tool           string
	arguments      string // of the n-th call
	done           string // counts what took effect
	fits           int
	span           time.Duration // after which it is forgotten; 0: nobody is told when
}

const (
	oneRefund  = `{"payment_id":"pi_demo_1001","amount_minor":100,"currency":"EUR","reason":"other","note":"bounded %d"}`
	oneMail    = `{"to":["ada@example.com"],"subject":"bounded %d","text":"Hello."}`
	refunds    = `SELECT COUNT(*) FROM payment_refunds WHERE note LIKE 'bounded %' AND amount_minor = 100`
	mails      = `SELECT COUNT(*) FROM email_messages WHERE subject LIKE 'bounded %' AND status = 'sent'`
	refundTool = "payment_create_refund"
)

var bounds = []bound{
	{"money an hour", "guard: {limits: [{name: refunds, effect: money, amount_per_hour: [10.00 EUR]}]}", refundTool, oneRefund, refunds, 10, time.Hour},
	{"money a day", "guard: {limits: [{name: refunds, effect: money, amount_per_day: [9.50 EUR]}]}", refundTool, oneRefund, refunds, 9, 24 * time.Hour},
	{"messages an hour", "guard: {limits: [{name: mails, effect: message, count_per_hour: 6}]}", "email_send", oneMail, mails, 6, time.Hour},
	{"messages a day", "guard: {limits: [{name: mails, effect: message, count_per_day: 7}]}", "email_send", oneMail, mails, 7, 24 * time.Hour},
	{"a running total", `guard: {limits: []}`, refundTool, oneRefund, refunds, 8, 0},
}

// boundedCalls are made at once, more than any bound lets through.
const boundedCalls = 16

// boundWorld is a store with the sample company, and processes that serve from it.
type boundWorld struct {
	t     *testing.T
	bound bound
	url   string
	file  string
	nodes []*program
	kept  *state.Store
	made  int
}

func newBounded(t *testing.T, store testStore, b bound) *boundWorld {
	rules := ""
	if b.span == 0 {
		rules = fmt.Sprintf(`, rules: [{name: small, when: 'tool == %[1]q && spent(%[1]q, "day", facts.currency) + facts.amount_minor <= 850', then: allow}, {name: no more, when: 'tool == %[1]q', then: deny, reason: enough was given back today}]`, refundTool)
	}
	l := &boundWorld{t: t, bound: b, url: store.fresh(t)}
	l.file = wholeFile(t, fmt.Sprintf(`store: {url: %q}
server: {listen: 127.0.0.1:0, keys: [{name: front, key: %s, tools: ["*"], effects: [read, write, message, money]}]}
log: {format: json}
policy: {defaults: off%s}
%s
`, l.url, frontKey, rules, b.settings))
	seed(t, l.file)
	return l
}

func (l *boundWorld) serve() {
	l.t.Helper()
	l.nodes = append(l.nodes, serve(l.t, l.file))
	if l.kept == nil {
		l.kept = lookAt(l.t, l.url)
	}
}

// boundedAnswer is what became of a call.
type boundedAnswer struct {
	code, text string
	after      time.Duration // when to try again
	fault      error
}

// call makes the n-th call at a node, as a client of protocol 2026-07-28.
func (l *boundWorld) call(node *program, n int) (a boundedAnswer) {
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
		n, l.bound.tool, fmt.Sprintf(l.bound.arguments, n))
	c := mcpCaller{base: node.base, key: frontKey, modern: true}
	var result struct {
		IsError bool `json:"isError"`
		Content []struct{ Text string }
		Meta    struct {
			Error struct {
				Code  string
				After int64 `json:"retry_after"`
			}
		} `json:"_meta"`
	}
	raw, refused, err := c.send(l.t.Context(), "tools/call", l.bound.tool, body)
	switch {
	case err != nil:
		a.fault = err
	case refused != nil:
		a.fault = fmt.Errorf("answered by %s", refused)
	default:
		a.fault = json.Unmarshal(raw, &result)
	}
	if a.fault == nil && result.IsError {
		a.code, a.after = result.Meta.Error.Code, time.Duration(result.Meta.Error.After)*time.Second
		a.text = result.Content[0].Text
	}
	return a
}

// next makes one more call.
func (l *boundWorld) next(node *program) boundedAnswer {
	l.t.Helper()
	l.made++
	a := l.call(node, l.made)
	if a.fault != nil {
		l.t.Fatal(a.fault)
	}
	return a
}

// rush makes calls at all nodes at once, and gives the answers.
func (l *boundWorld) rush() []boundedAnswer {
	l.t.Helper()
	answers, begin := make([]boundedAnswer, boundedCalls), make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		l.made++
		n := l.made
		all.Go(func() {
			<-begin
			answers[i] = l.call(l.nodes[i%len(l.nodes)], n)
		})
	}
	close(begin)
	all.Wait()
	for _, a := range answers {
		if a.fault != nil {
			l.t.Fatal(a.fault)
		}
	}
	return answers
}

// did is how many calls took effect.
func (l *boundWorld) did() (n int) {
	l.t.Helper()
	if err := l.kept.Read().QueryRowContext(l.t.Context(), l.bound.done).Scan(&n); err != nil {
		l.t.Fatal(err)
	}
	return n
}

// refused wants a call refused, and whoever made it told when to try again.
func (l *boundWorld) refused(a boundedAnswer) {
	l.t.Helper()
	if l.bound.span == 0 {
		if a.code != "denied" || !strings.Contains(a.text, "enough was given back today") {
			l.t.Errorf("beyond the total it is %q: %s", a.code, a.text)
		}
		return
	}
	// Nothing was done before this test began, so all of it is forgotten at the end of the span.
	if a.code != "rate_limited" || !strings.Contains(a.text, "Try again in "+a.after.String()+", not before") || a.after > l.bound.span || a.after < l.bound.span-15*time.Minute {
		l.t.Errorf("beyond the limit it is %q, to be tried again in %s: %s", a.code, a.after, a.text)
	}
}

// filled wants so many of the calls to have gone through, and all that fits to be done.
func (l *boundWorld) filled(answers []boundedAnswer, want int) {
	l.t.Helper()
	through := 0
	for _, a := range answers {
		if a.code == "" {
			through++
		} else {
			l.refused(a)
		}
	}
	if did := l.did(); through != want || did != l.bound.fits {
		l.t.Errorf("%d of %d calls went through and %d took effect, want %d and %d", through, len(answers), did, want, l.bound.fits)
	}
}

// age has everything that was counted so far be older.
func (l *boundWorld) age(by time.Duration) {
	l.t.Helper()
	beside, err := openState(l.t.Context(), config.Store{URL: config.Secret(l.url)}, state.Beside)
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = beside.Close() }()
	err = beside.Write(l.t.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(l.t.Context(), `UPDATE totals SET at = at - ?`, by.Milliseconds())
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// forgets wants the time that callers are told to be right: a little before it they are
// refused still, and at it they are not.
func (l *boundWorld) forgets(node *program) {
	l.t.Helper()
	if l.bound.span == 0 {
		l.age(25 * time.Hour) // beyond the day that the rule asks for
		if a := l.next(node); a.code != "" {
			l.t.Errorf("on the next day it is %q: %s", a.code, a.text)
		}
		return
	}
	l.age(l.bound.span / 2)
	a := l.next(node)
	if a.code != "rate_limited" || a.after > l.bound.span/2+l.bound.span/64 {
		l.t.Errorf("after half of the time it is %q, to be tried again in %s", a.code, a.after)
	}
	l.age(a.after)
	if a := l.next(node); a.code != "" {
		l.t.Errorf("when it was to be tried again it is %q: %s", a.code, a.text)
	}
}

// TestLimitsHoldOverAllNodesTogether: one key calls two nodes at once, more often than its
// limit allows; what goes through is the limit, exactly. What one node refuses the other
// refuses as well, until the time that both have named.
func TestLimitsHoldOverAllNodesTogether(t *testing.T) {
	stores := slices.DeleteFunc(testStores(), func(s testStore) bool { return s.name == "sqlite" })
	for _, store := range stores {
		for _, b := range bounds {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				l := newBounded(t, store, b)
				l.serve()
				l.serve()
				l.filled(l.rush(), b.fits)
				for _, node := range l.nodes {
					l.refused(l.next(node))
				}
				if did := l.did(); did != b.fits {
					t.Errorf("%d took effect in the end", did)
				}
				l.forgets(l.nodes[1])
				for _, node := range l.nodes {
					node.stop(t)
				}
			})
		}
	}
}

// TestLimitsHoldOverARestart: what was done before a kill -9 counts behind it.
func TestLimitsHoldOverARestart(t *testing.T) {
	for _, store := range testStores() {
		if store.name != "sqlite" {
			continue // two nodes are a restart, and more
		}
		for _, b := range bounds {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				l := newBounded(t, store, b)
				l.serve()
				for range b.fits - 1 {
					if a := l.next(l.nodes[0]); a.code != "" {
						t.Fatalf("within the limit it is %q: %s", a.code, a.text)
					}
				}
				l.nodes[0].kill(t)
				l.nodes = nil
				l.serve()
				l.filled(l.rush(), 1)
				l.nodes[0].kill(t)
				l.nodes = nil
				l.serve()
				l.refused(l.next(l.nodes[0]))
				if did := l.did(); did != b.fits {
					t.Errorf("%d took effect in the end", did)
				}
				l.forgets(l.nodes[0])
				l.nodes[0].stop(t)
			})
		}
	}
}
