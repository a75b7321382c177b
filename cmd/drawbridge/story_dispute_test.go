package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/webhook"
	"drawbridge/store/state"
	"drawbridge/tools/crm"
	"drawbridge/tools/email"
	"drawbridge/tools/email/imap/imaptest"
	"drawbridge/tools/email/smtp/smtptest"
	"drawbridge/tools/payment"
	"drawbridge/tools/payment/stripe/stripefake"
)

// disputed is a company one of whose customers has her bank take a payment back: the
// program, a model, an account at Stripe, and the mail servers.
type disputed struct {
	t       *testing.T
	url     string // of the store
	file    string // the settings
	stripe  *stripefake.Server
	dispute string // its id at Stripe
	event   []byte

	server *program
	kept   *state.Store // to look at
}

const disputeSecret = "whsec_test_0123456789abcdef"

// disputeSettings are what an operator writes. Nothing in them says that somebody is to be
// asked before the bank is: that money is not moved by what a text from outside suggests
// is the rule that holds by itself.
const disputeSettings = `store: {url: %q}
server:
  listen: 127.0.0.1:0
  keys: [{name: boss, key: %s, tools: [crm_list_tasks], approve: true}]
log: {format: json}
model: {base_url: %q, name: main}
tools:
  payment: {backend: stripe, key: %s, base_url: %q, requests_per_second: 1000}
  email:
    backend: smtp
    from: Kettles <orders@example.org>
    smtp: {address: "localhost:%s", ca: %q, username: %s, password: %q}
    imap: {address: %q, tls: none, username: %s, password: %s, sent: Sent}
agents:
  disputes:
    instructions: Find out what our records say about a disputed payment, and answer the bank.
    tools: [payment_get_dispute, payment_draft_dispute_evidence, payment_submit_dispute_evidence, crm_get_customer, crm_get_order, email_search_messages, email_get_message]
    effects: [read, write, money]
webhooks:
  stripe:
    scheme: stripe
    secrets: [%s]
    when: event.type == "charge.dispute.created"
    agent: disputes
    effects: [read, write, money]
    prompt: "Payment {{ .event.data.object.payment_intent }} is disputed: {{ .event.data.object.id }}, {{ .event.data.object.reason }}."
`

// thanks is what the customer wrote when the goods had come.
const thanks = "From: Ada Lindqvist <ada@example.com>\r\nTo: orders@example.org\r\nSubject: The blue mugs\r\nMessage-ID: <mugs@example.com>\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000\r\n\r\n" +
	"All two dozen of order A-1001 came on Monday, thank you!\r\n"

func newDisputed(t *testing.T, store testStore) *disputed {
	fake, exim, box := openaitest.New(t), smtptest.New(t), imaptest.New(t, imaptest.Options{})
	d := &disputed{t: t, url: store.fresh(t), file: filepath.Join(t.TempDir(), "drawbridge.yaml"), stripe: stripefake.New(t, time.Now)}
	box.Deliver(thanks)
	_, port, err := net.SplitHostPort(exim.Listen(false))
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(disputeSettings, d.url, bossKey, fake.URL(), stripefake.Key, d.stripe.URL,
		port, exim.RootsFile, smtptest.Username, smtptest.Password, box.Address, imaptest.Username, imaptest.Password, disputeSecret)
	if err := os.WriteFile(d.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	seedWith(t, d.file, func(*app) {})
	d.stripe.Meet("cus_demo_ada", "Ada Lindqvist", "ada@example.com")
	paid := d.stripe.TakePayment(stripefake.Payment{Customer: "cus_demo_ada", Amount: 34800, Currency: "eur", Status: "succeeded", Created: time.Now().AddDate(0, 0, -90)})
	if d.dispute, err = d.stripe.OpenDispute(stripefake.Dispute{Payment: paid, Reason: "product_not_received", Status: "needs_response", RespondBy: time.Now().AddDate(0, 0, 10)}); err != nil {
		t.Fatal(err)
	}
	d.event = fmt.Appendf(nil, `{"id":"evt_dispute_1","object":"event","type":"charge.dispute.created","data":{"object":{"id":%q,"object":"dispute","payment_intent":%q,"amount":34800,"currency":"eur","reason":"product_not_received","status":"needs_response"}}}`,
		d.dispute, paid)
	fake.Func(d.model)
	return d
}

// model gathers what the records say, drafts an answer of it, and submits that.
func (d *disputed) model(q openaitest.Request) openaitest.Reply {
	calls := madeIn(q)
	dispute, known := read[payment.DisputeDetails](d.t, calls, payment.ToolGetDispute, "")
	if !known {
		return asks(payment.ToolGetDispute, arguments{"dispute_id": d.dispute})
	}
	picture, known := read[crm.CustomerPicture](d.t, calls, crm.GetCustomerTool, "")
	if !known {
		return asks(crm.GetCustomerTool, arguments{"customer": dispute.Customer.Reference})
	}
	of := slices.IndexFunc(picture.Orders, func(o crm.Order) bool { return o.AmountMinor == dispute.Amount.AmountMinor })
	if of < 0 {
		return openaitest.Say("There is no such order.")
	}
	order, known := read[crm.OrderDetails](d.t, calls, crm.GetOrderTool, "")
	if !known {
		return asks(crm.GetOrderTool, arguments{"order": picture.Orders[of].Number})
	}
	found, known := read[email.MessageList](d.t, calls, email.ToolSearch, "")
	if !known {
		return asks(email.ToolSearch, arguments{"address": picture.Customer.Email, "q": order.Number})
	}
	if len(found.Messages) == 0 {
		return openaitest.Say("She wrote nothing about it.")
	}
	wrote, known := read[email.Message](d.t, calls, email.ToolGet, "")
	if !known {
		return asks(email.ToolGet, arguments{"id": found.Messages[0].ID})
	}
	evidence := arguments{"dispute_id": dispute.ID, "customer_name": picture.Customer.Name, "customer_email": picture.Customer.Email,
		"product_description": fmt.Sprintf("Order %s, %s: %d of %s", order.Number, order.Status, order.Lines[0].Quantity, order.Lines[0].Name),
		"other":               "She wrote: " + wrote.Text}
	for _, next := range []string{payment.ToolDraftEvidence, payment.ToolSubmitEvidence} {
		if !has(calls, next, "") {
			return asks(next, evidence)
		}
	}
	return openaitest.Say("In the end: " + calls[len(calls)-1].result)
}

// gathered is what of the evidence comes from where.
var gathered = map[string]string{
	"customer_name":          "Ada Lindqvist",                                            // the CRM
	"customer_email_address": "ada@example.com",                                          // the CRM
	"product_description":    "Order A-1001, delivered: 24 of Blue mug",                  // its orders and products
	"uncategorized_text":     "All two dozen of order A-1001 came on Monday, thank you!", // mail
}

// sends has Stripe deliver the event, and gives what was answered.
func (d *disputed) sends() (answer struct{ Duplicate bool }) {
	d.t.Helper()
	header, err := webhook.Sign("stripe", disputeSecret, webhook.Outgoing{At: time.Now(), Body: d.event}, webhook.SchemeOptions{})
	if err != nil {
		d.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.server.base+"/webhooks/stripe", bytes.NewReader(d.event))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		d.t.Fatalf("the event was answered %s (%v)", response.Status, err)
	}
	return answer
}

// posted are the requests that wrote to the dispute and took effect, to draft or to submit.
func (d *disputed) posted(submit string) (all []stripefake.Request) {
	for _, request := range d.stripe.Requests() {
		if request.Method == http.MethodPost && strings.HasSuffix(request.Path, "/disputes/"+d.dispute) && request.Form.Get("submit") == submit && !request.Replayed {
			all = append(all, request)
		}
	}
	return all
}

// run is the only one that the event became, once there is one.
func (d *disputed) run() (run dispatch.Run) {
	d.t.Helper()
	all, err := d.kept.Runs(d.t.Context(), "", 10)
	if err != nil || len(all) > 1 {
		d.t.Fatalf("there are %d runs (%v)", len(all), err)
	}
	if len(all) == 1 {
		run = all[0]
	}
	return run
}

// awaits waits until the run waits for its approval.
func (d *disputed) awaits() {
	d.t.Helper()
	eventually(d.t, "the run to wait for its approval", storyPatience, func() bool {
		run := d.run()
		if run.State.Ended() {
			d.t.Fatalf("the run is %s %s: %s", run.State, run.Reason, run.Answer)
		}
		return run.AwaitsApproval()
	})
}

// ends waits for the run's end.
func (d *disputed) ends() dispatch.Run {
	d.t.Helper()
	run := (&mortal{t: d.t, run: d.run().ID}).await(d.kept)
	if run.State != dispatch.Succeeded {
		d.t.Errorf("the run is %s %s: %s", run.State, run.Reason, run.Answer)
	}
	checkJournal(d.t, d.kept, run.ID)
	return run
}

// asked is what the boss is shown, at the door.
func (d *disputed) asked() (approval struct{ ID, Tool, State string }) {
	d.t.Helper()
	boss := apiCaller{d.t, d.server.base, bossKey}
	var list struct {
		Data []struct{ ID, Tool, State string }
	}
	listed := boss.do(http.MethodGet, "/v1/approvals", "")
	if err := json.Unmarshal([]byte(listed.body), &list); err != nil || len(list.Data) != 1 {
		d.t.Fatalf("the approvals are %d %s (%v)", listed.status, listed.body, err)
	}
	shown := boss.do(http.MethodGet, "/v1/approvals/"+list.Data[0].ID, "")
	for _, part := range gathered {
		if !strings.Contains(shown.body, part) {
			d.t.Errorf("the boss is asked without being shown %q: %s", part, shown.body)
		}
	}
	return list.Data[0]
}

func (d *disputed) decides(decision string) {
	d.t.Helper()
	got := apiCaller{d.t, d.server.base, bossKey}.do(http.MethodPost, "/v1/approvals/"+d.asked().ID+"/decide", fmt.Sprintf(`{"decision":%q}`, decision))
	if got.status != http.StatusOK {
		d.t.Fatalf("the decision was answered %d %s", got.status, got.body)
	}
}

// waits plays the story up to where the answer waits for the boss, is killed there, and
// goes on: the evidence is gathered and drafted once, the event is known, and the bank has
// heard nothing.
func (d *disputed) waits() {
	d.t.Helper()
	d.server = serve(d.t, d.file)
	if d.sends().Duplicate {
		d.t.Error("the first delivery is taken for a duplicate")
	}
	d.kept = lookAt(d.t, d.url)
	d.awaits()
	d.server.kill(d.t)
	d.server = serve(d.t, d.file)
	if !d.sends().Duplicate {
		d.t.Error("the event that came again is not taken for a duplicate")
	}
	d.awaits()
	drafts := d.posted("false")
	if len(drafts) != 1 {
		d.t.Fatalf("evidence was drafted %d times, want once", len(drafts))
	}
	for part, text := range gathered {
		if got := drafts[0].Form.Get("evidence[" + part + "]"); !strings.Contains(got, text) {
			d.t.Errorf("%s of the draft is %q, want %q", part, got, text)
		}
	}
	if submitted := d.posted("true"); len(submitted) != 0 {
		d.t.Errorf("evidence was submitted %d times before anybody decided", len(submitted))
	}
	if a := d.asked(); a.Tool != payment.ToolSubmitEvidence || a.State != string(guard.ApprovalPending) {
		d.t.Errorf("the boss is asked about %+v", a)
	}
}

// TestDisputeBecomesEvidenceADraftAndAnApproval is story (a): a dispute at Stripe becomes
// evidence of what CRM and mail say, a draft at Stripe, and a question to a person, whose
// word decides whether the bank hears of it; killed on the way, wherever that may double it.
func TestDisputeBecomesEvidenceADraftAndAnApproval(t *testing.T) {
	for _, store := range testStores() {
		for _, decision := range []string{"approve", "deny"} {
			t.Run(store.name+"/"+decision, func(t *testing.T) {
				t.Parallel()
				d := newDisputed(t, store)
				d.waits()
				d.decides(decision)
				run := d.ends()
				want, said := 0, "denied"
				if decision == "approve" {
					want, said = 1, string(payment.DisputeUnderReview)
				}
				if submitted := d.posted("true"); len(submitted) != want || !strings.Contains(run.Answer, said) {
					t.Errorf("evidence was submitted %d times, and the run says %s; want %d, and %q", len(submitted), run.Answer, want, said)
				}
				if !d.sends().Duplicate {
					t.Error("the event that came a third time is not taken for a duplicate")
				}
				d.server.stop(t)
			})
		}
	}
}

// TestEvidenceWhoseAnswerWasLostIsSubmittedOnce: the bank has it, Stripe's answer never
// comes, and the program is killed. It goes on by itself, since Stripe honours keys.
func TestEvidenceWhoseAnswerWasLostIsSubmittedOnce(t *testing.T) {
	t.Parallel()
	d := newDisputed(t, testStores()[0])
	d.waits()
	hung := make(chan struct{})
	d.stripe.Disturb(http.MethodPost, "/disputes/", stripefake.Disturbance{Effect: true, Hang: true, Hung: hung})
	d.decides("approve")
	select {
	case <-hung:
	case <-time.After(storyPatience):
		t.Fatal("nothing was submitted")
	}
	d.server.kill(t)
	d.server = serve(t, d.file)
	if run := d.ends(); !strings.Contains(run.Answer, string(payment.DisputeUnderReview)) {
		t.Errorf("the run says %s", run.Answer)
	}
	if submitted := d.posted("true"); len(submitted) != 1 {
		t.Errorf("evidence was submitted %d times", len(submitted))
	}
	d.server.stop(t)
}
