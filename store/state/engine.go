package state

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"drawbridge/tools/sqldb"
)

// Mode says how a process uses a store.
type Mode int

const (
	// Owned: this process works on the jobs.
	Owned Mode = iota
	// Beside: reads and writes, but leaves the jobs to those who own the store.
	Beside
	// ReadOnly: reads a store that exists, beside anybody.
	ReadOnly
)

// Engine is a database that keeps the state: store/sqlite, store/postgres.
type Engine interface {
	// Write and Read. A write decides by what it reads, and no other one comes between,
	// on whatever machine: see [How] for those that need less.
	sqldb.DB
	// Do is Write with a say in how.
	Do(ctx context.Context, how How, fn func(tx sqldb.Tx) error) error
	// Snapshot is a read transaction: all that it reads is of one moment.
	Snapshot(ctx context.Context) (*sql.Tx, error)
	// Watch calls look every second until ctx ends, and says whether another process has
	// written since look last returned without an error.
	Watch(ctx context.Context, look func(ctx context.Context, written bool) error)
	// Alone reports whether no other process can be working on the jobs.
	Alone() bool
	// InOrder reports whether rows become visible in the order of their numbers: whoever
	// has seen all up to one will never find another below it.
	InOrder() bool
	// Lock keeps others who lock the same out until the transaction ends. Where writes are
	// in order there is nobody to be kept out.
	Lock(ctx context.Context, tx sqldb.Tx, what string) error
	// Room is nil while there is room for events on the disk, if the engine knows.
	Room() error
	// WatchRoom measures the disk until ctx ends.
	WatchRoom(ctx context.Context, least Least, log *slog.Logger)
	Close() error
}

// How a write is carried out. The zero value is right for all, the others cost less.
type How struct {
	// Bare: without a savepoint, which costs a quarter of a small write. For
	// operations that fail before they change anything, or else because the disk
	// does: then all that share the transaction fail, as if the commit had.
	Bare bool
	// Relaxed: it is enough that the operating system has it. A crash of the
	// process loses nothing; a power cut may lose what was written since the last
	// commit that was not relaxed.
	Relaxed bool
	// Impatient: whoever asked stops waiting when its context ends, though it has begun
	// and may be carried out.
	Impatient bool
	// Keyed: what it decides by is a key of a table, or a row that it locks (forUpdate). So
	// it may go on beside others; where there is one writer that means nothing.
	Keyed bool
	// Joint, if any, carries out several writes that share a transaction together, with
	// the Part of each. An engine of one transaction a write need not know of it.
	Joint *Joint
	Part  any
	// Spool, if any, appends what the write can be made of again. It may be answered then
	// before it is carried out, as soon as the operating system has that, and is carried out
	// with the next commit or by the next process: a crash loses it no more than a relaxed
	// one. Whoever reads what it writes has to see to it ([Spooler.Settle]).
	Spool func([]byte) []byte
}

// Joint is a kind of write of which several cost less by one statement than by one each.
type Joint struct {
	// Carry carries out all parts. If it fails, what it did is undone, and each write is
	// carried out by itself.
	Carry func(tx sqldb.Tx, parts []any) error
}

// Spooler is an engine that can answer writes before it carries them out. Others carry them
// out at once.
type Spooler interface {
	// Unspool carries out what an earlier process had spooled and did not come to carry out,
	// in its order, and opens the spool.
	Unspool(ctx context.Context, carry func(tx sqldb.Tx, spooled [][]byte) error) error
	// Settle has all carried out that was answered, if it can be; beside an owner it waits
	// for that a little.
	Settle(ctx context.Context)
}

// forUpdate, in a query, locks the rows that it reads until the transaction ends, where
// writes go on beside each other. SQLite passes over a comment.
const forUpdate = ` /*FOR UPDATE*/`

// Least is how much of the store's disk has to be free (ING-29). The zero value asks for
// nothing.
type Least struct {
	Bytes   int64
	Percent int
}

// millis and fromMillis are how times stand in the tables; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
