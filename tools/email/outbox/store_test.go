package outbox_test

import (
	"bytes"
	"context"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/email/outbox"
	"drawbridge/tools/sqldb"
	"drawbridge/tools/sqldb/sqldbtest"
)

func TestSenderMustBeAnAddress(t *testing.T) {
	for _, from := range []string{"", "orders", "orders@example.org\r\nBcc: x@example.com"} {
		if _, err := outbox.New(sqldbtest.Open(t), from, time.Now); err == nil || !strings.Contains(err.Error(), "from:") {
			t.Errorf("New(%q) gives %v, want an error that names from", from, err)
		}
	}
}

func TestReceiptSaysThatNothingLeft(t *testing.T) {
	b, _, c := open(t)
	sent, err := b.Send(t.Context(), letter)
	if err != nil || sent.Delivery != "outbox" || !strings.Contains(sent.Note, "not sent to the network") {
		t.Errorf("receipt is %+v, %v", sent, err)
	}
	kept, err := b.Schedule(t.Context(), letter, c.at.Add(time.Hour))
	if err != nil || kept.Delivery != "outbox" || !strings.Contains(kept.Note, "nothing goes to the network") {
		t.Errorf("receipt is %+v, %v", kept, err)
	}
	got, err := b.GetMessage(t.Context(), sent.ID)
	if err != nil || got.Delivery != "outbox" {
		t.Errorf("message is %+v, %v", got, err)
	}
}

func TestIDIsPrefixedAndTimesAreMilliseconds(t *testing.T) {
	b, _, c := open(t)
	sent, err := b.Send(t.Context(), letter)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^msg_[0-9a-f]{32}$`).MatchString(sent.ID) {
		t.Errorf("id is %q", sent.ID)
	}
	if want := c.at.Truncate(time.Millisecond); !sent.SentAt.Equal(want) || sent.SentAt.Location() != time.UTC {
		t.Errorf("sent at %v, want %v", sent.SentAt, want)
	}
}

func TestSentMailIsFromTheDefaultSender(t *testing.T) {
	b, _, _ := open(t)
	sent, err := b.Send(t.Context(), letter)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := b.Wire(t.Context(), sent.ID)
	if err != nil || wire.From != "orders@example.org" || !bytes.Contains(wire.Raw, []byte("\r\nFrom: \"Kettles & Co.\" <orders@example.org>\r\n")) {
		t.Errorf("wire is %s, %v", wire.Raw, err)
	}
}

func TestDraftIsNotOnTheWireYet(t *testing.T) {
	b, _, _ := open(t)
	draft, err := b.CreateDraft(t.Context(), letter)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Wire(t.Context(), draft.ID); tools.CodeOf(err) != tools.Conflict {
		t.Errorf("wire of a draft gives %v, want a conflict", err)
	}
	got, err := b.GetMessage(t.Context(), draft.ID)
	if err != nil || got.SizeBytes != 0 || len(got.Headers) != 0 || got.MessageID != "" || got.Text != letter.Text {
		t.Errorf("draft is %+v, %v", got, err)
	}
	answer := letter
	answer.InReplyTo = draft.ID
	if _, err := b.Send(t.Context(), answer); tools.CodeOf(err) != tools.Conflict || !strings.Contains(err.Error(), "in_reply_to") {
		t.Errorf("answering a draft gives %v, want a conflict", err)
	}
}

func TestDraftOfAnAnswerStaysInItsConversation(t *testing.T) {
	b, _, _ := open(t)
	if err := b.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	question := mustSearch(t, b, email.Filter{Status: email.Received}).Messages[0]
	answer := letter
	answer.InReplyTo = question.ID
	draft, err := b.CreateDraft(t.Context(), answer)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := b.SendDraft(t.Context(), draft.ID)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := b.Wire(t.Context(), sent.ID)
	if err != nil || !bytes.Contains(wire.Raw, []byte("\r\nIn-Reply-To: <order-1042-question@example.com>\r\n")) {
		t.Errorf("wire is %s, %v", wire.Raw, err)
	}
	if got, err := b.GetMessage(t.Context(), sent.ID); err != nil || got.ThreadID != question.ID {
		t.Errorf("conversation is %s, %v, want %s", got.ThreadID, err, question.ID)
	}
}

func TestMailThatArrivesTwiceIsKeptOnce(t *testing.T) {
	b, _, c := open(t)
	stamp := email.Stamp{From: mail.Address{Address: "ada@example.com"}, Date: c.at, MessageID: "<once@example.com>"}
	first, err := b.Receive(t.Context(), letter, stamp)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.Receive(t.Context(), letter, stamp); err != nil || again != first {
		t.Errorf("again: %s, %v, want %s", again, err, first)
	}
	if n := len(mustSearch(t, b, email.Filter{}).Messages); n != 1 {
		t.Errorf("there are %d messages, want 1", n)
	}
	stamp.MessageID = "no message id"
	if _, err := b.Receive(t.Context(), letter, stamp); tools.CodeOf(err) != tools.Invalid {
		t.Errorf("a bad Message-ID gives %v, want invalid", err)
	}
}

func TestSeedAddsSamplesOnceAndKeepsEdits(t *testing.T) {
	b, _, _ := open(t)
	if err := b.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	edited := email.Template{Name: "thank_you", Description: "Ours.", Subject: "Thanks", Text: "Thanks"}
	if err := b.SaveTemplate(t.Context(), edited); err != nil {
		t.Fatal(err)
	}
	if err := b.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := b.ListTemplates(t.Context(), tools.Page{})
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string][]string{}
	for _, template := range list.Templates {
		variables[template.Name] = template.Variables
	}
	want := map[string][]string{
		"order_delayed":       {"customer_name", "expected_date", "order_number"},
		"refund_confirmation": {"amount", "customer_name", "order_number"},
		"thank_you":           {}, // as edited
	}
	if diff := cmp.Diff(want, variables); diff != "" {
		t.Errorf("templates and their variables (-want +got):\n%s", diff)
	}
	messages := mustSearch(t, b, email.Filter{Address: "ada@example.com"}).Messages
	if len(messages) != 1 || messages[0].Status != email.Received || messages[0].Subject != "Where is my order 1042?" {
		t.Errorf("sample messages are %+v", messages)
	}
}

func TestBadTemplateIsNotSaved(t *testing.T) {
	b, _, _ := open(t)
	if err := b.SaveTemplate(t.Context(), email.Template{Name: "t", Subject: "s", Text: "{{ range .x }}{{ end }}"}); err == nil {
		t.Error("a template with a loop was saved")
	}
	if list, err := b.ListTemplates(t.Context(), tools.Page{}); err != nil || len(list.Templates) != 0 {
		t.Errorf("templates are %+v, %v, want none", list, err)
	}
}

func TestKeyIsKeptWithTheMessage(t *testing.T) {
	b, db, _ := open(t)
	sent, err := b.Send(tools.WithKey(t.Context(), "key 1"), letter)
	if err != nil {
		t.Fatal(err)
	}
	var id string
	if err := db.Read().QueryRowContext(t.Context(), `SELECT id FROM email_messages WHERE idempotency_key = 'key 1'`).Scan(&id); err != nil || id != sent.ID {
		t.Errorf("message of the key is %q, %v, want %s", id, err, sent.ID)
	}
}

func TestRepeatedTemplateCallOutlivesItsTemplate(t *testing.T) {
	b, _, _ := open(t)
	if err := b.SaveTemplate(t.Context(), email.Template{Name: "t", Subject: "{{ .a }}", Text: "t"}); err != nil {
		t.Fatal(err)
	}
	ctx := tools.WithKey(t.Context(), "key 1")
	send := func() (email.Receipt, error) {
		return b.SendTemplate(ctx, "t", map[string]string{"a": "Hello"}, email.Mail{To: letter.To})
	}
	first, err := send()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SaveTemplate(t.Context(), email.Template{Name: "t", Subject: "{{ .b }}", Text: "t"}); err != nil {
		t.Fatal(err)
	}
	again, err := send()
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("again: %v (-first +again):\n%s", err, diff)
	}
}

func TestTablesRefuseWhatCannotBe(t *testing.T) {
	b, db, _ := open(t)
	sent, err := b.Send(tools.WithKey(t.Context(), "key 1"), letter)
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.Send(t.Context(), letter)
	if err != nil {
		t.Fatal(err)
	}
	for name, statement := range map[string]string{
		"a status of our own":          `UPDATE email_messages SET status = 'lost' WHERE id = ?`,
		"sent without a time":          `UPDATE email_messages SET sent_at = NULL WHERE id = ?`,
		"scheduled without a time":     `UPDATE email_messages SET status = 'scheduled', sent_at = NULL WHERE id = ?`,
		"sent without a wire form":     `UPDATE email_messages SET raw = NULL WHERE id = ?`,
		"a Message-ID twice":           `UPDATE email_messages SET message_id = (SELECT message_id FROM email_messages WHERE id <> ?1) WHERE id = ?1`,
		"a key twice":                  `UPDATE email_messages SET idempotency_key = 'key 1' WHERE id = ?`,
		"a conversation of nobody":     `UPDATE email_messages SET thread_id = 'msg_nowhere' WHERE id = ?`,
		"a recipient twice":            `INSERT INTO email_participants (message, role, position, name, address) VALUES (?, 'cc', 0, '', 'ADA@example.com')`,
		"a role of our own":            `INSERT INTO email_participants (message, role, position, name, address) VALUES (?, 'spy', 0, '', 'x@example.com')`,
		"a participant of no message":  `INSERT INTO email_participants (message, role, position, name, address) VALUES (? || 'x', 'to', 0, '', 'x@example.com')`,
		"a template without a subject": `INSERT INTO email_templates (name, description, subject, body_text, body_html, updated_at) VALUES (?, '', '', 't', '', 0)`,
	} {
		err := db.Write(t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement, other.ID)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "constraint") {
			t.Errorf("%s: got %v, want a broken constraint", name, err)
		}
	}
	if _, err := b.GetMessage(t.Context(), sent.ID); err != nil {
		t.Error(err)
	}
}

func TestEachKindOfQueryHasItsIndex(t *testing.T) {
	_, db, _ := open(t)
	for query, index := range map[string]string{
		`SELECT message FROM email_participants WHERE lower(address) = 'ada@example.com'`:                          "email_participants_by_address",
		`UPDATE email_messages SET status = 'sent', sent_at = 1 WHERE status = 'scheduled' AND scheduled_for <= 1`: "email_messages_due",
		`SELECT scheduled_for FROM email_messages WHERE status = 'scheduled' ORDER BY scheduled_for LIMIT 1`:       "email_messages_due",
		`SELECT id FROM email_messages ORDER BY created_at DESC, id DESC LIMIT 21`:                                 "email_messages_newest",
		`SELECT id FROM email_messages WHERE status = 'sent' ORDER BY created_at DESC, id DESC`:                    "email_messages_by_status",
		`SELECT id FROM email_messages WHERE thread_id = 'msg_1' ORDER BY created_at, id LIMIT 50`:                 "email_messages_by_thread",
	} {
		var plan string
		var ignored int
		if err := db.Read().QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+query).Scan(&ignored, &ignored, &ignored, &plan); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, index) {
			t.Errorf("%s: plan is %q, want index %s", query, plan, index)
		}
	}
}

func TestCancelledCallLeavesNothing(t *testing.T) {
	b, _, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Send(ctx, letter); err == nil {
		t.Error("a cancelled call sent mail")
	}
	if n := len(mustSearch(t, b, email.Filter{}).Messages); n != 0 {
		t.Errorf("there are %d messages, want none", n)
	}
}

func mustSearch(t *testing.T, b *outbox.Backend, f email.Filter) email.MessageList {
	t.Helper()
	list, err := b.SearchMessages(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
