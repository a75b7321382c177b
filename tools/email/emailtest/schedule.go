package emailtest

import (
	"bytes"
	"net/mail"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

var scheduleTests = []test{
	{"ScheduledMessageWaitsUntilDue", scheduleWaits},
	{"ScheduledMessageIsDatedForItsTime", scheduleDated},
	{"CancelledMessageNeverGoesOut", cancelEnds},
	{"CancelAfterReleaseIsAConflict", cancelTooLate},
	{"OnlyScheduledMessagesCanBeCancelled", cancelOthers},
	{"TimeToSendMustLieAhead", scheduleBounds},
}

// later is a time to send at, some time from now.
func (d *door) later(wait time.Duration) string {
	return d.Now().Add(wait).UTC().Format(time.RFC3339)
}

// mustHaveGone asks whether a message has gone out, without a mailbox to look
// in: cancelling one that has is a conflict.
func (d *door) mustHaveGone(id string) {
	d.Helper()
	d.refused(tools.Conflict, "is sent, not scheduled", email.ToolCancelScheduled, args{"id": id})
}

func scheduleWaits(d *door) {
	first := must[email.Receipt](d, email.ToolSchedule, letter.with(args{"send_at": d.later(time.Hour)}))
	second := must[email.Receipt](d, email.ToolSchedule, letter.with(args{"send_at": d.later(3 * time.Hour)}))
	if first.Status != email.Scheduled || !near(first.ScheduledFor, d.Now().Add(time.Hour)) || !first.SentAt.IsZero() {
		d.Errorf("receipt says %+v, want it scheduled in an hour", first)
	}
	d.Advance(d.T, 2*time.Hour)
	d.mustHaveGone(first.ID)
	cancelled := must[email.Receipt](d, email.ToolCancelScheduled, args{"id": second.ID})
	if cancelled.ID != second.ID || cancelled.Status != email.Cancelled || cancelled.Delivery != "" {
		d.Errorf("receipt says %+v, want %s cancelled", cancelled, second.ID)
	}
}

func scheduleDated(d *door) {
	at := d.Now().Add(26 * time.Hour)
	// The zone in the argument is only another way to say the same moment.
	east := at.In(time.FixedZone("", 2*60*60)).Format(time.RFC3339)
	sent := must[email.Receipt](d, email.ToolSchedule, letter.with(args{"send_at": east}))
	message, err := mail.ReadMessage(bytes.NewReader(d.Wire(d.T, sent.ID).Raw))
	if err != nil {
		d.Fatal(err)
	}
	if date, err := message.Header.Date(); err != nil || !near(date, at) {
		d.Errorf("Date is %v (%v), want %v", date, err, at)
	}
}

func cancelEnds(d *door) {
	kept := must[email.Receipt](d, email.ToolSchedule, letter.with(args{"send_at": d.later(time.Hour)}))
	must[email.Receipt](d, email.ToolCancelScheduled, args{"id": kept.ID})
	d.Advance(d.T, 2*time.Hour)
	d.refused(tools.Conflict, "is cancelled, not scheduled", email.ToolCancelScheduled, args{"id": kept.ID})
}

func cancelTooLate(d *door) {
	kept := must[email.Receipt](d, email.ToolSchedule, letter.with(args{"send_at": d.later(time.Hour)}))
	d.Advance(d.T, time.Hour)
	d.mustHaveGone(kept.ID)
}

func cancelOthers(d *door) {
	sent := must[email.Receipt](d, email.ToolSend, letter)
	d.mustHaveGone(sent.ID)
	d.refused(tools.NotFound, `no message "msg_nowhere"`, email.ToolCancelScheduled, args{"id": "msg_nowhere"})
}

func scheduleBounds(d *door) {
	for words, at := range map[string]string{
		"has passed":             d.later(-time.Second),
		"more than 366 days":     d.later(email.MaxAhead + time.Hour),
		`"tomorrow" is not a`:    "tomorrow",
		"not a time with a zone": "2026-03-02T09:30:00",
	} {
		d.refused(tools.Invalid, words, email.ToolSchedule, letter.with(args{"send_at": at}))
	}
	d.refused(tools.Invalid, "to[0]", email.ToolSchedule, letter.with(args{"send_at": d.later(time.Hour), "to": []string{"ada"}}))
}
