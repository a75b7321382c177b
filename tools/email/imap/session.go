package imap

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"
)

// within has do ask in a folder, which is open to be read only. A connection that waited
// may be dead without anybody's having noticed: since do changes nothing, it is done once
// more on one that is made for it.
func (b *Backend) within(ctx context.Context, name string, do func(c *conn) error) error {
	return b.on(ctx, name, func(c *conn) error {
		if err := c.enter(ctx, name); err != nil {
			return err
		}
		return do(c)
	})
}

// on has do ask on a connection that waits or is made.
func (b *Backend) on(ctx context.Context, name string, do func(c *conn) error) error {
	for {
		c, waited, err := b.conns.Take(ctx, func(c *conn) bool { return c.folder != nil && c.folder.name == name })
		if err != nil {
			return err
		}
		err = do(c)
		var said *imap.Error
		if err != nil && !errors.As(err, &said) && !errors.As(err, new(*told)) {
			c.sound = false
		}
		broken := !c.sound
		b.conns.Give(c)
		if waited && broken && ctx.Err() == nil && !errors.Is(err, errTooMuch) {
			b.conns.Renew() // the others have waited as well
			continue
		}
		return err
	}
}

// ask bounds one exchange, and says how it failed.
func (c *conn) ask(ctx context.Context, longest time.Duration, most int64, about string, exchange func() error) error {
	over := c.wire.bound(ctx, longest, most)
	err := c.wire.await(ctx, longest, exchange)
	if !over() {
		c.sound = false
		if err != nil || ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	} else if err = c.wire.why(err); c.wire.left.Load() <= 0 {
		c.sound, err = false, errTooMuch
	}
	if err != nil {
		return &failure{stage: asking, about: about, err: err}
	}
	return nil
}

// enter opens a folder to be read only, or finds out what is new in it: an open folder is
// shown as it was until the server may tell of changes.
func (c *conn) enter(ctx context.Context, name string) error {
	if c.folder != nil && c.folder.name == name {
		return c.ask(ctx, answerTime, smallAnswer, name, func() error { return c.client.Noop().Wait() })
	}
	c.folder = nil
	return c.ask(ctx, answerTime, smallAnswer, name, func() error {
		data, err := c.client.Select(name, &imap.SelectOptions{ReadOnly: true}).Wait()
		if err != nil {
			return err
		}
		if data.UIDValidity == 0 {
			return errNoValidity
		}
		c.folder = &folder{name: name, validity: data.UIDValidity, next: uint32(data.UIDNext), messages: data.NumMessages}
		return nil
	})
}

// errNoValidity: ids could not be relied on.
var errNoValidity = errors.New("the server gives its messages no lasting numbers (UIDVALIDITY)")
