package smtp

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/connpool"
	"drawbridge/tools/email"
)

// TLS is how a connection is encrypted.
type TLS string

const (
	// StartTLS turns a plain connection into an encrypted one (RFC 3207), or gives up:
	// the usual way at port 587.
	StartTLS TLS = "starttls"
	// Implicit is TLS from the first byte (RFC 8314): the usual way at port 465.
	Implicit TLS = "implicit"
	// Clear encrypts nothing. It is for servers on this machine alone.
	Clear TLS = "none"
)

// Auth is how the driver says who it is.
type Auth string

const (
	Anonymous Auth = "none"
	Plain     Auth = "plain"   // RFC 4616
	Login     Auth = "login"   // the older way with a password
	XOAuth2   Auth = "xoauth2" // the password is an access token
)

// Settings of a backend. All that has no other word is needed.
type Settings struct {
	// From is who the messages are from: an address, or a name and an address.
	From    string
	Address string // host:port of the mail server
	TLS     TLS
	// Roots are the authorities that may have signed the server's certificate; nil for
	// those of the system.
	Roots              *x509.CertPool
	Auth               Auth
	Username, Password string // unless Anonymous
	DKIM               *DKIM  // nil: the mail server signs, or nobody does
	// Inbox is where the mail that is answered is, and copies of what was sent are kept;
	// nil if there is none.
	Inbox Inbox
	// Dial connects; it decides what may be reached.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Now  func() time.Time
}

// Inbox is a mailbox beside the mail server.
type Inbox interface {
	// Answering is the References of an answer to a message, by its id or Message-ID.
	Answering(ctx context.Context, id string) ([]string, error)
	// Keep keeps a copy of what was sent, and gives its id, "" if none can be looked up.
	Keep(ctx context.Context, raw []byte, at time.Time) (id string, err error)
}

var _ email.Sender = (*Backend)(nil)

// Backend sends mail by a mail server. It is safe for concurrent use.
type Backend struct {
	from  mail.Address
	now   func() time.Time
	sign  signer // nil: no signature
	inbox Inbox  // nil: none
	conns *connpool.Pool[*conn]
	// password is of the connections that are made from now on.
	password atomic.Pointer[string]
}

// New makes the backend. It connects to nothing yet.
func New(s Settings) (*Backend, error) {
	from, err := email.ParseAddress("from", s.From)
	if err != nil {
		return nil, fmt.Errorf("reading the sender: %w", err)
	}
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("reading the address of the mail server: %w", err)
	}
	if s.TLS == Clear && !loopback(host) {
		return nil, fmt.Errorf("mail to %s would not be encrypted, which is for servers on this machine alone", s.Address)
	}
	b := &Backend{from: from, now: s.Now, inbox: s.Inbox}
	if s.DKIM != nil {
		if b.sign, err = newSigner(*s.DKIM); err != nil {
			return nil, err
		}
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	b.SetPassword(s.Password)
	b.conns = connpool.New(connpool.Settings[*conn]{Most: maxConns, Idle: idleTime, Full: full, Open: func(ctx context.Context) (*conn, error) {
		s := s
		s.Password = *b.password.Load()
		return connect(ctx, s, host, domain)
	}})
	return b, nil
}

// SetPassword changes the password, or access token. Connections that logged in with the one
// before carry the message that they are at, and no other.
func (b *Backend) SetPassword(text string) {
	if old := b.password.Swap(&text); old != nil && *old != text && b.conns != nil {
		b.conns.Renew()
	}
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Idempotent is false: a mail server takes a message as often as it is given it.
func (b *Backend) Idempotent() bool { return false }

// Close ends the connections that wait for the next message.
func (b *Backend) Close() { b.conns.Close() }

// Send gives a message to the mail server.
func (b *Backend) Send(ctx context.Context, m email.Mail) (email.Receipt, error) {
	stamp := email.Stamp{From: b.from, Date: b.now().UTC(), MessageID: email.MessageID(tools.Key(ctx), b.from)}
	switch {
	case m.InReplyTo == "":
	case b.inbox != nil:
		var err error
		if stamp.References, err = b.inbox.Answering(ctx, m.InReplyTo); err != nil {
			return email.Receipt{}, err
		}
	default:
		// There is no mailbox to look an id up in.
		if !strings.HasPrefix(m.InReplyTo, "<") {
			return email.Receipt{}, tools.Errorf(tools.Invalid, "in_reply_to: this mail system keeps no messages, so %q names none; give the Message-ID header of the mail answered, with its angle brackets, or leave in_reply_to out", m.InReplyTo)
		}
		stamp.References = []string{m.InReplyTo}
	}
	raw, err := email.Compose(m, stamp)
	if err != nil {
		return email.Receipt{}, err
	}
	if b.sign != nil {
		if raw, err = b.sign(raw); err != nil {
			return email.Receipt{}, err
		}
	}
	wire := email.Wire{From: b.from.Address, Recipients: m.Recipients(), Raw: raw}
	if err := b.hand(ctx, wire); err != nil {
		return email.Receipt{}, judge(ctx, err)
	}
	receipt := email.Receipt{
		ID: idOf(stamp.MessageID), Status: email.Sent, Delivery: email.DeliverySMTP, Note: noteSent, Subject: m.Subject,
		Recipients: wire.Recipients, MessageID: stamp.MessageID, SentAt: stamp.Date,
	}
	if b.inbox != nil && !email.Notice(stamp.MessageID, b.from) {
		b.keep(ctx, m, raw, &receipt)
	}
	return receipt, nil
}

// keepTime bounds the keeping of a copy: the message is on its way whatever becomes of that.
const keepTime = 20 * time.Second

// keep puts a copy of what was sent where people look for it.
func (b *Backend) keep(ctx context.Context, m email.Mail, raw []byte, receipt *email.Receipt) {
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	id, err := b.inbox.Keep(ctx, email.WithBcc(raw, m), receipt.SentAt)
	if err != nil {
		receipt.Note += " No copy could be kept in the folder of sent mail: " + err.Error()
	}
	if id != "" {
		receipt.ID = id
	}
}

const noteSent = "The mail server has taken it on; should it not reach somebody, a notice comes to the sender's mailbox."

// idOf is the id of a message: its Message-ID in the form of our ids. Nothing can be
// looked up by it; the audit and the Message-ID have it in common.
func idOf(messageID string) string {
	unique, _, _ := strings.Cut(strings.TrimPrefix(messageID, "<"), "@")
	return "msg_" + unique
}

// hand gives a message to the server. A connection that waited may be dead without
// anybody's having noticed: where that shows before the server has taken on anything,
// another is used, until one was made for this message.
func (b *Backend) hand(ctx context.Context, wire email.Wire) error {
	for {
		c, waited, err := b.conns.Take(ctx, nil)
		if err != nil {
			return err
		}
		err = c.send(ctx, wire)
		b.conns.Give(c)
		var broken *failure
		if waited && errors.As(err, &broken) && broken.gone() && ctx.Err() == nil {
			continue
		}
		return err
	}
}

// NotOffered says what a server that only takes mail has nothing behind.
func (b *Backend) NotOffered() map[string]string {
	const keeps = "SMTP only takes mail to be sent now: a mail server keeps no drafts, no schedule and no templates for whoever hands mail to it (RFC 5321)."
	const reads = "Mail is not read by SMTP (RFC 5321), but by IMAP."
	return map[string]string{
		email.ToolCreateDraft: keeps, email.ToolSendDraft: keeps, email.ToolSchedule: keeps, email.ToolCancelScheduled: keeps,
		email.ToolListTemplates: keeps, email.ToolSendTemplate: keeps, email.ToolSearch: reads, email.ToolGet: reads,
	}
}
