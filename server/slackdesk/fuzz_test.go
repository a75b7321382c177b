package slackdesk

import (
	"encoding/json"
	"net/url"
	"testing"
	"unicode/utf8"
)

// FuzzClick: whatever is sent, it is read without a panic, and what is taken for a button
// of ours names somebody, a message and an action that Slack could have.
func FuzzClick(f *testing.F) {
	for _, payload := range []string{
		`{"type":"block_actions","user":{"id":"U0ADA"},"container":{"type":"message","channel_id":"C0APPROVE","message_ts":"1000000000.000100"},"actions":[{"type":"button","action_id":"drawbridge_approve","value":"apr_1.x"}],"state":{"values":{"drawbridge_note":{"drawbridge_note":{"value":"no"}}}}}`,
		`{"type":"block_actions","user":{"id":"W0ADA"},"container":{"type":"message","channel_id":"G0APPROVE","message_ts":"1.1"},"actions":[{"type":"button","action_id":"drawbridge_deny"},{"type":"button","action_id":"drawbridge_deny"}],"state":{"values":null}}`,
		`{"type":"view_submission"}`, `[]`, `null`, `{"type":"block_actions","actions":null}`, `{"type":"block_actions","state":{"values":{"drawbridge_note":{"drawbridge_note":{"value":null}}}}}`, `"`, `{"type":1}`,
	} {
		f.Add(url.Values{"payload": {payload}}.Encode())
	}
	f.Add("payload=%zz")
	f.Add("a=b;c")
	f.Fuzz(func(t *testing.T, body string) {
		c, ours, err := readClick([]byte(body))
		if !ours {
			return
		}
		if err != nil || !userForm.MatchString(c.user) || !channelForm.MatchString(c.channel) || !stampForm.MatchString(c.message) || c.action != actionApprove && c.action != actionDeny {
			t.Errorf("taken for a button of ours is %+v (%v)", c, err)
		}
		if n := utf8.RuneCountInString(c.note); n > mostNote || !utf8.ValidString(c.note) {
			t.Errorf("the note has %d characters", n)
		}
		form, _ := url.ParseQuery(body)
		if !json.Valid([]byte(form.Get("payload"))) {
			t.Errorf("taken is what is no JSON: %s", body)
		}
		(&Desk{}).aboutWhat(c.action, c.value)
	})
}
