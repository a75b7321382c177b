package copying

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"drawbridge/tools/sqldb"
)

// Source is a store that nobody changes.
type Source interface {
	// Querier reads it, all of it as of one moment.
	Querier() sqldb.Querier
	Engine() sqldb.Dialect
	// Storable gives the form in which the engine keeps a text; most are kept as they are.
	Storable(text string) string
}

// Target is a store that nobody else uses, in a transaction.
type Target interface {
	Source
	// Insert adds rows to a table.
	Insert(ctx context.Context, t Table, rows *Rows) error
	// Clear removes all rows of a table.
	Clear(ctx context.Context, t Table) error
	// Settle brings in order what follows from the rows once all are there, and were found
	// to be right: numbers that are counted up, jobs that the other engine implied, their
	// wake-ups.
	Settle(ctx context.Context, tables []Table) error
}

// Result is a table that was copied, and how it came out on both sides.
type Result struct {
	Table    string
	From, To Digest
}

// Same reports whether the target has what the source has.
func (r Result) Same() bool { return r.From == r.To }

// DifferentError: what arrived is not what was sent.
type DifferentError struct{ Tables []string }

func (e *DifferentError) Error() string {
	return fmt.Sprintf("what arrived differs from the source in %s", strings.Join(e.Tables, ", "))
}

// Copy copies all tables into a target that has them, as the migrations of the components
// leave them, and compares the two. It commits nothing: an error means that the target's
// transaction has to be undone.
func Copy(ctx context.Context, from Source, to Target, components ...sqldb.Schema) ([]Result, error) {
	tables, err := Tables(ctx, from.Querier(), from.Engine())
	if err != nil {
		return nil, fmt.Errorf("looking at the source: %w", err)
	}
	into, err := Tables(ctx, to.Querier(), to.Engine())
	if err != nil {
		return nil, fmt.Errorf("looking at the target: %w", err)
	}
	if err := same(tables, into); err != nil {
		return nil, err
	}
	if err := clearTables(ctx, to, into, components); err != nil {
		return nil, err
	}
	keep := func(text string) string { return to.Storable(from.Storable(text)) }
	for _, t := range tables {
		if err := copyTable(ctx, from, to, t, keep); err != nil {
			return nil, fmt.Errorf("copying %s: %w", t.Name, err)
		}
	}
	results, err := compare(ctx, from, to, tables, keep)
	if err != nil {
		return results, err
	}
	if err := to.Settle(ctx, into); err != nil {
		return nil, fmt.Errorf("settling the target: %w", err)
	}
	return results, nil
}

func copyTable(ctx context.Context, from Source, to Target, t Table, keep func(string) string) error {
	rows, err := read(ctx, from.Querier(), t, keep)
	if err != nil {
		return err
	}
	defer rows.close()
	return errors.Join(to.Insert(ctx, t, rows), rows.Err())
}

// compare reads both sides, each by itself and at the same time.
func compare(ctx context.Context, from Source, to Target, tables []Table, keep func(string) string) ([]Result, error) {
	results := make([]Result, len(tables))
	var read sync.WaitGroup
	var sent, arrived error
	read.Go(func() {
		sent = each(tables, func(i int, t Table) (err error) {
			results[i].From, err = digest(ctx, from.Querier(), t, keep)
			return err
		})
	})
	read.Go(func() {
		arrived = each(tables, func(i int, t Table) (err error) {
			results[i].To, err = digest(ctx, to.Querier(), t, keep)
			return err
		})
	})
	read.Wait()
	if sent != nil || arrived != nil {
		return nil, fmt.Errorf("comparing: %w", errors.Join(sent, arrived))
	}
	var different []string
	for i, t := range tables {
		results[i].Table = t.Name
		if !results[i].Same() {
			different = append(different, t.Name)
		}
	}
	if different != nil {
		return results, &DifferentError{different}
	}
	return results, nil
}

func each(tables []Table, do func(i int, t Table) error) error {
	for i, t := range tables {
		if err := do(i, t); err != nil {
			return err
		}
	}
	return nil
}
