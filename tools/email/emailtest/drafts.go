package emailtest

import (
	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

var draftTests = []test{
	{"DraftIsKeptAndNotSent", draftKept},
	{"DraftIsSentAsItWasKept", draftSent},
	{"DraftIsSentOnce", draftSentOnce},
	{"UnknownDraftIsNotFound", draftUnknown},
	{"BadDraftIsRefused", draftBad},
}

func draftKept(d *door) {
	draft := must[email.Receipt](d, email.ToolCreateDraft, letter)
	if draft.Status != email.Draft || !draft.SentAt.IsZero() || draft.Delivery != "" || draft.MessageID != "" {
		d.Errorf("receipt says %+v, want a draft that goes nowhere", draft)
	}
}

func draftSent(d *door) {
	in := letter.with(args{"cc": []string{"Zoë <zoe@example.com>"}, "bcc": []string{"archive@example.org"}, "reply_to": "orders@example.org", "html": "<p>Hello</p>"})
	draft := must[email.Receipt](d, email.ToolCreateDraft, in)
	sent := must[email.Receipt](d, email.ToolSendDraft, args{"id": draft.ID})
	if sent.ID != draft.ID || sent.Status != email.Sent || sent.Delivery != d.Delivery || sent.SentAt.IsZero() {
		d.Errorf("receipt says %+v, want draft %s sent", sent, draft.ID)
	}
	wire := d.Wire(d.T, sent.ID)
	want := content{
		Header: map[string]string{
			"From": d.From, "To": "Ada Lovelace <ada@example.com>", "Cc": "Zoë <zoe@example.com>", "Reply-To": "orders@example.org",
			"Subject": "Your order 1042", "Message-Id": sent.MessageID, "Mime-Version": "1.0",
		},
		Text: letter["text"].(string),
		HTML: "<p>Hello</p>",
	}
	if diff := cmp.Diff(want, readBack(d, wire.Raw)); diff != "" {
		d.Errorf("the message on the wire (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ada@example.com", "zoe@example.com", "archive@example.org"}, wire.Recipients); diff != "" {
		d.Errorf("envelope recipients (-want +got):\n%s", diff)
	}
}

func draftSentOnce(d *door) {
	draft := must[email.Receipt](d, email.ToolCreateDraft, letter)
	must[email.Receipt](d, email.ToolSendDraft, args{"id": draft.ID})
	d.refused(tools.Conflict, "is sent, not draft", email.ToolSendDraft, args{"id": draft.ID})

	sent := must[email.Receipt](d, email.ToolSend, letter)
	d.refused(tools.Conflict, "is sent, not draft", email.ToolSendDraft, args{"id": sent.ID})
}

func draftUnknown(d *door) {
	d.refused(tools.NotFound, `no message "msg_nowhere"`, email.ToolSendDraft, args{"id": "msg_nowhere"})
}

func draftBad(d *door) {
	d.refused(tools.Invalid, "subject:", email.ToolCreateDraft, letter.with(args{"subject": "a\nb"}))
}
