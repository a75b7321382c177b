package imap_test

import (
	"strings"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/email/imap"
)

// A notice to people who decide holds links for them alone: no tool shows anything of it,
// nor lets it be answered.
func TestNoticesToPeopleWhoDecideAreNotShown(t *testing.T) {
	notice := "From: Orders <Orders@Example.org>\r\nTo: boss@example.org\r\nSubject: Decide\r\nMessage-ID: <notice-1@example.org>\r\nReferences: <late@example.com>\r\n\r\nhttps://example.org/secret\r\n"
	forged := "From: ada@example.com\r\nSubject: Forged\r\nMessage-ID: <notice-2@example.org>\r\n\r\nhidden from you?\r\n"
	b := newFake(lateOrder, notice, forged).over(t, nil)
	list, err := b.SearchMessages(t.Context(), email.Filter{})
	if err != nil || len(list.Messages) != 2 || list.Messages[0].Subject != "Forged" || list.Messages[1].Subject != "Late" {
		t.Errorf("found %+v, %v", list, err)
	}
	for _, id := range []string{"imap:INBOX:7:2", "<notice-1@example.org>"} {
		if m, err := b.GetMessage(t.Context(), id); tools.CodeOf(err) != tools.NotFound {
			t.Errorf("%s gives %+v, %v", id, m, err)
		}
	}
	if refs, err := b.Answering(t.Context(), "imap:INBOX:7:2"); tools.CodeOf(err) != tools.NotFound {
		t.Errorf("it can be answered: %q, %v", refs, err)
	}
	m, err := b.GetMessage(t.Context(), "imap:INBOX:7:1")
	if err != nil || len(m.Thread) != 0 {
		t.Errorf("read %+v, %v; want a mail whose conversation has nothing else", m, err)
	}
}

func TestIDsThatAreNoneAreNotFound(t *testing.T) {
	b := newFake(lateOrder).over(t, nil)
	for _, id := range []string{"", "x", "imap:", "imap:INBOX", "imap:INBOX:7", "imap:INBOX:7:0", "imap:INBOX:0:1", "imap:INBOX:7:99999999999", "imap:INBOX:-7:1", "imap:Other:7:1", "imap:INBOX:7:5",
		"<>", "<a\r\nb>", "<nobody@example.com>", "msg_", "msg_a b", "msg_nothing"} {
		if m, err := b.GetMessage(t.Context(), id); tools.CodeOf(err) != tools.NotFound || !strings.Contains(err.Error(), "id") {
			t.Errorf("%q gives %+v, %v", id, m, err)
		}
	}
	if _, err := b.GetMessage(t.Context(), "imap:INBOX:6:1"); tools.CodeOf(err) != tools.NotFound || !strings.Contains(err.Error(), email.ToolSearch) {
		t.Errorf("an id of another numbering gives %v", err)
	}
	if m, err := b.GetMessage(t.Context(), "<late@example.com>"); err != nil || m.Subject != "Late" {
		t.Errorf("its Message-ID gives %+v, %v", m, err)
	}
}

func TestAnswerRefersToWhatCanStandInAHeader(t *testing.T) {
	b := newFake(lateOrder, "Subject: none\r\n\r\n", "Message-ID: <c@example.com>\r\nReferences: <a@example.com> <b b> <late@example.com>\r\n\r\n").over(t, nil)
	for id, want := range map[string]string{"imap:INBOX:7:1": "<late@example.com>", "imap:INBOX:7:3": "<a@example.com> <late@example.com> <c@example.com>", "<elsewhere@example.com>": "<elsewhere@example.com>"} {
		if refs, err := b.Answering(t.Context(), id); err != nil || strings.Join(refs, " ") != want {
			t.Errorf("an answer to %s refers to %q, %v; want %s", id, refs, err, want)
		}
	}
	if _, err := b.Answering(t.Context(), "imap:INBOX:7:2"); tools.CodeOf(err) != tools.Invalid {
		t.Errorf("a mail without an id gives %v", err)
	}
}

func TestSearchRefusesWhatItCannotAsk(t *testing.T) {
	b := newFake(lateOrder).over(t, func(s *imap.Settings) { s.Folders = []string{"INBOX", "Archive"} })
	for name, f := range map[string]email.Filter{"a line break": {Text: "a\r\nb"}, "in a sender": {From: "a\x00"}, "an unknown folder": {Folder: "Trash"}, "a bad cursor": {Page: tools.Page{Cursor: "zzz"}}} {
		if _, err := b.SearchMessages(t.Context(), f); tools.CodeOf(err) != tools.Invalid {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

func TestSearchPagesGoOverFoldersTheNewestFirst(t *testing.T) {
	f := newFake()
	for n := range 5 {
		f.add(mailNumber(n))
	}
	b := f.over(t, func(s *imap.Settings) { s.Folders = []string{"INBOX", "Archive"} }) // the same mails in both
	var got []string
	for page := (tools.Page{Limit: 3}); ; {
		list, err := b.SearchMessages(t.Context(), email.Filter{Page: page})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list.Messages {
			got = append(got, m.Folder+strings.TrimSuffix(strings.TrimPrefix(m.Subject, "Mail "), "."))
		}
		if page.Cursor = list.NextCursor; page.Cursor == "" {
			break
		}
	}
	if want := "INBOX4 Archive4 INBOX3 Archive3 INBOX2 Archive2 INBOX1 Archive1 INBOX0 Archive0"; strings.Join(got, " ") != want {
		t.Errorf("found %q, want %s", got, want)
	}
}
