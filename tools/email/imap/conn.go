package imap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// How long a server has. A call that ends earlier ends the exchange with it.
const (
	connectTime = time.Minute
	answerTime  = time.Minute
	farewell    = 2 * time.Second
)

const (
	// maxConns is how many questions are asked at once: a mail server lets an account have
	// ten to twenty connections, over all programs that use it.
	maxConns = 4
	// idleTime is how long a connection waits for the next question. A server waits for
	// half an hour at least (RFC 9051, 5.4), whatever is between us and it for less.
	idleTime = 2 * time.Minute
)

// full is the error of a question that found no connection free.
func full(why error) error { return &failure{stage: connecting, err: why} }

// What a server may send for one question, in bytes: the client of the protocol keeps what
// it reads, and has no bound of its own.
const (
	smallAnswer = 1 << 20
	listAnswer  = 4 << 20 // numbers of messages
)

// conn is a connection to the server, of somebody who has logged in.
type conn struct {
	wire   *meter
	client *imapclient.Client
	// folder is the one that is open, as it was when it was opened; nil if none is.
	folder *folder
	sound  bool // a new question may be asked
	// news is told, at most once before somebody looks, that messages have come.
	news chan struct{}
}

// folder is an open folder.
type folder struct {
	name     string
	validity uint32
	next     uint32 // the UID of the next message to come; 0 if the server does not say
	messages uint32
}

// connect makes a connection, encrypts it and says who we are.
func connect(ctx context.Context, s Settings) (*conn, error) {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, err
	}
	dialing, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	raw, err := s.Dial(dialing, "tcp", s.Address)
	if err != nil {
		return nil, &failure{stage: connecting, err: err}
	}
	c := &conn{wire: &meter{Conn: raw}, sound: true, news: make(chan struct{}, 1)}
	over := c.wire.bound(ctx, connectTime, smallAnswer)
	if err = c.begin(ctx, s, host); err == nil {
		err = c.wire.await(ctx, connectTime, func() error { return c.greet(s) })
	}
	if !over() && err == nil {
		err = &failure{stage: connecting, err: context.Cause(ctx)}
	}
	if err != nil {
		c.sound = false
		c.Close()
		return nil, err
	}
	return c, nil
}

// begin encrypts the connection, and has the client of the protocol speak over it.
func (c *conn) begin(ctx context.Context, s Settings, host string) error {
	clear, err := encrypted(ctx, c.wire, s, host)
	if err != nil {
		return &failure{stage: encrypting, err: err}
	}
	c.client = imapclient.New(&teller{Conn: &shallow{Conn: clear, meter: c.wire}, meter: c.wire}, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: c.told}})
	return nil
}

func (c *conn) greet(s Settings) error {
	if err := c.welcome(); err != nil {
		return &failure{stage: greeting, err: c.wire.why(err)}
	}
	if c.client.State() != imap.ConnStateNotAuthenticated {
		return nil // it knows us already, by the connection
	}
	if err := c.authenticate(s); err != nil {
		return &failure{stage: authenticating, err: err}
	}
	return nil
}

// welcome waits for the greeting. Where that is a goodbye, which ends the connection, the
// client has two things to tell at once, and takes either: that it was said is the better one.
func (c *conn) welcome() (err error) {
	for range 64 {
		if err = c.client.WaitGreeting(); err == nil || errors.As(err, new(*imap.Error)) {
			return err
		}
	}
	return err
}

// told hears of changes in the open folder.
func (c *conn) told(data *imapclient.UnilateralDataMailbox) {
	if data.NumMessages == nil {
		return
	}
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// errNotOffered: the server has no such way of authentication.
var errNotOffered = errors.New("it does not offer AUTH")

func (c *conn) authenticate(s Settings) error {
	caps := c.client.Caps()
	if caps == nil {
		return errors.New("the server does not say what it can do")
	}
	if s.Auth == Login {
		if caps.Has(imap.CapLoginDisabled) {
			return fmt.Errorf("%w login", errNotOffered)
		}
		return c.client.Login(s.Username, s.Password).Wait()
	}
	var way sasl.Client
	switch s.Auth {
	case Plain:
		way = sasl.NewPlainClient("", s.Username, s.Password)
	case XOAuth2:
		way = &xoauth2{s.Username, s.Password}
	default:
		return fmt.Errorf("there is no way %q to authenticate", s.Auth)
	}
	mechanism, _, err := way.Start()
	if err != nil {
		return err
	}
	if !caps.Has(imap.AuthCap(mechanism)) {
		return fmt.Errorf("%w %s", errNotOffered, s.Auth)
	}
	return c.client.Authenticate(way)
}

// xoauth2 is Google's and Microsoft's way to show an access token.
type xoauth2 struct{ username, token string }

func (x *xoauth2) Start() (mechanism string, initial []byte, err error) {
	return "XOAUTH2", []byte("user=" + x.username + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next answers what is wrong with the token: with nothing, as is asked for.
func (x *xoauth2) Next([]byte) ([]byte, error) { return []byte{}, nil }

// Reusable reports whether a new question may be asked.
func (c *conn) Reusable() bool { return c.sound }

// Close ends the connection, with a goodbye where that can be said.
func (c *conn) Close() {
	if c.sound && c.client != nil {
		c.wire.left.Store(smallAnswer)
		_ = c.wire.Conn.SetDeadline(time.Now().Add(farewell))
		_ = c.client.Logout().Wait()
	}
	_ = c.wire.Conn.Close()
	if c.client != nil {
		<-c.client.Closed() // nothing reads from it any more
	}
}
