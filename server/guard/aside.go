package guard

import (
	"context"
	"sync"

	"drawbridge/tools"
)

// Aside keeps the rows of a run's reads until the run's journal takes them: a read
// changes nothing, and nobody learns what it gave before that is journaled. So the row
// and the result are written in one transaction, and a commit a call is saved.
type Aside struct {
	mu   sync.Mutex
	rows []Row
}

type asideContext struct{}

// WithAside has the rows of reads that are let through put aside, if their calls are a
// run's. Whoever asks for that writes them: with the results, or by themselves where
// there is no result to be written.
func WithAside(ctx context.Context) (context.Context, *Aside) {
	aside := &Aside{}
	return context.WithValue(ctx, asideContext{}, aside), aside
}

// AsideOf gives what [WithAside] put into the context, or nil.
func AsideOf(ctx context.Context) *Aside {
	aside, _ := ctx.Value(asideContext{}).(*Aside)
	return aside
}

// Put adds rows to those that wait.
func (a *Aside) Put(rows ...Row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows = append(a.rows, rows...)
}

// Take gives those that wait, which are the caller's to write from then on. On nil it
// gives none.
func (a *Aside) Take() []Row {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	rows := a.rows
	a.rows = nil
	return rows
}

// putAside puts the row of an attempt aside, if it is one that may wait for the run's
// journal. That of a mounted tool may not: reading may tell somebody outside something.
func (a *attempt) putAside(ctx context.Context, row Row) bool {
	aside := AsideOf(ctx)
	if aside == nil || !row.Journaled || row.Effect != tools.Read || row.Decision != Allowed || a.settlement != nil || a.tool.Mounted {
		return false
	}
	aside.Put(row)
	return true
}
