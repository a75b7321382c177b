package email

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"drawbridge/tools"
)

// Stamp is what the sending side adds to a message when it goes out.
type Stamp struct {
	From mail.Address
	// Date is when the message is meant to go out: for a scheduled one the time
	// it was scheduled for, so that it does not sink below newer mail on arrival.
	Date      time.Time
	MessageID string // with angle brackets; see MessageID
	// References are the Message-IDs of the conversation, oldest first; the last
	// is the one answered. Empty for a new conversation (RFC 5322, 3.6.4).
	References []string
}

// Wire is a message as a mail server is given it.
type Wire struct {
	From       string   // bare address for MAIL FROM (RFC 5321, 3.3)
	Recipients []string // bare addresses for RCPT TO, Bcc included
	Raw        []byte   // the message: RFC 5322, ASCII, CRLF
}

// MessageID makes the Message-ID of the call with the idempotency key, in the
// domain of the sender. The same key gives the same ID, so that even a message
// that goes out twice can be told for one by those who receive it; the key
// itself cannot be read from it. Without a key the ID is random.
func MessageID(key string, from mail.Address) string {
	unique := rand.Text()
	if key != "" {
		unique = digest("message id", key)
	}
	if strings.HasPrefix(key, noticeKey) {
		unique = noticeID + unique
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return "<" + strings.ToLower(unique) + "@" + domain + ">"
}

// Notices of Drawbridge itself, to people who decide, hold links that are for those people
// alone. No caller's key begins so (tools.Key): those of clients are hashed, those of runs
// minted.
const (
	noticeKey = "notice_"
	noticeID  = "notice-"
)

// Notice reports whether a Message-ID is that of such a notice, from the sender's domain:
// what reads a mailbox for models leaves it out.
func Notice(messageID string, from mail.Address) bool {
	_, domain, _ := strings.Cut(from.Address, "@")
	return strings.HasPrefix(messageID, "<"+noticeID) && strings.HasSuffix(strings.ToLower(messageID), "@"+strings.ToLower(domain)+">")
}

// WithBcc is a message with the recipients in Bcc in its header, as its sender keeps it.
func WithBcc(raw []byte, m Mail) []byte {
	if len(m.Bcc) == 0 {
		return raw
	}
	var b bytes.Buffer
	writeHeader(&b, "Bcc", addressList(m.Bcc))
	return append(b.Bytes(), raw...)
}

// Answering is the References of an answer to a message with this Message-ID, which has
// these itself: of what an outsider wrote there, what can stand in a header. It is empty if
// the message cannot be referred to.
func Answering(references []string, messageID string) []string {
	if !messageIDRule.MatchString(messageID) {
		return nil
	}
	sound := []string{}
	for _, id := range references {
		if messageIDRule.MatchString(id) && id != messageID {
			sound = append(sound, id)
		}
	}
	return AppendReference(sound, messageID)
}

// digest is 128 bits of hash, as hex.
func digest(purpose, text string) string {
	sum := sha256.Sum256([]byte(purpose + "\x00" + text))
	return hex.EncodeToString(sum[:16])
}

// Compose writes the message as it goes on the wire: RFC 5322 and MIME, pure
// ASCII, CRLF line ends, no line over 998 octets. Bcc is not in it. The same
// input gives the same bytes. Input that fails its check gives a *tools.Error;
// no input can add a header.
func Compose(m Mail, s Stamp) ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	writeHeader(&b, "Date", s.Date.UTC().Format(time.RFC1123Z))
	writeHeader(&b, "From", s.From.String())
	writeHeader(&b, "To", addressList(m.To))
	if len(m.Cc) > 0 {
		writeHeader(&b, "Cc", addressList(m.Cc))
	}
	if m.ReplyTo != nil {
		writeHeader(&b, "Reply-To", m.ReplyTo.String())
	}
	writeHeader(&b, "Subject", mime.QEncoding.Encode("utf-8", m.Subject))
	writeHeader(&b, "Message-ID", s.MessageID)
	if n := len(s.References); n > 0 {
		writeHeader(&b, "In-Reply-To", s.References[n-1])
		writeHeader(&b, "References", strings.Join(s.References, " "))
	}
	writeHeader(&b, "MIME-Version", "1.0")
	if err := writeBody(&b, m, s.MessageID); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// A msg-id (RFC 5322, 3.6.4), as far as anyone uses it. Those of received mail
// are the work of outsiders.
var messageIDRule = regexp.MustCompile(`^<[!-;=?-~]{1,450}@[!-;=?-~]{1,450}>$`)

// maxReferences keeps the References header of an endless conversation short.
const maxReferences = 20

func (s Stamp) check() error {
	if err := checkAddress("from", s.From); err != nil {
		return err
	}
	for _, id := range append([]string{s.MessageID}, s.References...) {
		if !messageIDRule.MatchString(id) {
			return tools.Errorf(tools.Invalid, "message_id: %q is not a Message-ID", id)
		}
	}
	if year := s.Date.UTC().Year(); year < 1900 || year > 9999 {
		return tools.Errorf(tools.Invalid, "date: the year %d cannot be written in a mail (RFC 5322, 3.3)", year)
	}
	return nil
}

// AppendReference is the conversation of an answer to the message with this id.
// Of a long conversation it keeps the first and the newest.
func AppendReference(references []string, messageID string) []string {
	all := append(append([]string(nil), references...), messageID)
	if over := len(all) - maxReferences; over > 0 {
		all = append(all[:1], all[1+over:]...)
	}
	return all
}

func writeBody(b *bytes.Buffer, m Mail, messageID string) error {
	if m.HTML == "" {
		part := partHeader("text/plain")
		writeHeader(b, "Content-Type", part.Get("Content-Type"))
		writeHeader(b, "Content-Transfer-Encoding", part.Get("Content-Transfer-Encoding"))
		b.WriteString("\r\n")
		return writeQuoted(b, m.Text)
	}
	parts := multipart.NewWriter(b)
	// =_ cannot occur in quoted-printable text (RFC 2045, 6.7), so that no body
	// can hold the boundary.
	if err := parts.SetBoundary("=_" + digest("boundary", messageID)); err != nil {
		return err
	}
	writeHeader(b, "Content-Type", mime.FormatMediaType("multipart/alternative", map[string]string{"boundary": parts.Boundary()}))
	b.WriteString("\r\n")
	// The last alternative is the one preferred (RFC 2046, 5.1.4).
	for _, part := range []struct{ kind, text string }{{"text/plain", m.Text}, {"text/html", m.HTML}} {
		w, err := parts.CreatePart(partHeader(part.kind))
		if err != nil {
			return err
		}
		if err := writeQuoted(w, part.text); err != nil {
			return err
		}
	}
	return parts.Close()
}

func partHeader(kind string) textproto.MIMEHeader {
	return textproto.MIMEHeader{
		"Content-Type":              {kind + "; charset=utf-8"},
		"Content-Transfer-Encoding": {"quoted-printable"},
	}
}

// writeQuoted writes text as quoted-printable, ended by one line end.
func writeQuoted(w io.Writer, text string) error {
	q := quotedprintable.NewWriter(w)
	if _, err := io.WriteString(q, text+"\n"); err != nil {
		return err
	}
	return q.Close()
}
