package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// How long a server has. A call that ends earlier ends the exchange with it.
const (
	connectTime = time.Minute
	// RFC 5321, 4.5.3.2 allows more for a message than anybody who called a tool waits.
	messageTime = 5 * time.Minute
)

const (
	// maxConns is how many messages are on their way at once: a mail server takes a few
	// connections of one sender, and calls the rest abuse.
	maxConns = 4
	// idleTime is how long a connection waits for the next message.
	idleTime = 30 * time.Second
	// maxSent is how many messages a connection carries; many servers end it near 100.
	maxSent = 50
)

// full is the error of a message that found no connection free.
func full(why error) error { return &failure{stage: connecting, err: why} }

// conn is a connection that a message can be given to.
type conn struct {
	raw    net.Conn // below TLS
	client *smtp.Client
	// sound: the server is where a new message may begin.
	sound bool
	sent  int // messages it took
}

// bound gives an exchange its time, and ends it when ctx does. The func it returns says
// that the exchange is over; false: it was cut short, and the connection with it.
func bound(ctx context.Context, raw net.Conn, longest time.Duration) (over func() bool) {
	_ = raw.SetDeadline(time.Now().Add(longest))
	return context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
}

// connect makes a connection, encrypts it and says who we are.
func connect(ctx context.Context, s Settings, host, name string) (*conn, error) {
	dialing, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	raw, err := s.Dial(dialing, "tcp", s.Address)
	if err != nil {
		return nil, &failure{stage: connecting, err: err}
	}
	over := bound(ctx, raw, connectTime)
	client, err := greet(ctx, raw, s, host, name)
	if !over() && err == nil {
		err = &failure{stage: connecting, err: context.Cause(ctx)}
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &conn{raw: raw, client: client, sound: true}, nil
}

func greet(ctx context.Context, raw net.Conn, s Settings, host, name string) (*smtp.Client, error) {
	security := &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	wire := raw
	if s.TLS == Implicit {
		encrypted := tls.Client(raw, security)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, &failure{stage: encrypting, err: err}
		}
		wire = encrypted
	}
	client, err := smtp.NewClient(wire, host)
	if err != nil {
		return nil, &failure{stage: greeting, err: err}
	}
	client.SkipSMTPUTF8(true) // the family writes ASCII addresses
	if err := client.Hello(name); err != nil {
		return nil, &failure{stage: greeting, err: err}
	}
	if s.TLS == StartTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return nil, &failure{stage: encrypting, err: errors.New("it does not offer STARTTLS")}
		}
		if err := client.StartTLS(security); err != nil {
			return nil, &failure{stage: encrypting, err: err}
		}
	}
	if err := authenticate(client, s, host); err != nil {
		return nil, &failure{stage: authenticating, err: err}
	}
	return client, nil
}

func authenticate(client *smtp.Client, s Settings, host string) error {
	var way smtp.Auth
	// That these may go over a connection that is not encrypted was decided by New: only
	// to this machine.
	switch s.Auth {
	case Anonymous:
		return nil
	case Plain:
		way = smtp.PlainAuth("", s.Username, s.Password, host, true)
	case Login:
		way = smtp.LoginAuth(s.Username, s.Password, host, true)
	case XOAuth2:
		way = smtp.XOAuth2Auth(s.Username, s.Password)
	default:
		return fmt.Errorf("there is no way %q to authenticate", s.Auth)
	}
	_, offered := client.Extension("AUTH")
	if !slices.Contains(strings.Fields(strings.ToLower(offered)), string(s.Auth)) {
		return fmt.Errorf("%w %s", errNotOffered, s.Auth)
	}
	return client.Auth(way)
}

// errNotOffered: the server has no such way of authentication.
var errNotOffered = errors.New("it does not offer AUTH")

// farewell bounds the goodbye to a server.
const farewell = 2 * time.Second

// Reusable reports whether another message may be given to it.
func (c *conn) Reusable() bool { return c.sound && c.sent < maxSent }

// Close ends the connection, with a goodbye where that can be said.
func (c *conn) Close() {
	if c.sound {
		_ = c.raw.SetDeadline(time.Now().Add(farewell))
		_ = c.client.Quit()
	}
	_ = c.raw.Close()
}
