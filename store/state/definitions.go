package state

import (
	"context"
	"fmt"

	"drawbridge/tools/mcpmount"
	"drawbridge/tools/sqldb"
)

var _ mcpmount.Book = (*Store)(nil)

// Definitions are the accepted definitions of a mount's tools, by name.
func (s *Store) Definitions(ctx context.Context, mount string) ([]mcpmount.Definition, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT tool, hash, definition, accepted_at FROM definitions WHERE mount = ? ORDER BY tool`, mount)
	if err != nil {
		return nil, fmt.Errorf("reading the definitions of %q: %w", mount, err)
	}
	defer func() { _ = rows.Close() }()
	var all []mcpmount.Definition
	for rows.Next() {
		var d mcpmount.Definition
		var text string
		var at int64
		if err := rows.Scan(&d.Tool, &d.Hash, &text, &at); err != nil {
			return nil, fmt.Errorf("reading the definitions of %q: %w", mount, err)
		}
		d.JSON, d.AcceptedAt = []byte(text), fromMillis(at)
		all = append(all, d)
	}
	return all, rows.Err()
}

// Keep forgets the definitions of the tools in remove and accepts those in add, in
// place of what was accepted under their names. All in one transaction.
func (s *Store) Keep(ctx context.Context, mount string, add []mcpmount.Definition, remove []string) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		for _, tool := range remove {
			if _, err := tx.ExecContext(ctx, `DELETE FROM definitions WHERE mount = ? AND tool = ?`, mount, tool); err != nil {
				return err
			}
		}
		for _, d := range add {
			if _, err := tx.ExecContext(ctx, `INSERT INTO definitions (mount, tool, hash, definition, accepted_at) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (mount, tool) DO UPDATE SET hash = excluded.hash, definition = excluded.definition, accepted_at = excluded.accepted_at`,
				mount, d.Tool, d.Hash, string(d.JSON), millis(d.AcceptedAt)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keeping definitions of %q: %w", mount, err)
	}
	return nil
}
