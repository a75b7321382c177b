package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"drawbridge/store/state"
)

// listing is what every list command has in common.
type listing struct {
	asJSON bool
	limit  int
}

func (l *listing) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&l.asJSON, "json", false, "print a JSON array")
	cmd.Flags().IntVar(&l.limit, "limit", 20, "how many to list at most")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if l.limit < 1 {
			return wrongUse{fmt.Errorf("--limit %d: expected 1 or more", l.limit)}
		}
		return nil
	}
}

func (l *listing) print(c *console, views any, empty string, header []string, rows [][]string) error {
	if l.asJSON {
		return printJSON(c.out, views)
	}
	return table(c.out, empty, header, rows)
}

// fromStore reads a list from the store. A store that does not exist yet has
// nothing in it.
func fromStore[T any](c *console, cmd *cobra.Command, read func(*state.Store) ([]T, error)) ([]T, error) {
	var list []T
	err := c.withStore(cmd, state.ReadOnly, func(store *state.Store) (err error) {
		list, err = read(store)
		return err
	})
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

// lines prints line after line and remembers the first error.
type lines struct {
	w   io.Writer
	err error
}

func (l *lines) printf(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format+"\n", args...)
	}
}
