package email

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"drawbridge/tools"
)

const howToWrite = `write it as name@example.com or "Ada Lovelace" <ada@example.com>`

var (
	// An addr-spec whose local part is a dot-atom (RFC 5322, 3.2.3) and whose
	// domain is fully qualified (RFC 5321, 2.3.5). Quoted local parts and domain
	// literals are legal and, in business mail, always a mistake.
	addrSpec = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*" +
		`@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)
	// A display name that needs no quotes for a person to read it.
	plainName = regexp.MustCompile(`^[\pL\pN]+( [\pL\pN]+)*$`)
)

// ParseAddress reads one mailbox: name@example.com, or a display name before
// <name@example.com>. Groups and comments are refused. field is named in the
// error, which is a *tools.Error.
func ParseAddress(field, text string) (mail.Address, error) {
	text = strings.TrimSpace(text)
	if err := checkLine(field, text); err != nil {
		return mail.Address{}, err
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil {
		cause := strings.TrimPrefix(err.Error(), "mail: ")
		return mail.Address{}, tools.Errorf(tools.Invalid, "%s: %q is not an address: %s; %s", field, text, cause, howToWrite)
	}
	a := mail.Address{Name: strings.TrimSpace(parsed.Name), Address: parsed.Address}
	if err := checkAddress(field, a); err != nil {
		return mail.Address{}, err
	}
	// net/mail also takes a group of one, and comments. What ends in the bare
	// address is neither.
	if text != a.Address && !strings.HasSuffix(text, "<"+a.Address+">") {
		return mail.Address{}, tools.Errorf(tools.Invalid, "%s: %q is not a single plain address (groups and comments are not supported); %s", field, text, howToWrite)
	}
	return a, nil
}

// FormatAddress writes a for people, and so that ParseAddress reads it back:
// Ada Lovelace <ada@example.com>. It is not the form on the wire.
func FormatAddress(a mail.Address) string {
	switch {
	case a.Name == "":
		return a.Address
	case plainName.MatchString(a.Name):
		return a.Name + " <" + a.Address + ">"
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name)
	return `"` + quoted + `" <` + a.Address + ">"
}

// Bounds of an address: RFC 5321, 4.5.3.1 for its parts.
const (
	maxAddress   = 254 // octets
	maxLocalPart = 64  // octets
	maxLabel     = 63  // octets
	maxName      = 128 // characters
)

func checkAddress(field string, a mail.Address) error {
	if err := checkHeaderText(field, a.Name); err != nil {
		return err
	}
	if utf8.RuneCountInString(a.Name) > maxName {
		return tools.Errorf(tools.Invalid, "%s: the display name is longer than %d characters; shorten it", field, maxName)
	}
	local, domain, _ := strings.Cut(a.Address, "@")
	switch {
	case !isASCII(local):
		return tools.Errorf(tools.Invalid, "%s: %q has characters beyond ASCII before the @, which this mail system cannot deliver to (no SMTPUTF8); use another address of this person", field, a.Address)
	case !isASCII(domain):
		return tools.Errorf(tools.Invalid, "%s: the domain of %q has characters beyond ASCII; write it in its xn-- form", field, a.Address)
	case !addrSpec.MatchString(a.Address):
		return tools.Errorf(tools.Invalid, "%s: %q is not an address that mail can be sent to; %s", field, a.Address, howToWrite)
	case len(a.Address) > maxAddress || len(local) > maxLocalPart:
		return tools.Errorf(tools.Invalid, "%s: the address is longer than %d characters, or than %d before the @", field, maxAddress, maxLocalPart)
	}
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) > maxLabel {
			return tools.Errorf(tools.Invalid, "%s: a part of the domain of %q is longer than %d characters", field, a.Address, maxLabel)
		}
	}
	return nil
}

// checkLine refuses what must not stand in a header field: a line break would
// begin a header of the caller's making.
func checkLine(field, text string) error {
	switch {
	case !utf8.ValidString(text):
		return tools.Errorf(tools.Invalid, "%s: is not valid UTF-8", field)
	case strings.ContainsAny(text, "\r\n"):
		return tools.Errorf(tools.Invalid, "%s: holds a line break; write it on one line", field)
	case strings.ContainsFunc(text, unicode.IsControl):
		return tools.Errorf(tools.Invalid, "%s: holds a control character (such as NUL or tab); leave it out", field)
	}
	return nil
}

// checkHeaderText is checkLine for text that stands in a header as it is: there,
// something that looks like an encoded word (RFC 2047) would be read as what it
// decodes to, which nobody has checked.
func checkHeaderText(field, text string) error {
	if err := checkLine(field, text); err != nil {
		return err
	}
	if strings.Contains(text, "=?") {
		return tools.Errorf(tools.Invalid, "%s: holds =?, which begins an encoded word; write the text itself, it is encoded for you", field)
	}
	return nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
