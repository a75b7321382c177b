package connpool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/tools/connpool"
)

type conn struct {
	name           string
	broken, closed bool
}

func (c *conn) Reusable() bool { return !c.broken }
func (c *conn) Close()         { c.closed = true }

var errFull = errors.New("all are in use")

func TestConnectionsAreKeptForTheNextUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{"a", "b", "c", "d", "e", "f"}
		p := connpool.New(connpool.Settings[*conn]{Most: 2, Idle: time.Minute, Full: func(why error) error { return errors.Join(errFull, why) },
			Open: func(context.Context) (*conn, error) {
				c := &conn{name: names[0]}
				names = names[1:]
				return c, nil
			}})
		take := func(want string, waits bool, preferred func(*conn) bool) *conn {
			t.Helper()
			c, waited, err := p.Take(t.Context(), preferred)
			if err != nil || c.name != want || waited != waits {
				t.Fatalf("got %+v, waited %t, %v; want %s, %t", c, waited, err, want, waits)
			}
			return c
		}
		a, b := take("a", false, nil), take("b", false, nil)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := p.Take(short, nil); !errors.Is(err, errFull) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third gets %v", err)
		}
		p.Give(a)
		p.Give(b)
		take("a", true, func(c *conn) bool { return c.name == "a" })
		take("b", true, func(c *conn) bool { return c.name == "a" })
		b.broken = true
		p.Give(b) // is closed, and makes room
		c := take("c", false, nil)
		p.Renew() // of those in use, which end when they are given back
		p.Give(a)
		p.Give(c)
		if !a.closed || !b.closed || !c.closed {
			t.Errorf("what was outdated or broken stays: %+v %+v %+v", a, b, c)
		}
		d := take("d", false, nil)
		p.Give(d)
		time.Sleep(time.Minute - 1) // of the bubble
		p.Give(take("d", true, nil))
		time.Sleep(time.Minute)
		synctest.Wait()
		if !d.closed {
			t.Error("nobody has used it for its time, and it is kept")
		}
		e, f := take("e", false, nil), take("f", false, nil)
		p.Give(e)
		p.Close()
		p.Give(f)
		if !e.closed || !f.closed {
			t.Errorf("the pool is closed, and they are not: %+v %+v", e, f)
		}
	})
}
