package audit

import (
	"context"
	"log/slog"
	"time"
)

// Book is where rows and heads are kept.
type Book interface {
	// ChainAudit gives rows that have none their places, so many at most, and says how
	// many it was.
	ChainAudit(ctx context.Context, most int) (int, error)
	// HeadAudit makes a head if there are rows behind the last one; nil if there are none.
	HeadAudit(ctx context.Context) (*Head, error)
}

const (
	// Step is how many rows get their places in one transaction.
	Step = 500
	// every is how long rows may wait for their places and for a head.
	every = time.Second
)

// Keeper has rows chained and heads made. Several may work on one book, in whatever
// processes.
type Keeper struct {
	book   Book
	log    *slog.Logger
	silent bool // that it fails has been said
}

// NewKeeper makes one. Heads that are kept are written to the log: what is there cannot be
// changed in the database.
func NewKeeper(book Book, log *slog.Logger) *Keeper { return &Keeper{book: book, log: log} }

// Run looks every second, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := k.Pass(ctx)
		if err != nil && ctx.Err() == nil && !k.silent {
			k.log.Error("chaining the audit", "err", err)
		}
		k.silent = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Pass chains all there is, and makes a head.
func (k *Keeper) Pass(ctx context.Context) error {
	for n := Step; n == Step; {
		var err error
		if n, err = k.book.ChainAudit(ctx, Step); err != nil {
			return err
		}
	}
	head, err := k.book.HeadAudit(ctx)
	if err == nil && head != nil && head.Kind == Kept {
		k.log.Info("the audit's head", "audit_head", head.Line())
	}
	return err
}
