package emailtest

import (
	"bytes"
	"encoding/json"
	"net/mail"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

var onceTests = []test{
	{"RepeatedKeyReturnsTheFirstResult", repeatedKey},
	{"KeyBelongsToOneTool", keyOfOneTool},
	{"RefusedCallLeavesItsKeyUsable", refusedKeyUsable},
	{"MessageIDIsOfTheKey", messageIDOfKey},
}

var onceScheduleTests = []test{{"RepeatedScheduleOutlivesItsTime", scheduleRepeated}}

var onceMailboxTests = []test{{"ConcurrentRepeatsMakeOneMessage", concurrentRepeats}}

// writes is a call of each write that this backend has.
func (d *door) writes() map[string]args {
	calls := map[string]args{email.ToolSend: letter}
	if _, ok := d.Driver.(email.Drafts); ok {
		calls[email.ToolCreateDraft] = letter
		calls[email.ToolSendDraft] = args{"id": must[email.Receipt](d, email.ToolCreateDraft, letter).ID}
	}
	if _, ok := d.Driver.(email.Scheduler); ok {
		later := letter.with(args{"send_at": d.later(time.Hour)})
		calls[email.ToolSchedule] = later
		calls[email.ToolCancelScheduled] = args{"id": must[email.Receipt](d, email.ToolSchedule, later).ID}
	}
	if _, ok := d.Driver.(email.Templates); ok {
		d.AddTemplate(d.T, greeting)
		calls[email.ToolSendTemplate] = greet(map[string]string{"name": "Ada", "shop": "Kettles"})
	}
	return calls
}

// count is how many messages there are, -1 without a mailbox to ask.
func (d *door) count() int {
	if _, ok := d.Driver.(email.Mailbox); !ok {
		return -1
	}
	return len(d.find(args{"limit": 100}))
}

func repeatedKey(d *door) {
	for tool, in := range d.writes() {
		if called, _ := d.catalog.Lookup(tool); !called.Idempotent {
			d.Errorf("%s does not say that it is idempotent", tool)
		}
		key := d.freshKey()
		first, err := try[email.Receipt](d, key, tool, in)
		if err != nil {
			d.Fatalf("%s: %v", tool, err)
		}
		before := d.count()
		again, err := try[email.Receipt](d, key, tool, in)
		if err != nil {
			d.Errorf("%s again: %v", tool, err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			d.Errorf("%s again (-first +again):\n%s", tool, diff)
		}
		if after := d.count(); after != before {
			d.Errorf("%s again: there are %d messages, before %d", tool, after, before)
		}
	}
}

func keyOfOneTool(d *door) {
	key := d.freshKey()
	calls := d.writes()
	if _, err := try[email.Receipt](d, key, email.ToolSend, letter); err != nil {
		d.Fatal(err)
	}
	delete(calls, email.ToolSend)
	for tool, in := range calls {
		_, err := try[email.Receipt](d, key, tool, in)
		d.mustBe(err, tools.Conflict, "key")
	}
}

func refusedKeyUsable(d *door) {
	key := d.freshKey()
	_, err := try[email.Receipt](d, key, email.ToolSend, letter.with(args{"to": []string{"ada"}}))
	d.mustBe(err, tools.Invalid, "to[0]")
	if _, err := try[email.Receipt](d, key, email.ToolSend, letter); err != nil {
		d.Errorf("corrected call under the same key: %v", err)
	}
}

func messageIDOfKey(d *door) {
	first := must[email.Receipt](d, email.ToolSend, letter)
	second := must[email.Receipt](d, email.ToolSend, letter)
	if first.MessageID == second.MessageID {
		d.Errorf("two calls share the Message-ID %s", first.MessageID)
	}
	key := d.freshKey()
	keyed, err := try[email.Receipt](d, key, email.ToolSend, letter)
	if err != nil {
		d.Fatal(err)
	}
	if want := email.MessageID(key, mail.Address{Address: d.From}); keyed.MessageID != want {
		d.Errorf("Message-ID is %s, want %s", keyed.MessageID, want)
	}
}

func scheduleRepeated(d *door) {
	key, in := d.freshKey(), letter.with(args{"send_at": d.later(time.Hour)})
	first, err := try[email.Receipt](d, key, email.ToolSchedule, in)
	if err != nil {
		d.Fatal(err)
	}
	d.Advance(d.T, 2*time.Hour)
	again, err := try[email.Receipt](d, key, email.ToolSchedule, in)
	if err != nil || again.ID != first.ID {
		d.Errorf("repeated after its time: got %+v, %v, want the first result", again, err)
	}
}

func concurrentRepeats(d *door) {
	key := d.freshKey()
	arguments, err := json.Marshal(letter)
	if err != nil {
		d.Fatal(err)
	}
	const callers = 8
	answers, errs := make([]json.RawMessage, callers), make([]error, callers)
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() { answers[i], errs[i] = d.call(key, email.ToolSend, arguments) })
	}
	wait.Wait()
	for i := range callers {
		if errs[i] != nil || !bytes.Equal(answers[i], answers[0]) {
			d.Errorf("call %d gives %s, %v; the first gave %s", i, answers[i], errs[i], answers[0])
		}
	}
	if n := d.count(); n != 1 {
		d.Errorf("there are %d messages, want 1", n)
	}
}
