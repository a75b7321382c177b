package emailtest

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

var mailboxTests = []test{
	{"MessageReadsBackInFull", messageInFull},
	{"SearchFindsByEachFilter", searchFilters},
	{"SearchTakesWildcardsLiterally", searchLiteral},
	{"SearchByTimeIsHalfOpen", searchByTime},
	{"SearchPagesAreTheWhole", searchPages},
	{"SearchPagesStandStillForNewMail", searchNewMail},
	{"SearchRefusesABadCursor", searchCursor},
	{"EmptySearchIsAnEmptyList", searchEmpty},
	{"AnswerJoinsTheConversation", answerJoins},
	{"UnknownMessageIsNotFound", messageUnknown},
	{"MailboxTaintsTheRun", mailboxTaints},
}

// question is a customer's mail.
func (d *door) question(subject, text string) string {
	d.Helper()
	d.keys++
	return d.Receive(d.T,
		email.Mail{To: []mail.Address{{Address: d.From}}, Subject: subject, Text: text},
		email.Stamp{
			From:      mail.Address{Name: "Ada Lovelace", Address: "ada@example.com"},
			Date:      time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC),
			MessageID: fmt.Sprintf("<question-%d@example.com>", d.keys),
		})
}

// find is the ids of the first page of a search.
func (d *door) find(in args) []string {
	d.Helper()
	ids := []string{}
	for _, message := range must[email.MessageList](d, email.ToolSearch, in).Messages {
		ids = append(ids, message.ID)
	}
	return ids
}

func (d *door) mustFind(in args, want ...string) {
	d.Helper()
	got := d.find(in)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		d.Errorf("searching %v (-want +got):\n%s", in, diff)
	}
}

// paged is in for one page.
func paged(in args, limit int, cursor string) args {
	in = in.with(args{"limit": limit})
	if cursor != "" {
		in["cursor"] = cursor
	}
	return in
}

func messageInFull(d *door) {
	sent := must[email.Receipt](d, email.ToolSend, letter.with(args{
		"cc": []string{`"Kowalska, Zoë" <zoe@example.com>`}, "bcc": []string{"archive@example.org"}, "reply_to": "orders@example.org", "html": "<p>Hello</p>",
	}))
	got := must[email.Message](d, email.ToolGet, args{"id": sent.ID})
	var names []string
	for _, header := range got.Headers {
		names = append(names, header.Name)
	}
	for _, want := range []string{"Date", "From", "To", "Cc", "Reply-To", "Subject", "Message-ID"} {
		if !slices.Contains(names, want) {
			d.Errorf("headers %q lack %s", names, want)
		}
	}
	size := len(d.Wire(d.T, sent.ID).Raw)
	if d.Kept != nil {
		size = d.Kept(d.T, sent.ID)
	}
	if got.SizeBytes != size {
		d.Errorf("size is %d bytes, want %d", got.SizeBytes, size)
	}
	if got.CreatedAt.IsZero() || got.ThreadID == "" {
		d.Errorf("message lacks created_at or thread_id: %+v", got)
	}
	want := email.Message{
		Summary: email.Summary{
			ID: sent.ID, Status: email.Sent, From: got.From, To: []string{"Ada Lovelace <ada@example.com>"}, Subject: "Your order 1042",
			Snippet: "Hello Ada, it is on its way.", ThreadID: got.ThreadID, Folder: got.Folder, CreatedAt: got.CreatedAt, SentAt: sent.SentAt,
		},
		Cc: []string{`"Kowalska, Zoë" <zoe@example.com>`}, Bcc: []string{"archive@example.org"}, ReplyTo: "orders@example.org",
		Text: letter["text"].(string), HasHTML: true, Delivery: d.Delivery, MessageID: sent.MessageID,
		References: []string{}, Headers: got.Headers, SizeBytes: got.SizeBytes, Thread: []email.Related{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.Errorf("message (-want +got):\n%s", diff)
	}
}

func searchFilters(d *door) {
	question := d.question("Wo bleibt meine ÜBERWEISUNG?", "Kettle number 7, please.")
	sent := must[email.Receipt](d, email.ToolSend, letter.with(args{"to": []string{"Grace Hopper <grace@example.org>"}, "bcc": []string{"Archive@example.org"}})).ID

	d.mustFind(args{}, question, sent)
	d.mustFind(args{"status": "received"}, question)
	d.mustFind(args{"status": "sent"}, sent)
	d.mustFind(args{"q": "überweisung"}, question) // in the subject, whatever its case
	d.mustFind(args{"q": "KETTLE NUMBER"}, question)
	d.mustFind(args{"q": "grace hop"}, sent)
	d.mustFind(args{"q": "GRACE@example"}, sent)
	d.mustFind(args{"q": "nothing like it"})
	d.mustFind(args{"address": "ADA@example.com"}, question)
	d.mustFind(args{"address": "archive@example.org"}, sent)
	d.mustFind(args{"address": "ace@example.org"})
	d.mustFind(args{"address": "ada@example.com", "status": "sent"})
	d.refused(tools.Invalid, "address:", email.ToolSearch, args{"address": "ada"})
}

func searchLiteral(d *door) {
	percent := d.question("50% off", "x")
	underscore := d.question("a_b", "x")
	backslash := d.question(`c:\mail`, "x")
	d.question("500 of axb c:mail", "x")
	d.mustFind(args{"q": "50%"}, percent)
	d.mustFind(args{"q": "a_b"}, underscore)
	d.mustFind(args{"q": `:\m`}, backslash)
}

func searchByTime(d *door) {
	id := must[email.Receipt](d, email.ToolSend, letter).ID
	made := must[email.Message](d, email.ToolGet, args{"id": id}).CreatedAt
	at := func(shift time.Duration) string { return made.Add(shift).Format(time.RFC3339Nano) }
	d.mustFind(args{"since": at(0)}, id)
	d.mustFind(args{"since": at(time.Millisecond)})
	d.mustFind(args{"until": at(0)})
	d.mustFind(args{"until": at(time.Millisecond)}, id)
	d.mustFind(args{"since": at(0), "until": at(time.Millisecond)}, id)
	d.refused(tools.Invalid, "until:", email.ToolSearch, args{"since": at(0), "until": at(0)})
	d.refused(tools.Invalid, "since:", email.ToolSearch, args{"since": "yesterday"})
}

func searchPages(d *door) {
	for i := range 7 { // some made at the same moment
		d.question(fmt.Sprintf("Question %d", i), "x")
		if i%3 == 0 {
			d.Advance(d.T, time.Second)
		}
	}
	whole := d.find(args{})
	if len(whole) != 7 {
		d.Fatalf("found %d messages, want 7", len(whole))
	}
	for limit := 1; limit <= 8; limit++ {
		var got []string
		for cursor := ""; ; {
			page := must[email.MessageList](d, email.ToolSearch, paged(args{}, limit, cursor))
			if len(page.Messages) > limit {
				d.Errorf("a page of %d holds %d", limit, len(page.Messages))
			}
			for _, message := range page.Messages {
				got = append(got, message.ID)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(whole, got); diff != "" {
			d.Errorf("pages of %d (-want +got):\n%s", limit, diff)
		}
	}
}

func searchNewMail(d *door) {
	for i := range 4 {
		d.question(fmt.Sprintf("Question %d", i), "x")
	}
	whole := d.find(args{})
	first := must[email.MessageList](d, email.ToolSearch, args{"limit": 2})
	d.Advance(d.T, time.Second)
	d.question("Late", "x")
	if got := d.find(paged(args{}, 2, first.NextCursor)); !slices.Equal(got, whole[2:]) {
		d.Errorf("the second page is %q, want %q", got, whole[2:])
	}
}

func searchCursor(d *door) {
	for _, cursor := range []string{"not a cursor", "e30", tools.EncodeCursor("a name"), tools.EncodeCursor([]int{1})} {
		d.refused(tools.Invalid, "cursor", email.ToolSearch, args{"cursor": cursor})
	}
}

func searchEmpty(d *door) {
	got := must[map[string]json.RawMessage](d, email.ToolSearch, args{"q": "nothing"})
	if string(got["messages"]) != "[]" {
		d.Errorf("messages is %s, want []", got["messages"])
	}
}

func answerJoins(d *door) {
	question := d.question("Where is my order?", "Hello?")
	answer := must[email.Receipt](d, email.ToolSend, letter.with(args{"in_reply_to": question}))
	got := must[email.Message](d, email.ToolGet, args{"id": answer.ID})
	asked := must[email.Message](d, email.ToolGet, args{"id": question})
	if diff := cmp.Diff([]string{asked.MessageID}, got.References); diff != "" {
		d.Errorf("references (-want +got):\n%s", diff)
	}
	header := readBack(d, d.Wire(d.T, answer.ID).Raw).Header
	if header["In-Reply-To"] != asked.MessageID || header["References"] != asked.MessageID {
		d.Errorf("on the wire it answers %q, refers to %q, want %q", header["In-Reply-To"], header["References"], asked.MessageID)
	}
	if len(asked.Thread) != 1 || asked.Thread[0].ID != answer.ID || len(got.Thread) != 1 || got.Thread[0].ID != question || got.ThreadID != asked.ThreadID {
		d.Errorf("the conversations are %+v and %+v, want each to have the other", asked.Thread, got.Thread)
	}
	again := d.Receive(d.T, email.Mail{To: []mail.Address{{Address: d.From}}, Subject: "Re: Your order 1042", Text: "Thanks"},
		email.Stamp{
			From: mail.Address{Address: "ada@example.com"}, Date: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC),
			MessageID: "<thanks@example.com>", References: []string{"<unknown@example.com>", answer.MessageID},
		})
	if thanks := must[email.Message](d, email.ToolGet, args{"id": again}); thanks.ThreadID != asked.ThreadID {
		d.Errorf("an answer from outside is in conversation %s, want %s", thanks.ThreadID, asked.ThreadID)
	}
}

func messageUnknown(d *door) {
	d.refused(tools.NotFound, `no message "msg_nowhere"`, email.ToolGet, args{"id": "msg_nowhere"})
	d.refused(tools.NotFound, `in_reply_to: there is no message "msg_nowhere"`, email.ToolSend, letter.with(args{"in_reply_to": "msg_nowhere"}))
}

func mailboxTaints(d *door) {
	for _, name := range []string{email.ToolSearch, email.ToolGet} {
		if tool, _ := d.catalog.Lookup(name); !tool.Taints || tool.Effect != tools.Read {
			d.Errorf("%s has effect %s and taints: %t, want a read that taints", name, tool.Effect, tool.Taints)
		}
	}
}
