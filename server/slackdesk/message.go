package slackdesk

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"drawbridge/server/guard"
)

// What the parts of a message that come back are called.
const (
	actionApprove = "drawbridge_approve"
	actionDeny    = "drawbridge_deny"
	noteField     = "drawbridge_note"
)

// mostArguments is how many characters of a call's arguments are shown.
const mostArguments = 2500

// mostNote is how many characters a note has at most, as at the other doors.
const mostNote = 1000

// message is what is posted of an approval.
type message struct {
	text   string // where blocks are not shown, as in a notification
	blocks []json.RawMessage
}

// mark tells what a message shows from what another one does.
func (m message) mark() string {
	sum := sha256.New()
	sum.Write([]byte(m.text))
	for _, block := range m.blocks {
		sum.Write(block)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// titles are what messages say of how an approval stands.
var titles = map[guard.ApprovalState]string{
	guard.ApprovalPending: "Approval needed", guard.ApprovalGiven: "Approved", guard.ApprovalUsed: "Approved", guard.ApprovalDenied: "Denied",
	guard.ApprovalExpired: "Expired", guard.ApprovalWithdrawn: "Withdrawn",
}

// render is the message of an approval as it stands. All but its buttons follows from the
// approval alone.
func (d *Desk) render(a guard.Approval) message {
	title := titles[a.State] + ": " + a.Tool
	asked := "`" + escape(line(a.Principal, 200)) + "`"
	if a.For != "" {
		asked += " for `" + escape(line(a.For, 200)) + "`"
	}
	if a.Run != "" {
		asked += " in `" + escape(line(a.Run, 80)) + "`"
	}
	pairs := [][2]string{{"Asked for by", asked}, {"Effect", escape(string(a.Effect))}, {"Rule", escape(line(a.Rule, 200))}}
	if a.Reason != "" {
		pairs = append(pairs, [2]string{"Why", escape(line(a.Reason, 500))})
	}
	if a.State == guard.ApprovalPending {
		pairs = append(pairs, [2]string{"Until", date(a.Expires)})
		if needs := a.Terms.Needs(); needs > 1 {
			pairs = append(pairs, [2]string{"People", fmt.Sprintf("%d of %d are missing", a.Missing(), needs)})
		}
		if len(a.Terms.By) > 0 {
			pairs = append(pairs, [2]string{"Decides", escape(line(strings.Join(a.Terms.By, ", "), 500))})
		}
	}
	blocks := []object{header(title), fields(pairs...)}
	blocks = append(blocks, arguments(a)...)
	if said := decisions(a); said != "" {
		blocks = append(blocks, remark(said))
	}
	if a.State == guard.ApprovalPending {
		blocks = append(blocks, d.form(a.ID)...)
	}
	return message{text: escape(line(title+", asked for by "+a.Principal, 300)), blocks: encoded(blocks)}
}

// arguments shows what the call would be made with, and says what is left out.
func arguments(a guard.Approval) []object {
	var pretty bytes.Buffer
	if json.Indent(&pretty, a.Arguments, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(a.Arguments)
	}
	text, missing := cut(strings.ToValidUTF8(pretty.String(), "?"), mostArguments)
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	blocks := []object{quoted("The arguments, which a model wrote, perhaps from what a stranger sent:", text)}
	if missing > 0 {
		blocks = append(blocks, remark(fmt.Sprintf(":warning: %d more characters are not shown here. `drawbridge approvals show %s` shows all of it.", missing, escape(a.ID))))
	}
	return blocks
}

// decisions says who decided what, or why nobody will.
func decisions(a guard.Approval) string {
	var all []string
	for _, one := range a.Decisions {
		said := ":white_check_mark: approved"
		if !one.Approved {
			said = ":no_entry: denied"
		}
		text := fmt.Sprintf("%s by %s (%s), %s", said, decider(one), escape(one.How), date(one.At))
		if one.Note != "" {
			text += ": " + escape(line(one.Note, mostNote))
		}
		all = append(all, text)
	}
	switch a.State {
	case guard.ApprovalExpired:
		all = append(all, "Nobody decided in time, so the call was not made.")
	case guard.ApprovalWithdrawn:
		all = append(all, "What asked for the call has ended, so it was not made.")
	}
	text, _ := cut(strings.Join(all, "\n"), 2000)
	return text
}

// decider is who decided, as Slack shows somebody of its own.
func decider(one guard.ApprovalDecision) string {
	name := "`" + escape(line(one.By, 200)) + "`"
	if id, ok := strings.CutPrefix(one.By, Prefix); ok && userForm.MatchString(id) {
		name = "<@" + id + ">"
	}
	if one.Person != "" && one.Person != one.By {
		return escape(line(one.Person, 100)) + ", " + name
	}
	return name
}

// date is a time, which Slack shows to each reader by their own clock.
func date(at time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time_secs}|%s>", at.Unix(), at.UTC().Format(time.RFC1123))
}

// form is what people decide with. The note comes with the button that is pressed.
func (d *Desk) form(approval string) []object {
	return []object{
		{"type": "input", "block_id": noteField, "optional": true, "label": plain("Note, for whoever called"),
			"element": object{"type": "plain_text_input", "action_id": noteField, "max_length": mostNote}},
		{"type": "actions", "elements": []object{
			button("Approve", "primary", actionApprove, d.value(approval, actionApprove)),
			button("Deny", "danger", actionDeny, d.value(approval, actionDeny)),
		}},
	}
}

// value is what a button sends: which approval it is about, signed, so that nobody who may
// post by our app can make one that says something else than it shows.
func (d *Desk) value(approval, action string) string {
	mac := hmac.New(sha256.New, d.o.Key)
	mac.Write([]byte("approval button\n" + action + "\n" + approval))
	return approval + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// aboutWhat gives the approval that a button is about, "" if it is none of ours.
func (d *Desk) aboutWhat(action, value string) string {
	approval, _, _ := strings.Cut(value, ".")
	if approval == "" || !hmac.Equal([]byte(value), []byte(d.value(approval, action))) {
		return ""
	}
	return approval
}
