package slack

import (
	"regexp"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/notify"
)

// escaping is what Slack wants escaped, and with it everything that a text could be taken
// for: mentions, links and <!channel> all begin with <.
var escaping = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Escape gives a text as it can stand in a message and mean itself.
func Escape(text string) string { return escaping.Replace(text) }

var unescaping = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

var (
	userForm    = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)
	channelForm = regexp.MustCompile(`^[CDG][A-Z0-9]{6,20}$`)
	stampForm   = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{1,6}$`)
)

// render is a message as Slack takes it: whom it calls, and the text, which calls nobody.
func render(m notify.Message) (string, error) {
	var b strings.Builder
	switch m.Broadcast {
	case notify.Here:
		b.WriteString("<!here> ")
	case notify.Everybody:
		b.WriteString("<!channel> ")
	}
	for _, id := range m.Mention {
		if !userForm.MatchString(id) {
			return "", tools.Errorf(tools.Invalid, "mention: %q is no id of a person in Slack, such as U0123ABCD; find it with notify_find_person.", id)
		}
		b.WriteString("<@" + id + "> ")
	}
	return b.String() + Escape(m.Text), nil
}
