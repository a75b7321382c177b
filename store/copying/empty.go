package copying

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver

	"drawbridge/tools/sqldb"
)

// clearTables removes what migrations put into the target's tables, and refuses a target that
// has anything else in it: two stores cannot be made one.
func clearTables(ctx context.Context, to Target, tables []Table, components []sqldb.Schema) error {
	made, err := fresh(ctx, components)
	if err != nil {
		return fmt.Errorf("looking what an empty store has: %w", err)
	}
	var filled []string
	for _, t := range slices.Backward(tables) { // those that refer first
		is, err := digest(ctx, to.Querier(), t, to.Storable)
		if err != nil {
			return fmt.Errorf("looking whether the target is empty: %w", err)
		}
		switch {
		case is != made[t.Name]:
			filled = append(filled, fmt.Sprintf("%s (%d)", t.Name, is.Rows))
		case is.Rows > 0:
			if err := to.Clear(ctx, t); err != nil {
				return fmt.Errorf("clearing %s: %w", t.Name, err)
			}
		}
	}
	if len(filled) == 0 {
		return nil
	}
	slices.Sort(filled)
	more := ""
	if n := len(filled) - mostNamed; n > 0 {
		filled, more = filled[:mostNamed], fmt.Sprintf(" and %d other tables", n)
	}
	return fmt.Errorf("the target is not empty: it has rows in %s%s", strings.Join(filled, ", "), more)
}

// mostNamed is how many tables an error names.
const mostNamed = 5

// fresh says what is in the tables of a store that nobody has used yet.
func fresh(ctx context.Context, components []sqldb.Schema) (made map[string]Digest, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // each has a memory of its own
	if err := sqldb.Migrate(ctx, db, sqldb.SQLite, components...); err != nil {
		return nil, err
	}
	tables, err := Tables(ctx, db, sqldb.SQLite)
	if err != nil {
		return nil, err
	}
	made = map[string]Digest{}
	for _, t := range tables {
		if made[t.Name], err = digest(ctx, db, t, func(text string) string { return text }); err != nil {
			return nil, err
		}
	}
	return made, nil
}
