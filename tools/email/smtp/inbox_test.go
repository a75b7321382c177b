package smtp_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/email/smtp"
)

// box is an inbox beside the server, with one mail in it.
type box struct {
	kept []string
	full error
}

func (b *box) Answering(_ context.Context, id string) ([]string, error) {
	if id != "imap:INBOX:7:1" {
		return nil, tools.Errorf(tools.NotFound, "in_reply_to: there is no message %q", id)
	}
	return []string{"<root@example.com>", "<late@example.com>"}, nil
}

func (b *box) Keep(_ context.Context, raw []byte, _ time.Time) (string, error) {
	if b.full != nil {
		return "", b.full
	}
	b.kept = append(b.kept, string(raw))
	return "imap:Sent:7:1", nil
}

func withBox(t *testing.T, inbox *box) (*fake, *smtp.Backend) {
	f := newFake(t)
	s := f.settings()
	s.Inbox = inbox
	return f, open(t, s)
}

func TestAnswerGoesByTheMailInTheMailbox(t *testing.T) {
	inbox := &box{}
	f, b := withBox(t, inbox)
	m := letter
	m.InReplyTo, m.Bcc = "imap:INBOX:7:1", m.To[1:]
	receipt, err := b.Send(keyed(t, "key"), m)
	if err != nil || receipt.ID != "imap:Sent:7:1" {
		t.Fatalf("sent %+v, %v; want the id of the copy", receipt, err)
	}
	wire := string(f.got()[0].Raw)
	if !strings.Contains(wire, "References: <root@example.com> <late@example.com>\r\n") || !strings.Contains(wire, "In-Reply-To: <late@example.com>\r\n") || strings.Contains(wire, "Bcc:") {
		t.Errorf("sent was\n%s", wire)
	}
	if len(inbox.kept) != 1 || inbox.kept[0] != "Bcc: grace@example.com\r\n"+wire && inbox.kept[0] != "Bcc: <grace@example.com>\r\n"+wire {
		t.Errorf("kept were %q, want what was sent, with its Bcc", inbox.kept)
	}
	m.InReplyTo = "imap:INBOX:7:2"
	if _, err := b.Send(keyed(t, "other"), m); tools.CodeOf(err) != tools.NotFound || len(f.got()) != 1 {
		t.Errorf("an answer to nothing gives %v, and %d messages were sent", err, len(f.got()))
	}
}

// A message is on its way whatever becomes of its copy.
func TestMailThatWasSentIsSentWithoutACopy(t *testing.T) {
	inbox := &box{full: errors.New("the mailbox is full")}
	f, b := withBox(t, inbox)
	receipt := mustSend(t, b)
	if len(f.got()) != 1 || !strings.HasPrefix(receipt.ID, "msg_") || !strings.Contains(receipt.Note, "the mailbox is full") {
		t.Errorf("%d messages were sent, and told is %+v", len(f.got()), receipt)
	}
}

// Notices to people who decide hold links for them alone, and no copy of one is where models read.
func TestNoticeLeavesNoCopy(t *testing.T) {
	inbox := &box{}
	f, b := withBox(t, inbox)
	if _, err := b.Send(keyed(t, "notice_1"), letter); err != nil || len(f.got()) != 1 || len(inbox.kept) != 0 {
		t.Errorf("%v: %d were sent and %d kept, want 1 and 0", err, len(f.got()), len(inbox.kept))
	}
}
