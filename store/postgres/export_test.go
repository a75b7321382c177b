package postgres

import (
	"context"
	"testing"

	"drawbridge/store/state"
)

// What tests look at.
var (
	Rebind   = rebind
	Storable = storable
	Parse    = func(storeURL string) error { _, err := parse(storeURL); return err }
)

// OpenTwice opens a store that runs each write twice, the first time undone: what can be
// run again gives the same as what runs once.
func OpenTwice(ctx context.Context, storeURL string, mode state.Mode, o state.Options) (*state.Store, error) {
	s, err := Open(ctx, storeURL, mode, o)
	if err == nil {
		s.Engine.(*DB).twice = true
	}
	return s, err
}

// PatienceWithNodes sets how long a node may stand still in a transaction, for stores that
// are opened from now on in the test.
func PatienceWithNodes(t *testing.T, milliseconds string) {
	t.Helper()
	const name = "idle_in_transaction_session_timeout"
	was := writing[name]
	writing[name] = milliseconds
	t.Cleanup(func() { writing[name] = was })
}

// Waiting is how many operations wait for the ordered writer.
func (d *DB) Waiting() int {
	d.writer.mu.Lock()
	defer d.writer.mu.Unlock()
	return len(d.writer.waiting)
}
