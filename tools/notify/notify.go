package notify

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"drawbridge/tools"
)

// Bounds of a message. Slack recommends no more than so many characters, and shows a text
// of that length whole.
const (
	maxText     = 4000
	maxMentions = 20
)

// Notify is the family over one backend. Its methods are the tools; see [Tools].
type Notify struct {
	driver Driver
	traits Traits
}

// New serves the family from a backend.
func New(driver Driver) *Notify { return &Notify{driver: driver, traits: driver.Traits()} }

// Content is what every message has.
type Content struct {
	Text    string   `json:"text" jsonschema:"What to say, in plain words. *bold*, _italic_, 'code' in backticks, lists and bare links work; Markdown's headings, tables and [links](...) do not. A mention written in the text calls nobody." minLength:"1" maxLength:"4000" example:"Order 1042 is late: the carrier lost it. I have asked for a new one."`
	Mention []string `json:"mention,omitempty" jsonschema:"Ids of people to call by name in front of the text, from notify_find_person." maxItems:"20" minLength:"1" maxLength:"40" example:"U0123ABCD"`
}

// PostInput is the input of notify_post_message.
type PostInput struct {
	Channel string `json:"channel" jsonschema:"Where to post: the channel's name, with or without #, or its id." minLength:"1" maxLength:"100" example:"#orders"`
	Content
	Broadcast string `json:"broadcast,omitempty" jsonschema:"Whom in the channel to call besides. Only for what cannot wait, and only where the settings allow it. none: nobody. here: those who are active now. channel: everybody in it." enum:"none,here,channel" default:"none"`
}

// ReplyInput is the input of notify_reply_in_thread.
type ReplyInput struct {
	Channel  string `json:"channel" jsonschema:"The channel of the message that is answered: its name or, better, its id." minLength:"1" maxLength:"100" example:"C0123ABCD"`
	ThreadID string `json:"thread_id" jsonschema:"thread_id of the message to answer, as its post returned it." minLength:"1" maxLength:"60" example:"1767225600.000100"`
	Content
}

// DirectInput is the input of notify_send_direct_message.
type DirectInput struct {
	Person string `json:"person" jsonschema:"Whom to write to: their email address, or their id." minLength:"1" maxLength:"254" example:"ada@example.com"`
	Text   string `json:"text" jsonschema:"What to say, in plain words. *bold*, _italic_, 'code' in backticks, lists and bare links work; Markdown's headings, tables and [links](...) do not." minLength:"1" maxLength:"4000" example:"Could you look at order 1042?"`
}

// PostMessage posts into a channel.
func (n *Notify) PostMessage(ctx context.Context, in PostInput) (Posted, error) {
	m, err := in.message()
	if err != nil {
		return Posted{}, err
	}
	switch in.Broadcast {
	case "", "none":
	case Here, Everybody:
		if !n.traits.Broadcasts {
			return Posted{}, tools.Errorf(tools.Denied, "broadcast: nobody may call a whole channel here; nothing was posted. Leave broadcast out, and mention who has to know.")
		}
		m.Broadcast = in.Broadcast
	default:
		return Posted{}, tools.Errorf(tools.Invalid, "broadcast: %q is none of none, here and channel.", in.Broadcast)
	}
	if m.Channel, err = channelName(in.Channel); err != nil {
		return Posted{}, err
	}
	posted, err := n.driver.Post(ctx, m)
	return posted, n.writeError(ctx, ToolPost, err)
}

// ReplyInThread posts under a message.
func (n *Notify) ReplyInThread(ctx context.Context, in ReplyInput) (Posted, error) {
	m, err := in.message()
	if err != nil {
		return Posted{}, err
	}
	if m.Channel, err = channelName(in.Channel); err != nil {
		return Posted{}, err
	}
	if m.Thread = strings.TrimSpace(in.ThreadID); m.Thread == "" {
		return Posted{}, tools.Errorf(tools.Invalid, "thread_id: is empty; give that of the message to answer.")
	}
	posted, err := n.driver.Post(ctx, m)
	return posted, n.writeError(ctx, ToolReply, err)
}

// SendDirectMessage writes to one person.
func (n *Notify) SendDirectMessage(ctx context.Context, in DirectInput) (Posted, error) {
	m, err := Content{Text: in.Text}.message()
	if err != nil {
		return Posted{}, err
	}
	person := strings.TrimSpace(in.Person)
	if strings.Contains(person, "@") {
		if person, err = address("person", person); err != nil {
			return Posted{}, err
		}
	}
	if person == "" {
		return Posted{}, tools.Errorf(tools.Invalid, "person: is empty; give an email address or an id.")
	}
	posted, err := n.driver.Direct(ctx, person, m)
	return posted, n.writeError(ctx, ToolDirect, err)
}

func (c Content) message() (Message, error) {
	m := Message{Text: strings.TrimSpace(strings.ReplaceAll(c.Text, "\r\n", "\n"))}
	switch {
	case m.Text == "":
		return m, tools.Errorf(tools.Invalid, "text: is empty; say what people are to know.")
	case !utf8.ValidString(m.Text) || strings.ContainsFunc(m.Text, unseen):
		return m, tools.Errorf(tools.Invalid, "text: holds control characters; leave them out.")
	case utf8.RuneCountInString(m.Text) > maxText:
		return m, tools.Errorf(tools.Invalid, "text: has more than %d characters; say it shorter, or in several messages of one thread.", maxText)
	case len(c.Mention) > maxMentions:
		return m, tools.Errorf(tools.Invalid, "mention: names more than %d people; mention those who have to act.", maxMentions)
	}
	seen := map[string]bool{}
	for i, id := range c.Mention {
		if id = strings.TrimSpace(id); id == "" {
			return m, tools.Errorf(tools.Invalid, "mention[%d]: is empty; give the id that notify_find_person returns.", i)
		}
		if !seen[id] {
			m.Mention = append(m.Mention, id)
		}
		seen[id] = true
	}
	return m, nil
}

// unseen are characters that no text of a message needs.
func unseen(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

func channelName(given string) (string, error) {
	name := strings.TrimPrefix(strings.TrimSpace(given), "#")
	if name == "" || strings.ContainsFunc(name, unicode.IsSpace) {
		return "", tools.Errorf(tools.Invalid, "channel: %q names no channel; find one with notify_list_channels.", given)
	}
	return name, nil
}

func address(field, text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if parsed, err := mail.ParseAddress(text); err != nil || parsed.Address != text {
		return "", tools.Errorf(tools.Invalid, "%s: %q is not a plain email address such as ada@example.com.", field, text)
	}
	return text, nil
}

// readError maps what a driver's read returned.
func readError(tool string, err error) error {
	if brokenOff(err) {
		return tools.Errorf(tools.Unavailable, "%s: broken off before the answer came; nothing was changed. Try again.", tool)
	}
	return foreign(tool, err)
}

// writeError maps what a driver's write returned: one that was broken off may have taken
// effect all the same.
func (n *Notify) writeError(ctx context.Context, tool string, err error) error {
	if !brokenOff(err) {
		return foreign(tool, err)
	}
	unknown := tools.Errorf(tools.OutcomeUnknown, "%s: broken off before the answer came; the message may stand there. Look before posting it again.", tool)
	unknown.Retryable = n.traits.Idempotent && tools.Key(ctx) != ""
	return unknown
}

func brokenOff(err error) bool {
	var known *tools.Error
	return !errors.As(err, &known) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

func foreign(tool string, err error) error {
	var known *tools.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	}
	return fmt.Errorf("%s: %w", tool, err)
}

// NoSuchChannel is the error for a name, or an id, that no channel has which we can see.
func NoSuchChannel(name string) error {
	return tools.Errorf(tools.NotFound, "channel: there is no channel %q that we can see; find it with notify_list_channels. A private one shows up once we were invited to it.", name)
}

// NoSuchPerson is the error for an address, or an id, that nobody has.
func NoSuchPerson(name string) error {
	return tools.Errorf(tools.NotFound, "there is nobody %q in the chat; look at the spelling, or ask for the address that the person has there.", name)
}

// NoSuchThread is the error for a message that is not there.
func NoSuchThread(id string) error {
	return tools.Errorf(tools.NotFound, "thread_id: there is no message %q in this channel; give thread_id and channel as the post returned them. Nothing was posted.", id)
}

// FromOutside is the error for what the settings keep messages from.
func FromOutside(field, what string) error {
	return tools.Errorf(tools.Denied, "%s: %s, and the settings keep messages inside the company; nothing was posted. Choose another, or ask a person.", field, what)
}
