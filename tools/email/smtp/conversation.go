package smtp

import (
	"context"
	"errors"
	"net/textproto"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

// stage is how far an exchange got.
type stage int

const (
	connecting stage = iota
	greeting
	encrypting
	authenticating
	sender    // MAIL FROM
	recipient // RCPT TO
	content   // DATA, up to the line that ends the message
	ending    // that line was written, and the answer to it decides
)

// failure is an exchange that failed.
type failure struct {
	stage stage
	about string // of recipient: the address
	err   error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// reply is what the server said, nil if it said nothing that can be read.
func (f *failure) reply() *textproto.Error {
	var said *textproto.Error
	errors.As(f.err, &said)
	return said
}

// gone reports whether the connection was dead, or the server about to end it, before
// the server had taken on anything.
func (f *failure) gone() bool {
	said := f.reply()
	return f.stage < ending && (said == nil || said.Code == 421)
}

// send gives a message to the server: to all recipients or to none.
func (c *conn) send(ctx context.Context, wire email.Wire) error {
	over := bound(ctx, c.raw, messageTime)
	err := c.exchange(ctx, wire)
	c.sound = err == nil
	if err == nil {
		c.sent++
	} else if said := err.reply(); said != nil && said.Code != 421 {
		c.sound = c.client.Reset() == nil
	}
	if !over() {
		c.sound = false
	}
	if err != nil {
		return err
	}
	return nil
}

func (c *conn) exchange(ctx context.Context, wire email.Wire) *failure {
	if err := c.client.Mail("<" + wire.From + ">"); err != nil {
		return &failure{stage: sender, err: err}
	}
	for _, address := range wire.Recipients {
		if err := c.client.Rcpt("<" + address + ">"); err != nil {
			return &failure{stage: recipient, about: address, err: err}
		}
	}
	body, err := c.client.Data()
	if err != nil {
		return &failure{stage: content, err: err}
	}
	if _, err := body.Write(wire.Raw); err != nil {
		return &failure{stage: content, err: err}
	}
	if err := tools.FenceOf(ctx).Check(ctx); err != nil {
		_ = c.raw.Close() // whatever else ended it would end the message, too
		return &failure{stage: content, err: err}
	}
	if err := body.Close(); err != nil {
		return &failure{stage: ending, err: err}
	}
	return nil
}
