package outbox_test

import (
	"testing"
	"time"

	"drawbridge/store/postgres/postgrestest"
	"drawbridge/tools/email"
	"drawbridge/tools/email/emailtest"
	"drawbridge/tools/email/outbox"
	"drawbridge/tools/sqldb"
	"drawbridge/tools/sqldb/sqldbtest"
)

// clock is moved by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func open(t *testing.T) (*outbox.Backend, *sqldbtest.DB, *clock) {
	t.Helper()
	db := sqldbtest.Open(t, outbox.Schema)
	b, c := openOn(t, db)
	return b, db, c
}

func openOn(t *testing.T, db sqldb.DB) (*outbox.Backend, *clock) {
	t.Helper()
	c := &clock{at: time.Date(2026, 3, 2, 9, 30, 0, 123456789, time.UTC)}
	b, err := outbox.New(db, "Kettles & Co. <orders@example.org>", c.now)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

func TestOutboxConforms(t *testing.T) {
	conforms(t, func(t *testing.T) sqldb.DB { return sqldbtest.Open(t, outbox.Schema) })
}

func TestOutboxConformsOnPostgres(t *testing.T) {
	conforms(t, func(t *testing.T) sqldb.DB { return postgrestest.Open(t, outbox.Schema) })
}

func conforms(t *testing.T, open func(t *testing.T) sqldb.DB) {
	t.Helper()
	emailtest.Run(t, func(t *testing.T) emailtest.Harness {
		b, c := openOn(t, open(t))
		return emailtest.Harness{
			Driver:   b,
			From:     "orders@example.org",
			Delivery: email.DeliveryOutbox,
			Now:      c.now,
			Wire: func(t *testing.T, id string) email.Wire {
				t.Helper()
				wire, err := b.Wire(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				return wire
			},
			Advance: func(t *testing.T, by time.Duration) {
				t.Helper()
				c.at = c.at.Add(by)
				if _, err := b.Release(t.Context(), c.at); err != nil {
					t.Fatal(err)
				}
			},
			AddTemplate: func(t *testing.T, template email.Template) {
				t.Helper()
				if err := b.SaveTemplate(t.Context(), template); err != nil {
					t.Fatal(err)
				}
			},
			Receive: func(t *testing.T, m email.Mail, s email.Stamp) string {
				t.Helper()
				id, err := b.Receive(t.Context(), m, s)
				if err != nil {
					t.Fatal(err)
				}
				return id
			},
		}
	}).Keep(t, "outbox")
}
