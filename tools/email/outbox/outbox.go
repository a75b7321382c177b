// Package outbox is the built-in mail backend. It keeps every message as it
// would go on the wire, in SQL, and hands none to the network: a company can
// watch what the tools would send before it lets them, and nothing has to be set
// up first. Every receipt says so (delivery "outbox").
//
// A message is composed in the write that keeps it, beside the idempotency key,
// so that a repeated call finds the first result and no second message. That
// costs the other writers, who wait, some ten microseconds for a letter and a few
// milliseconds for one of the largest size.
package outbox

import (
	"context"
	"embed"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"

	"drawbridge/tools/email"
	"drawbridge/tools/sqldb"
)

//go:embed migrations/*.sql migrations/postgres/*.sql
var migrations embed.FS

// Schema is the tables of the outbox. Migrate them, and sqldb.Effects, first.
var Schema = sqldb.Schema{Name: "email", Files: migrations}

var (
	_ email.Sender    = (*Backend)(nil)
	_ email.Drafts    = (*Backend)(nil)
	_ email.Scheduler = (*Backend)(nil)
	_ email.Templates = (*Backend)(nil)
	_ email.Mailbox   = (*Backend)(nil)
)

// Backend keeps mail in a database.
type Backend struct {
	db    sqldb.DB
	from  mail.Address
	now   func() time.Time
	woken chan struct{}
}

// New makes the backend. from is who the messages are from: an address, or a
// name and an address, as in RFC 5322.
func New(db sqldb.DB, from string, now func() time.Time) (*Backend, error) {
	sender, err := email.ParseAddress("from", from)
	if err != nil {
		return nil, fmt.Errorf("reading the sender of the outbox: %w", err)
	}
	return &Backend{db: db, from: sender, now: now, woken: make(chan struct{}, 1)}, nil
}

// Idempotent is true: all writes store the key with their effect.
func (b *Backend) Idempotent() bool { return true }

// clock is the time in what the tables keep of it.
func (b *Backend) clock() time.Time { return b.now().UTC().Truncate(time.Millisecond) }

// once runs a write of a tool under the call's idempotency key.
func (b *Backend) once(ctx context.Context, tool string, do func(tx sqldb.Tx) (email.Receipt, error)) (email.Receipt, error) {
	return sqldb.Once(ctx, b.db, b.now, tool, do)
}

// newID is time-ordered (UUID version 7), which keeps inserts at the end of the index.
func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("making a message id: %w", err)
	}
	return "msg_" + strings.ReplaceAll(id.String(), "-", ""), nil
}
