// Package mcpmounttest has a book in memory for the tests of whoever mounts servers,
// and the conformance suite that every book must pass.
package mcpmounttest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"drawbridge/tools/mcpmount"
)

// Book is an [mcpmount.Book] in memory. It forgets everything with the process: for
// tests only.
type Book struct {
	mu     sync.Mutex
	mounts map[string]map[string]mcpmount.Definition
	fault  error
}

var _ mcpmount.Book = (*Book)(nil)

// NewBook makes an empty book.
func NewBook() *Book { return &Book{mounts: map[string]map[string]mcpmount.Definition{}} }

// Break makes every call fail with err from now on; nil mends the book.
func (b *Book) Break(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = err
}

// Definitions gives what is kept for a mount.
func (b *Book) Definitions(ctx context.Context, mount string) ([]mcpmount.Definition, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.check(ctx); err != nil {
		return nil, err
	}
	return slices.Collect(maps.Values(b.mounts[mount])), nil
}

// Keep inserts or replaces, and removes.
func (b *Book) Keep(ctx context.Context, mount string, add []mcpmount.Definition, remove []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.check(ctx); err != nil {
		return err
	}
	if b.mounts[mount] == nil {
		b.mounts[mount] = map[string]mcpmount.Definition{}
	}
	for _, tool := range remove {
		delete(b.mounts[mount], tool)
	}
	for _, d := range add {
		d.JSON = slices.Clone(d.JSON)
		b.mounts[mount][d.Tool] = d
	}
	return nil
}

func (b *Book) check(ctx context.Context) error {
	if b.fault != nil {
		return b.fault
	}
	return ctx.Err()
}
