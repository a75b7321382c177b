package state

import (
	"context"
	"strings"

	"drawbridge/server/audit"
	"drawbridge/server/guard"
)

// SearchAudit gives rows that fit, the newest first. A run's and an approval's are found by
// an index; all others by looking, from the newest on, until there are enough: an index
// more would cost each call, and a search is rare.
func (s *Store) SearchAudit(ctx context.Context, f audit.Filter, limit int) ([]audit.Record, error) {
	var conditions []string
	var args []any
	add := func(given bool, condition string, values ...any) {
		if given {
			conditions, args = append(conditions, condition), append(args, values...)
		}
	}
	add(f.Run != "", "run = ? AND run <> ''", f.Run)
	add(f.Approval != "", "approval = ? AND approval <> ''", f.Approval)
	for _, named := range [...]struct{ column, text string }{{"tool", f.Tool}, {"principal", f.Principal}} {
		if strings.Contains(named.text, "*") {
			add(true, named.column+` LIKE ? ESCAPE '\'`, like(named.text))
		} else {
			add(named.text != "", named.column+" = ?", named.text)
		}
	}
	add(f.Decision != "", "decision = ?", f.Decision)
	add(f.Effect != "", "effect = ?", f.Effect)
	add(f.Outcome != "", "outcome = ?", f.Outcome)
	add(f.Tainted, "tainted = 1")
	add(f.DryRun, "dry_run = 1")
	add(f.Cached, `decision = ? AND rule LIKE ?`, string(guard.Allowed), guard.CacheRule+"%")
	add(!f.Since.IsZero(), "at >= ?", millis(f.Since))
	add(!f.Until.IsZero(), "at < ?", millis(f.Until))
	query := `SELECT ` + auditFields + ` FROM audit`
	if len(conditions) > 0 {
		query += ` WHERE ` + strings.Join(conditions, ` AND `)
	}
	s.settleAudit(ctx)
	rows, err := s.Read().QueryContext(ctx, query+` ORDER BY id DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, wrapped("searching the audit", err)
	}
	found, err := collect(rows, recordFields)
	return found, wrapped("searching the audit", err)
}

// like is a pattern with * as SQL has it. SQLite takes capitals for small letters then,
// which no name of ours differs by.
func like(pattern string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`).Replace(pattern)
}
