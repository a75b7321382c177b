package imap

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
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
	// Implicit is TLS from the first byte (RFC 8314): the usual way, at port 993.
	Implicit TLS = "implicit"
	// StartTLS turns a plain connection into an encrypted one, or gives up: at port 143.
	StartTLS TLS = "starttls"
	// Clear encrypts nothing. It is for servers on this machine alone.
	Clear TLS = "none"
)

// Auth is how the driver says who it is.
type Auth string

const (
	Plain   Auth = "plain"   // SASL's PLAIN, RFC 4616
	Login   Auth = "login"   // the command LOGIN
	XOAuth2 Auth = "xoauth2" // the password is an access token
)

// Settings of a backend. All that has no other word is needed.
type Settings struct {
	Address string // host:port of the mail server
	TLS     TLS
	// Roots are the authorities that may have signed the server's certificate; nil for
	// those of the system.
	Roots              *x509.CertPool
	Auth               Auth
	Username, Password string
	// Own is the address that mail is sent from: what is from it was sent, all else was
	// received.
	Own string
	// Folders are those that are searched, by their names at the server.
	Folders []string
	// Sent is the folder in which copies of what was sent are kept; "" keeps none.
	Sent string
	// Dial connects; it decides what may be reached.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Now  func() time.Time
}

var _ email.Inbox = (*Backend)(nil)

// Backend reads mail at a mail server. It is safe for concurrent use.
type Backend struct {
	s     Settings
	conns *connpool.Pool[*conn]
	login atomic.Pointer[login] // of the connections that are made from now on
}

// New makes the backend. It connects to nothing yet.
func New(s Settings) (*Backend, error) {
	host, _, err := net.SplitHostPort(s.Address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the address of the mail server: %w", err)
	case s.TLS == Clear && !loopback(host):
		return nil, fmt.Errorf("mail from %s would not be encrypted, which is for servers on this machine alone", s.Address)
	case len(s.Folders) == 0:
		return nil, errors.New("there is no folder to be read")
	}
	for _, folder := range append([]string{s.Sent}, s.Folders...) {
		if len(folder) > MaxFolder || strings.ContainsAny(folder, "\r\n\x00") {
			return nil, fmt.Errorf("the folder %q has a line break in its name, or more than %d bytes", folder, MaxFolder)
		}
	}
	b := &Backend{s: s}
	b.SetPassword(s.Password)
	b.conns = connpool.New(connpool.Settings[*conn]{Most: maxConns, Idle: idleTime, Full: full, Open: func(ctx context.Context) (*conn, error) {
		c, _, err := b.connect(ctx)
		return c, err
	}})
	return b, nil
}

// connect makes a connection of its own, by the password as it is now. outdated is closed
// when there is another.
func (b *Backend) connect(ctx context.Context) (c *conn, outdated <-chan struct{}, err error) {
	s, login := b.s, b.login.Load()
	s.Password = login.password
	c, err = connect(ctx, s)
	return c, login.outdated, err
}

// login is what connections are made with, until there is another.
type login struct {
	password string
	outdated chan struct{} // closed then
}

// SetPassword changes the password, or access token. Connections that logged in with the one
// before carry the question that they are at, and no other.
func (b *Backend) SetPassword(text string) {
	old := b.login.Swap(&login{text, make(chan struct{})})
	if old != nil {
		close(old.outdated)
		b.conns.Renew()
	}
}

// Close ends the connections that wait for the next question.
func (b *Backend) Close() { b.conns.Close() }

// Folders are those that are searched.
func (b *Backend) Folders() []string { return b.s.Folders }

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

var _ tools.Gaps = (*Backend)(nil)

// NotOffered says what mail servers have no way of. Drafts they could keep: those are not
// done yet.
func (b *Backend) NotOffered() map[string]string {
	const later = "A mail server sends mail when it gets it, and is told of no time to do so."
	const templates = "A mail server keeps messages, and no templates of them."
	return map[string]string{email.ToolSchedule: later, email.ToolCancelScheduled: later, email.ToolListTemplates: templates, email.ToolSendTemplate: templates}
}
