package email

import (
	"fmt"
	"net/mail"
	"strings"
)

// Content is a message as a tool's caller writes it.
type Content struct {
	Recipients
	Subject string `json:"subject" jsonschema:"What the message is about, one line of at most 255 characters." minLength:"1" maxLength:"255" example:"Your order 1042"`
	Text    string `json:"text" jsonschema:"The body as plain text, at most 262144 bytes of UTF-8. Always needed, also beside html." minLength:"1" maxLength:"262144" example:"Hello Ada,\n\nyour order has left our house today."`
	HTML    string `json:"html,omitempty" jsonschema:"The same body as HTML, at most 524288 bytes of UTF-8. Leave out for plain text alone." maxLength:"524288" example:"<p>Hello Ada,</p><p>your order has left our house today.</p>"`
}

// Recipients are the addresses of a message as a tool's caller writes them.
type Recipients struct {
	To        []string `json:"to" jsonschema:"Who it is for: name@example.com or Ada Lovelace <ada@example.com>, one address an item. At most 50 recipients in to, cc and bcc together; one named twice gets it once." minItems:"1" maxItems:"50" minLength:"3" maxLength:"400" example:"Ada Lovelace <ada@example.com>"`
	Cc        []string `json:"cc,omitempty" jsonschema:"Who gets a copy that everyone sees. Written like to." maxItems:"50" minLength:"3" maxLength:"400" example:"team@example.com"`
	Bcc       []string `json:"bcc,omitempty" jsonschema:"Who gets a copy that no other recipient learns of. Written like to." maxItems:"50" minLength:"3" maxLength:"400" example:"archive@example.com"`
	ReplyTo   string   `json:"reply_to,omitempty" jsonschema:"The one address that answers should go to. Leave out to have them go to the sender." maxLength:"400" example:"orders@example.com"`
	InReplyTo string   `json:"in_reply_to,omitempty" jsonschema:"The id of the message this one answers, from email_search_messages; it joins that conversation. Leave out for a new one." maxLength:"200" example:"msg_0190a1b2c3d47e8f9a0b1c2d3e4f5a6b"`
}

// mail parses the addresses and brings the rest into its one form.
func (c Content) mail() (Mail, error) {
	m, err := c.Recipients.mail()
	if err != nil {
		return Mail{}, err
	}
	m.Subject = strings.TrimSpace(c.Subject)
	m.Text = canonicalText(c.Text)
	m.HTML = canonicalText(c.HTML)
	return m, m.Check()
}

func (r Recipients) mail() (m Mail, err error) {
	seen := map[string]bool{}
	if m.To, err = parseList("to", r.To, seen); err != nil {
		return m, err
	}
	if m.Cc, err = parseList("cc", r.Cc, seen); err != nil {
		return m, err
	}
	if m.Bcc, err = parseList("bcc", r.Bcc, seen); err != nil {
		return m, err
	}
	if r.ReplyTo != "" {
		a, err := ParseAddress("reply_to", r.ReplyTo)
		if err != nil {
			return m, err
		}
		m.ReplyTo = &a
	}
	m.InReplyTo = r.InReplyTo
	return m, m.checkRecipients()
}

// parseList reads the addresses not yet seen: the first mention counts. Case is
// ignored, since no mail system of our day tells Ada@ from ada@.
func parseList(field string, texts []string, seen map[string]bool) ([]mail.Address, error) {
	var list []mail.Address
	for i, text := range texts {
		a, err := ParseAddress(fmt.Sprintf("%s[%d]", field, i), text)
		if err != nil {
			return nil, err
		}
		if folded := strings.ToLower(a.Address); !seen[folded] {
			seen[folded] = true
			list = append(list, a)
		}
	}
	return list, nil
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// canonicalText ends lines in LF and drops empty lines at the end.
func canonicalText(text string) string {
	return strings.TrimRight(lineEnds.Replace(text), "\n")
}
