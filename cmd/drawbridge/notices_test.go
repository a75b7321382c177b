package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/guard"
	"drawbridge/store/state"
)

const noticeSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

// deliveredNotice is a message that came to a webhook.
type deliveredNotice struct {
	header http.Header
	body   string
	answer chan int // the status that it is to be answered
}

// noticeHook is somebody's endpoint, which answers when and as the test says.
func noticeHook(t *testing.T) (address string, came <-chan deliveredNotice) {
	t.Helper()
	all := make(chan deliveredNotice, 16)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n := deliveredNotice{r.Header, string(body), make(chan int, 1)}
		all <- n
		select {
		case status := <-n.answer:
			w.WriteHeader(status)
		case <-r.Context().Done(): // whoever called has gone
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, all
}

// noticed is a run whose call needs an approval, and of which people are told.
type noticed struct {
	t      *testing.T
	file   string
	url    string
	far    *farSide
	fake   *openaitest.Server
	server *program
	kept   *state.Store
	run    string
	how    string // decisions are made
}

// publicName is where people reach the server, as the settings say.
const publicName = "bridge.example.com"

// newNoticed starts one; more are settings below tools.
func newNoticed(t *testing.T, store testStore, notify string, more ...string) *noticed {
	t.Helper()
	n := &noticed{t: t, url: store.fresh(t), far: newFarSide(t), fake: openaitest.New(t), how: "link"}
	n.fake.Func(func(q openaitest.Request) openaitest.Reply {
		if q.Turn() == 1 {
			return openaitest.Call("far__put", `{"id":"a"}`)
		}
		return openaitest.Say("done")
	})
	n.file = wholeFile(t, fmt.Sprintf(`store: {url: %q}
server: {listen: 127.0.0.1:0, public_url: "http://%s", keys: [{name: front, key: %s, tools: ["*"], agents: [desk]}]}
log: {format: json}
model: {base_url: %q, name: main}
agents: {desk: {tools: ["far__*"]}}
policy: {defaults: off, rules: [{name: every write, when: effect != "read", then: approve, reason: it changes something}]}
approvals: {people: {fay: ["key:front", "mail:fay@example.com", "slack:U0FAY00"], ada: ["slack:U0ADA00"], cid: ["mail:cid@example.com"]}, notify: {%s}}
%s%s`, n.url, publicName, frontKey, n.fake.URL(), notify, n.far.settings(), strings.Join(more, "")))
	n.serve()
	n.kept = lookAt(t, n.url)
	n.run = startedRun(t, n.server.base, frontKey, `{"agent":"desk","prompt":"Put it."}`)
	return n
}

func (n *noticed) serve() {
	n.t.Helper()
	n.server = serve(n.t, n.file)
	awaitMount(n.t, n.server, "far")
}

// browse makes a request as a browser of somebody who was sent a link: to the name in it.
func (n *noticed) browse(method, link string, form url.Values) (status int, page string) {
	n.t.Helper()
	at := strings.TrimPrefix(n.server.base, "http://")
	browser := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != publicName+":80" {
			return nil, fmt.Errorf("the link leads to %s", address)
		}
		return new(net.Dialer).DialContext(ctx, network, at)
	}}}
	defer browser.CloseIdleConnections()
	request, err := http.NewRequestWithContext(n.t.Context(), method, link, strings.NewReader(form.Encode()))
	if err != nil {
		n.t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", "http://"+publicName)
	}
	response, err := browser.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	formTicket = regexp.MustCompile(`<input type="hidden" name="t" value="([^"]*)">`)
)

// decide follows a link, and fills in the form that is there.
func (n *noticed) decide(link, decision, note string) (status int, page string) {
	n.t.Helper()
	status, page = n.browse(http.MethodGet, link, nil)
	action, ticket := formAction.FindStringSubmatch(page), formTicket.FindStringSubmatch(page)
	if status != http.StatusOK || action == nil || ticket == nil || !strings.Contains(page, "far__put") || !strings.Contains(page, "it changes something") {
		n.t.Fatalf("the link shows %d %s", status, page)
	}
	if a := n.approval(); a.State != guard.ApprovalPending || len(a.Decisions) != 0 {
		n.t.Errorf("to look at it has decided: %+v", a)
	}
	base, err := url.Parse(link)
	if err != nil {
		n.t.Fatal(err)
	}
	to, err := base.Parse(html.UnescapeString(action[1]))
	if err != nil {
		n.t.Fatal(err)
	}
	return n.browse(http.MethodPost, to.String(), url.Values{"t": {html.UnescapeString(ticket[1])}, "decision": {decision}, "note": {note}})
}

func (n *noticed) approval() guard.Approval {
	n.t.Helper()
	all, err := n.kept.ListApprovals(n.t.Context(), guard.ApprovalFilter{}, "", 10)
	if err != nil || len(all) != 1 {
		n.t.Fatalf("the approvals are %+v (%v)", all, err)
	}
	return all[0]
}

// goesOn wants the run to have gone on with what somebody decided.
func (n *noticed) goesOn(by string, approve bool, note string) {
	n.t.Helper()
	if end := endOf(n.t, n.server.base, frontKey, n.run); end.State != "succeeded" || end.Answer != "done" {
		n.t.Errorf("the run ended as %+v", end)
	}
	want, state := 0, guard.ApprovalDenied
	if approve {
		want, state = 1, guard.ApprovalUsed
	}
	if all, _, calls := n.far.took(); all != want || calls != want {
		n.t.Errorf("%d effects of %d calls, want %d", all, calls, want)
	}
	a := n.approval()
	if a.State != state || len(a.Decisions) != 1 || a.Decisions[0].By != by || a.Decisions[0].How != n.how {
		n.t.Errorf("the approval is %+v, want it %s by %s", a, state, by)
	}
	requests := n.fake.Requests()
	if text, _ := requests[len(requests)-1].Result("far__put"); strings.Contains(text, note) == approve {
		n.t.Errorf("the model was told %q", text)
	}
	checkJournal(n.t, n.kept, n.run)
}

// over wants a link to be good for nothing any more.
func (n *noticed) over(link string) {
	n.t.Helper()
	if status, page := n.browse(http.MethodGet, link, nil); status != http.StatusOK || formAction.MatchString(page) || !strings.Contains(page, "was decided about") {
		n.t.Errorf("behind the decision the link shows %d %s", status, page)
	}
	u, err := url.Parse(link)
	if err != nil {
		n.t.Fatal(err)
	}
	form := url.Values{"t": {u.Query().Get("t")}, "decision": {"approve"}}
	if status, page := n.browse(http.MethodPost, link, form); status != http.StatusConflict {
		n.t.Errorf("decided about again: %d %s", status, page)
	}
}

// verify is what a receiver does, by the document of Standard Webhooks: nothing of ours.
func (d deliveredNotice) verify(secret string, now time.Time) error {
	id, at := d.header.Get("webhook-id"), d.header.Get("webhook-timestamp")
	sent, err := strconv.ParseInt(at, 10, 64)
	if err != nil || now.Sub(time.Unix(sent, 0)).Abs() > 5*time.Minute {
		return fmt.Errorf("it was signed at %q", at)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, id+"."+at+"."+d.body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for one := range strings.FieldsSeq(d.header.Get("webhook-signature")) {
		if hmac.Equal([]byte(one), []byte(want)) {
			return nil
		}
	}
	return fmt.Errorf("it is signed %q, want %q", d.header.Get("webhook-signature"), want)
}

// awaitNotice takes the next message.
func awaitNotice(t *testing.T, came <-chan deliveredNotice) deliveredNotice {
	t.Helper()
	select {
	case n := <-came:
		if err := n.verify(noticeSecret, time.Now()); err != nil {
			t.Fatalf("a receiver would not take it: %v", err)
		}
		altered := n
		altered.body += " "
		if altered.verify(noticeSecret, time.Now()) == nil {
			t.Fatal("the receiver takes whatever comes")
		}
		return n
	case <-time.After(parkingPatience):
		t.Fatal("nobody was told")
		return deliveredNotice{}
	}
}

// TestWebhookIsToldOfAnApprovalAndItsLinkDecides: the server is killed while the receiver
// holds its message, so that it comes again under the same id; the receiver verifies it,
// follows the link, decides, and the run goes on.
func TestWebhookIsToldOfAnApprovalAndItsLinkDecides(t *testing.T) {
	t.Parallel()
	for _, store := range testStores() {
		for decision, approve := range map[string]bool{"approve": true, "deny": false} {
			t.Run(store.name+"/"+decision, func(t *testing.T) {
				t.Parallel()
				address, came := noticeHook(t)
				n := newNoticed(t, store, fmt.Sprintf("webhook: {url: %q, secret: %q}", address, noticeSecret))
				first := awaitNotice(t, came)
				n.server.kill(t)
				n.serve()
				again := awaitNotice(t, came)
				again.answer <- http.StatusNoContent
				if a, b := first.header.Get("webhook-id"), again.header.Get("webhook-id"); a == "" || a != b {
					t.Errorf("it came as %q and as %q", a, b)
				}
				var message struct {
					Type string
					Data struct {
						ID, Tool, Run, Reason, URL string
						Arguments                  json.RawMessage
						ActsFor                    string `json:"acts_for"`
					}
				}
				err := json.Unmarshal([]byte(again.body), &message)
				if d := message.Data; err != nil || message.Type != "approval.requested" || d.ID != n.approval().ID || d.Tool != "far__put" || d.Run != n.run || d.ActsFor != "key:front" || string(d.Arguments) != `{"id":"a"}` {
					t.Fatalf("the receiver was told %s (%v)", again.body, err)
				}
				link := message.Data.URL
				forged := strings.Replace(link, "?t=", "?t=e30", 1)
				if status, page := n.browse(http.MethodGet, forged, nil); status != http.StatusUnauthorized {
					t.Errorf("a link that was tampered with: %d %s", status, page)
				}
				if status, page := n.decide(link, decision, "ask her first"); status != http.StatusOK || !strings.Contains(page, "taken down") {
					t.Errorf("deciding: %d %s", status, page)
				}
				n.goesOn("link:webhook", approve, "ask her first")
				n.over(link)
				n.server.stop(t)
			})
		}
	}
}

var linkInMail = regexp.MustCompile(`http://` + publicName + `/approvals/\S+`)

// letters are the mails that went out so far, as they are on the wire, by whom they are to.
func (n *noticed) letters() map[string]*mail.Message {
	n.t.Helper()
	found, err := n.kept.Read().QueryContext(n.t.Context(), `SELECT raw FROM email_messages WHERE status = 'sent'`)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	all := map[string]*mail.Message{}
	for found.Next() {
		var raw []byte
		if err := found.Scan(&raw); err != nil {
			n.t.Fatal(err)
		}
		m, err := mail.ReadMessage(strings.NewReader(string(raw)))
		if err != nil {
			n.t.Fatal(err)
		}
		to, err := m.Header.AddressList("To")
		if err != nil || len(to) != 1 || all[to[0].Address] != nil {
			n.t.Fatalf("a letter to %v (%v)", to, err)
		}
		all[to[0].Address] = m
	}
	if err := found.Err(); err != nil {
		n.t.Fatal(err)
	}
	return all
}

// linkIn gives the link of a letter.
func linkIn(t *testing.T, m *mail.Message) string {
	t.Helper()
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	link := linkInMail.FindString(string(text))
	if link == "" || !strings.Contains(m.Header.Get("Subject"), "far__put") {
		t.Fatalf("the letter is %q: %s", m.Header.Get("Subject"), text)
	}
	return link
}

// TestMailTellsOfAnApprovalAndItsLinkDecides: each who is to be told gets a letter, with a
// link of their own. The one who asked for the call cannot decide with his, the other can.
// The letters are read as the outbox has them on the wire.
func TestMailTellsOfAnApprovalAndItsLinkDecides(t *testing.T) {
	for _, store := range testStores() {
		for decision, approve := range map[string]bool{"approve": true, "deny": false} {
			t.Run(store.name+"/"+decision, func(t *testing.T) {
				t.Parallel()
				n := newNoticed(t, store, "email: [ada@example.com, fay@example.com]")
				var letters map[string]*mail.Message
				eventually(t, "a letter to each", parkingPatience, func() bool {
					letters = n.letters()
					return len(letters) == 2
				})
				ada, fay := linkIn(t, letters["ada@example.com"]), linkIn(t, letters["fay@example.com"])
				if ada == fay {
					t.Error("they were sent one link")
				}
				if status, page := n.browse(http.MethodGet, fay, nil); status != http.StatusOK || formAction.MatchString(page) || !strings.Contains(page, "Somebody else has to decide") {
					t.Errorf("whoever asked for it is shown %d %s", status, page)
				}
				u, err := url.Parse(fay)
				if err != nil {
					t.Fatal(err)
				}
				if status, page := n.browse(http.MethodPost, fay, url.Values{"t": {u.Query().Get("t")}, "decision": {"approve"}}); status != http.StatusConflict {
					t.Errorf("whoever asked for it decides: %d %s", status, page)
				}
				if status, page := n.decide(ada, decision, "ask her first"); status != http.StatusOK || !strings.Contains(page, "taken down") {
					t.Errorf("deciding: %d %s", status, page)
				}
				n.goesOn("mail:ada@example.com", approve, "ask her first")
				n.over(ada)
				if again := n.letters(); len(again) != 2 {
					t.Errorf("%d letters went out", len(again))
				}
				n.server.stop(t)
			})
		}
	}
}
