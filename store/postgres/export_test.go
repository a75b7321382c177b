package postgres

import (
	"context"

	"drawbridge/store/state"
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
