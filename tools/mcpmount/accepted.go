package mcpmount

import (
	"context"

	"drawbridge/tools"
)

// Accepted are the tools of a mount as its book has them, for whoever wants to know what
// there is and calls nothing: no server is started or asked.
func Accepted(ctx context.Context, s Settings, book Book) ([]tools.Tool, error) {
	m, err := New(s, Options{Book: book})
	if err != nil {
		return nil, err
	}
	if err := m.Remember(ctx); err != nil {
		return nil, err
	}
	return m.Tools(), nil
}
