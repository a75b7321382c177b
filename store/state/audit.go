package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"drawbridge/server/audit"
	"drawbridge/server/guard"
	"drawbridge/tools/sqldb"
)

var _ audit.Book = (*Store)(nil)

// auditFields are the columns of a record, in the order of recordFields and of its values.
const auditFields = `id, at, principal, door, tool, effect, arguments, decision, rule, outcome, duration_us, run, idempotency_key,
	tainted, dry_run, approval, policy, prev, hash`

func recordFields(r *audit.Record) []any {
	return []any{&r.ID, &r.At, &r.Principal, &r.Door, &r.Tool, &r.Effect, &r.Arguments, &r.Decision, &r.Rule, &r.Outcome, &r.Micros, &r.Run, &r.Key,
		&r.Tainted, &r.DryRun, &r.Approval, &r.Policy, &r.Prev, &r.Hash}
}

// recordOf is a row as it is stored. Texts are such as every engine keeps unchanged, or a
// copy of the store would break the chain.
func recordOf(row guard.Row) audit.Record {
	return audit.Record{At: millis(row.At), Principal: anywhere(row.Principal), Door: anywhere(row.Door), Tool: anywhere(row.Tool), Effect: string(row.Effect),
		Arguments: anywhere(string(row.Arguments)), Decision: string(row.Decision), Rule: anywhere(row.Rule), Outcome: anywhere(row.Outcome),
		Micros: row.Duration.Microseconds(), Run: anywhere(row.Run), Key: anywhere(row.Key), Tainted: row.Tainted, DryRun: row.DryRun,
		Approval: anywhere(row.Approval), Policy: anywhere(row.Policy)}
}

// anywhere gives a text without what some engine does not keep: U+0000, and what is not
// UTF-8.
func anywhere(text string) string {
	if strings.IndexByte(text, 0) < 0 && utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

const insertBare = `INSERT INTO audit
	(at, principal, door, tool, effect, arguments, decision, rule, outcome, duration_us, run, idempotency_key, tainted, dry_run, approval, policy)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// auditArgs is how many arguments a row is to insertChained, usualArgs one to insertUsual.
const auditArgs, usualArgs = 19, 12

// insertChained is the statement that appends so many rows, insertUsual so many usual ones
// (isUsual): a value that is bound costs more than one that is written there.
var (
	insertChained = insertOfRows(`(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	insertUsual   = insertOfRows(`(?, ?, ?, ?, ?, ?, ?, ?, '', 'ok', ?, '', '', 0, 0, '', ?, ?, ?)`)
)

func insertOfRows(row string) map[int]string {
	texts := map[int]string{}
	for _, n := range together {
		texts[n] = `INSERT INTO audit (` + auditFields + `) VALUES ` + row + strings.Repeat(`, `+row, n-1)
	}
	return texts
}

// isUsual: the row says nothing but that a call of a direct client was let through and ended
// well, as most do.
func isUsual(r *audit.Record) bool {
	return r.Rule == "" && r.Outcome == "ok" && r.Run == "" && r.Key == "" && !r.Tainted && !r.DryRun && r.Approval == ""
}

func appendUsualValues(args []any, r *audit.Record) []any {
	return append(args, r.ID, r.At, r.Principal, r.Door, r.Tool, r.Effect, r.Arguments, r.Decision, r.Micros, r.Policy, r.Prev, r.Hash)
}

// appendValues appends those of auditFields.
func appendValues(args []any, r *audit.Record) []any {
	return append(args, r.ID, r.At, r.Principal, r.Door, r.Tool, r.Effect, r.Arguments, r.Decision, r.Rule, r.Outcome, r.Micros, r.Run, r.Key,
		r.Tainted, r.DryRun, r.Approval, r.Policy, r.Prev, r.Hash)
}

// appendRows appends rows to the audit.
func (s *Store) appendRows(ctx context.Context, tx sqldb.Tx, rows ...guard.Row) error {
	records := make([]audit.Record, 0, len(rows))
	for _, row := range rows {
		r := recordOf(row)
		there, err := turnsUp(ctx, tx, row.Doubted, &r)
		if err != nil {
			return err
		}
		if !there {
			records = append(records, r)
		}
	}
	return s.appendRecords(ctx, tx, records...)
}

// turnsUp reports whether a row that is doubted is written after all.
func turnsUp(ctx context.Context, tx sqldb.Tx, doubted bool, r *audit.Record) (there bool, err error) {
	if !doubted {
		return false, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM audit WHERE run = ? AND run <> '' AND idempotency_key = ? AND at = ? AND duration_us = ?)`,
		r.Run, r.Key, r.At, r.Micros).Scan(&there)
	return there, err
}

// appendRecords appends to the audit. Where writes are in order records have their places in
// the chain at once, unless there are old rows that have none. Where they go on beside each
// other they get them within a second or so ([Store.ChainAudit]): to wait for the one
// before would be to wait for its commit, with every call.
func (s *Store) appendRecords(ctx context.Context, tx sqldb.Tx, records ...audit.Record) error {
	if len(records) == 0 {
		return nil
	}
	if !s.InOrder() {
		for i := range records {
			if err := sqldb.Later(ctx, tx, insertBare, appendValues(nil, &records[i])[1:17]...); err != nil {
				return err
			}
		}
		return nil
	}
	end, known := s.end.after(tx)
	if known {
		n, err := appendAll(ctx, tx, &end, records)
		if err == nil || n > 0 {
			return s.end.note(tx, end, err)
		}
		// Another process has appended rows, and the first number is taken.
	}
	end, err := chainEnd(ctx, tx)
	if err == nil {
		_, err = appendAll(ctx, tx, &end, records)
	}
	return s.end.note(tx, end, err)
}

// knownEnd is the end of the chain where the last transaction left it, so that the next need
// not look for it. It is for writes in order, of which one goes on at a time.
type knownEnd struct {
	link
	number int64 // of the transaction; 0 of none
}

// after is the end if the transaction follows the one that left it there, and has appended
// nothing itself yet: what it appended may have been undone.
func (e *knownEnd) after(tx sqldb.Tx) (link, bool) {
	defer func() { e.number = 0 }() // until somebody notes another
	serial, ok := tx.(sqldb.Serial)
	if !ok || e.number == 0 {
		return link{}, false
	}
	number, committed := serial.Serial()
	return e.link, committed && number == e.number+1
}

// note notes where the end is, unless appending failed.
func (e *knownEnd) note(tx sqldb.Tx, end link, err error) error {
	if serial, ok := tx.(sqldb.Serial); ok && err == nil {
		e.link = end
		e.number, _ = serial.Serial()
	}
	return err
}

// appendAll appends records behind the end, and says how many it has.
func appendAll(ctx context.Context, tx sqldb.Tx, end *link, records []audit.Record) (appended int, err error) {
	for _, n := range together {
		for ; len(records) >= n; records = records[n:] {
			if err := appendSome(ctx, tx, end, records[:n]); err != nil {
				return appended, err
			}
			appended += n
		}
	}
	return appended, nil
}

// appendSome appends records behind the end, by one statement.
func appendSome(ctx context.Context, tx sqldb.Tx, end *link, records []audit.Record) error {
	usual := true
	for i := range records {
		r := &records[i]
		r.Prev, r.Hash = nil, nil // of a try before
		if r.ID = end.id + 1; end.hash != nil {
			r.Chain(end.hash)
		}
		usual = usual && isUsual(r)
		*end = link{r.ID, r.Hash}
	}
	text, values, size := insertChained, appendValues, auditArgs
	if usual {
		text, values, size = insertUsual, appendUsualValues, usualArgs
	}
	args := make([]any, 0, len(records)*size)
	for i := range records {
		args = values(args, &records[i])
	}
	_, err := tx.ExecContext(ctx, text[len(records)], args...)
	return err
}

// link is what the next row follows: hash is nil if it has none.
type link struct {
	id   int64
	hash []byte
}

// chainEnd is the last row that has a number of its own; after all were removed, the one
// that was the last, and before the first nothing.
func chainEnd(ctx context.Context, q sqldb.Querier) (end link, err error) {
	err = q.QueryRowContext(ctx, `SELECT id, hash FROM audit WHERE id < ? ORDER BY id DESC LIMIT 1`, int64(audit.Unchained)).Scan(&end.id, &end.hash)
	if errors.Is(err, sql.ErrNoRows) {
		return cutBefore(ctx, q, audit.Unchained)
	}
	return end, err
}

// cutBefore is the last row that was removed before another, or nothing.
func cutBefore(ctx context.Context, q sqldb.Querier, id int64) (end link, err error) {
	err = q.QueryRowContext(ctx, `SELECT last, hash FROM audit_heads WHERE kind = 'cut' AND last < ? ORDER BY last DESC LIMIT 1`, id).Scan(&end.id, &end.hash)
	if errors.Is(err, sql.ErrNoRows) {
		return link{hash: audit.Genesis}, nil
	}
	return end, err
}

// chainLock is held by whoever gives rows their places, or makes a head.
const chainLock = "the audit's chain"

// ChainAudit gives rows that have no place in the chain theirs: those from before there was
// a chain, where they stand; others behind the last.
func (s *Store) ChainAudit(ctx context.Context, most int) (chained int, err error) {
	var some bool
	if err := s.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM audit WHERE hash IS NULL)`).Scan(&some); err != nil || !some {
		return 0, wrapped("chaining the audit", err)
	}
	err = s.Do(ctx, How{Keyed: true}, func(tx sqldb.Tx) error {
		chained = 0
		if err := s.Lock(ctx, tx, chainLock); err != nil {
			return err
		}
		found, err := tx.QueryContext(ctx, `SELECT `+auditFields+` FROM audit WHERE hash IS NULL ORDER BY id LIMIT ?`, most)
		if err != nil {
			return err
		}
		rows, err := collect(found, recordFields)
		if err != nil || len(rows) == 0 {
			return err
		}
		chained, err = s.chain(ctx, tx, rows)
		return err
	})
	return chained, wrapped("chaining the audit", err)
}

// chain gives rows their places. Those that stay where they are and those that move are
// not of one step.
func (s *Store) chain(ctx context.Context, tx sqldb.Tx, rows []audit.Record) (chained int, err error) {
	moves := rows[0].ID >= audit.Unchained
	var end link
	if moves {
		end, err = chainEnd(ctx, tx)
	} else {
		end, err = linkBefore(ctx, tx, rows[0].ID)
	}
	if err != nil {
		return 0, err
	}
	if end.hash == nil {
		return 0, fmt.Errorf("row %d has lost its hash: verify the audit", end.id)
	}
	for i := range rows {
		r := &rows[i]
		if moves != (r.ID >= audit.Unchained) {
			return i, nil
		}
		was := r.ID
		if moves {
			r.ID = end.id + 1
		}
		r.Chain(end.hash)
		if err := sqldb.Later(ctx, tx, `UPDATE audit SET id = ?, prev = ?, hash = ? WHERE id = ?`, r.ID, r.Prev, r.Hash, was); err != nil {
			return 0, err
		}
		end = link{r.ID, r.Hash}
	}
	return len(rows), nil
}

// linkBefore is the row before another.
func linkBefore(ctx context.Context, q sqldb.Querier, id int64) (end link, err error) {
	err = q.QueryRowContext(ctx, `SELECT id, hash FROM audit WHERE id < ? ORDER BY id DESC LIMIT 1`, id).Scan(&end.id, &end.hash)
	if errors.Is(err, sql.ErrNoRows) {
		return cutBefore(ctx, q, id)
	}
	return end, err
}

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
