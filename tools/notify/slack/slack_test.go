package slack_test

import (
	"net/http"
	"strings"
	"testing"

	"drawbridge/tools/notify/slack"
	"drawbridge/tools/notify/slack/slackfake"
)

func TestTokenOfAnotherKindIsNotTaken(t *testing.T) {
	for _, token := range []string{"", "xoxp-0123456789-hunter2", "xapp-1-hunter2", "Bearer xoxb-hunter2", "xoxb-hunter2\n", "xoxb-"} {
		_, err := slack.New(slack.Settings{Token: token, Client: http.DefaultClient})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", token, err)
		}
	}
}

// The address of somebody counts only if Slack has confirmed it, and they belong to the
// workspace.
func TestColleagueIsWhoSlackHasConfirmed(t *testing.T) {
	w := open(t, nil)
	for want, p := range map[string]slackfake.Person{
		"ada@example.com": {ID: "U0ADA001", Email: "Ada@Example.com"},
		"":                {ID: "U0GUEST1", Email: "guest@example.com", Guest: true},
	} {
		w.fake.Join(p)
		if got, err := w.Colleague(t.Context(), p.ID); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", p.ID, got, err, want)
		}
	}
	for _, p := range []slackfake.Person{
		{ID: "U0UNSURE", Email: "unsure@example.com", Unconfirmed: true}, {ID: "U0OTHER1", Email: "other@example.com", Team: "T0OTHER01"}, {ID: "U0ROBOT1", Email: "robot@example.com", Bot: true},
		{ID: "U0LEFT01", Email: "left@example.com", Deactivated: true}, {ID: "U0NOMAIL"},
	} {
		w.fake.Join(p)
		if got, err := w.Colleague(t.Context(), p.ID); err != nil || got != "" {
			t.Errorf("%s is %q (%v)", p.ID, got, err)
		}
	}
	for _, id := range []string{"U0NOBODY", "x", ""} {
		if got, err := w.Colleague(t.Context(), id); err != nil || got != "" {
			t.Errorf("%q is %q (%v)", id, got, err)
		}
	}
	w.fake.Disturb("users.info", slackfake.Disturbance{Status: 500})
	if got, err := w.Colleague(t.Context(), "U0ADA001"); err == nil || got != "" {
		t.Errorf("while Slack is away: %q (%v)", got, err)
	}
}

// Nothing of a message has Slack fetch an address that a model wrote.
func TestPreviewsOfLinksAreOff(t *testing.T) {
	w := open(t, nil)
	for _, d := range deeds {
		in, _ := d.arrange(w)
		if _, err := w.call(t.Context(), d.tool, in); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for _, r := range w.fake.Requests() {
		if r.Method == "chat.postMessage" {
			if seen++; r.Form.Get("unfurl_links") != "false" || r.Form.Get("unfurl_media") != "false" {
				t.Errorf("asked for is %v", r.Form)
			}
		}
	}
	if seen != len(deeds) {
		t.Errorf("%d messages went out", seen)
	}
}

// FuzzText: whatever is said, it reaches people as it was, and calls nobody.
func FuzzText(f *testing.F) {
	for _, text := range []string{"<!channel>", "<@U0ADA001|x> & <http://a|b>", "&lt;!here&gt;", "&amp;lt;", "<", ">", "&", "<!subteam^S1>", "a\n> b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m := slackfake.Message{Text: slack.Escape(text)}
		if m.Read() != strings.TrimSpace(text) || len(m.Calls()) != 0 {
			t.Errorf("%q is read as %q, and calls %q", text, m.Read(), m.Calls())
		}
	})
}
