package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"drawbridge/server/audit"
	"drawbridge/server/retention"
	"drawbridge/tools/sqldb"
)

var _ retention.Store = (*Store)(nil)

// A step first looks, among the readers, at some rows in the order of their age, and
// decides; then it removes what is due in one write, which checks that nothing has
// changed meanwhile. Where a later step goes on is a time and an id.

// lookAt is how many rows a step looks at: more than it removes, since what is kept
// stands among them.
const lookAt = 4 * retention.StepRows

// Sweep makes one step over a kind.
func (s *Store) Sweep(ctx context.Context, kind retention.Kind, due retention.Due, from string) (retention.Step, error) {
	after, err := parsePlace(from)
	if err != nil {
		return retention.Step{}, fmt.Errorf("sweeping %s: %w", kind, err)
	}
	sweep := map[retention.Kind]func(context.Context, retention.Due, place) (retention.Step, error){
		retention.Remains:    s.sweepRemains,
		retention.Callbacks:  s.sweepCallbacks,
		retention.Runs:       s.sweepRuns,
		retention.Events:     s.sweepEvents,
		retention.Deliveries: s.sweepDeliveries,
		retention.Audit:      s.sweepAudit,
		retention.Rejections: s.sweepRejections,
		retention.Calls:      s.sweepCalls,
		retention.Effects:    s.sweepEffects,
		retention.Approvals:  s.sweepApprovals,
		retention.Days:       s.sweepDays,
		retention.Endpoints:  s.sweepEndpoints,
	}[kind]
	if sweep == nil {
		return retention.Step{}, fmt.Errorf("sweeping %q: there is nothing of the kind", kind)
	}
	step, err := sweep(ctx, due, after)
	if err != nil {
		return step, fmt.Errorf("sweeping %s: %w", kind, err)
	}
	return step, nil
}

// place is where a step goes on: behind this.
type place struct {
	at int64
	id string
}

func parsePlace(text string) (p place, err error) {
	if text == "" {
		return p, nil
	}
	at, id, _ := strings.Cut(text, " ")
	p.id = id
	p.at, err = strconv.ParseInt(at, 10, 64)
	return p, err
}

func (p place) String() string { return fmt.Sprintf("%d %s", p.at, p.id) }

// budget is what is left of a step.
type budget struct{ retention.Step }

// full reports whether a row of this size has no more room. The first one always has.
func (b *budget) full(rows, bytes int) bool {
	return b.Rows > 0 && (b.Rows+rows > retention.StepRows || b.Bytes+bytes > retention.StepBytes)
}

// NthNewest is when the n-th newest of a kind came, or ended.
func (s *Store) NthNewest(ctx context.Context, kind retention.Kind, n int) (time.Time, bool, error) {
	query := map[retention.Kind]string{
		retention.Events:    `SELECT received_at FROM events ORDER BY received_at DESC, id DESC LIMIT 1 OFFSET ?`,
		retention.Runs:      `SELECT finished_at FROM runs WHERE finished_at > 0 ORDER BY finished_at DESC, id DESC LIMIT 1 OFFSET ?`,
		retention.Callbacks: `SELECT last_at FROM callbacks WHERE state = 'delivered' ORDER BY last_at DESC, id DESC LIMIT 1 OFFSET ?`,
		retention.Audit:     `SELECT at FROM audit WHERE id = (SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?)`,
	}[kind]
	if kind == retention.Audit && s.InOrder() {
		// Only the oldest are ever removed, and the number of a row that was undone is given
		// again: there are no gaps, and nothing to be counted.
		query = `SELECT at FROM audit WHERE id = (SELECT MAX(id) FROM audit) - ?`
	}
	if query == "" {
		return time.Time{}, false, fmt.Errorf("counting %s: they are not kept by number", kind)
	}
	var at int64
	err := s.Read().QueryRowContext(ctx, query, n-1).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("counting %s: %w", kind, err)
	}
	return fromMillis(at), true, nil
}

// OldestOpen is when the oldest run was made that may go on.
func (s *Store) OldestOpen(ctx context.Context) (time.Time, bool, error) {
	var at sql.NullInt64
	err := s.Read().QueryRowContext(ctx, `SELECT MIN(at) FROM (
		SELECT MIN(created_at) AS at FROM runs WHERE state IN ('queued', 'running', 'waiting') UNION ALL
		SELECT MIN(created_at) FROM runs WHERE `+deadRun+`) AS oldest`).Scan(&at)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("looking for the oldest run that may go on: %w", err)
	}
	return fromMillis(at.Int64), at.Valid, nil
}

// anew has a step look from the beginning: what the last one found is gone.
var anew = place{}.String()

// oldRow is a row of a kind that goes by its age alone.
type oldRow struct {
	key  []any // what it is found by
	at   int64
	size int
}

// sweepOld removes rows by age alone, the oldest first. look gives them (keys, then when
// it was and its size), remove takes one away by its keys.
func (s *Store) sweepOld(ctx context.Context, due retention.Due, keys int, look, remove string, args ...any) (retention.Step, error) {
	return s.sweepRows(ctx, due, keys, look, func(tx sqldb.Tx, old []oldRow) error {
		for _, r := range old {
			if _, err := tx.ExecContext(ctx, remove, r.key...); err != nil {
				return err
			}
		}
		return nil
	}, args...)
}

// sweepRows is sweepOld with a say in how rows are removed.
func (s *Store) sweepRows(ctx context.Context, due retention.Due, keys int, look string, remove func(sqldb.Tx, []oldRow) error, args ...any) (retention.Step, error) {
	if due.Before.IsZero() {
		return retention.Step{}, nil
	}
	rows, err := s.Read().QueryContext(ctx, look, append(args, retention.StepRows)...)
	if err != nil {
		return retention.Step{}, err
	}
	found, err := collect(rows, func(r *oldRow) []any {
		r.key = make([]any, keys)
		into := make([]any, 0, keys+2)
		for i := range r.key {
			into = append(into, &r.key[i])
		}
		return append(into, &r.at, &r.size)
	})
	if err != nil {
		return retention.Step{}, err
	}
	var b budget
	var old []oldRow
	for _, r := range found {
		if r.at >= millis(due.Before) {
			break
		}
		if b.full(1, r.size) {
			b.Next = anew
			break
		}
		b.Rows, b.Bytes, old = b.Rows+1, b.Bytes+r.size, append(old, r)
	}
	if len(old) == retention.StepRows {
		b.Next = anew
	}
	if len(old) == 0 {
		return b.Step, nil
	}
	return b.Step, s.Write(ctx, func(tx sqldb.Tx) error { return remove(tx, old) })
}

func (s *Store) sweepAudit(ctx context.Context, due retention.Due, _ place) (retention.Step, error) {
	if due.Before.IsZero() {
		return retention.Step{}, nil
	}
	// What has no place in the chain yet could not be missed.
	if _, err := s.ChainAudit(ctx, audit.Step); err != nil {
		return retention.Step{}, err
	}
	return s.sweepRows(ctx, due, 1, `SELECT id, at, OCTET_LENGTH(arguments) FROM audit WHERE hash IS NOT NULL ORDER BY id LIMIT ?`, func(tx sqldb.Tx, old []oldRow) error {
		if err := s.Lock(ctx, tx, chainLock); err != nil {
			return err
		}
		last := old[len(old)-1].key[0].(int64)
		if err := s.cutAudit(ctx, tx, last, len(old)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM audit WHERE id <= ?`, last)
		return err
	})
}

func (s *Store) sweepRejections(ctx context.Context, due retention.Due, _ place) (retention.Step, error) {
	return s.sweepOld(ctx, due, 1, `SELECT id, at, OCTET_LENGTH(excerpt) FROM rejections ORDER BY at LIMIT ?`, `DELETE FROM rejections WHERE id = ?`)
}

func (s *Store) sweepCalls(ctx context.Context, due retention.Due, _ place) (retention.Step, error) {
	return s.sweepOld(ctx, due, 2, `SELECT principal, idempotency_key, at, COALESCE(OCTET_LENGTH(result), 0) FROM guarded_calls ORDER BY at LIMIT ?`,
		`DELETE FROM guarded_calls WHERE principal = ? AND idempotency_key = ?`)
}

func (s *Store) sweepEffects(ctx context.Context, due retention.Due, _ place) (retention.Step, error) {
	return s.sweepOld(ctx, due, 1, `SELECT idempotency_key, created_at, OCTET_LENGTH(result) FROM tool_effects ORDER BY created_at LIMIT ?`,
		`DELETE FROM tool_effects WHERE idempotency_key = ?`)
}

// sweepApprovals goes by when the time of an approval was over, whatever became of it.
func (s *Store) sweepApprovals(ctx context.Context, due retention.Due, _ place) (retention.Step, error) {
	return s.sweepOld(ctx, due, 1, `SELECT id, expires_at, OCTET_LENGTH(arguments) + OCTET_LENGTH(decisions) FROM approvals ORDER BY expires_at LIMIT ?`,
		`DELETE FROM approvals WHERE id = ?`)
}

func (s *Store) sweepDays(ctx context.Context, due retention.Due, _ place) (retention.Step, error) {
	return s.sweepOld(ctx, due, 2, `SELECT agent, day, 0, 0 FROM agent_days WHERE day < ? LIMIT ?`, `DELETE FROM agent_days WHERE agent = ? AND day = ?`, dayOf(due.Before))
}

// sweepDeliveries removes whole bodies of deliveries of which no event has its own body
// any more.
func (s *Store) sweepDeliveries(ctx context.Context, due retention.Due, _ place) (retention.Step, error) {
	due.Before = due.Now.Add(time.Hour) // whatever their age
	return s.sweepOld(ctx, due, 1, `SELECT id, received_at, OCTET_LENGTH(body) FROM deliveries
		WHERE NOT EXISTS (SELECT 1 FROM events WHERE delivery = deliveries.id) ORDER BY id LIMIT ?`, `DELETE FROM deliveries WHERE id = ?`)
}

// sweepEndpoints forgets how it went with whoever is owed nothing, and was not for long.
func (s *Store) sweepEndpoints(ctx context.Context, due retention.Due, _ place) (retention.Step, error) {
	return s.sweepOld(ctx, due, 1, `SELECT endpoint, MAX(failing_since, succeeded_at, disabled_at) AS at, OCTET_LENGTH(why) FROM callback_endpoints
		WHERE NOT EXISTS (SELECT 1 FROM callbacks WHERE callbacks.endpoint = callback_endpoints.endpoint) ORDER BY at LIMIT ?`, `DELETE FROM callback_endpoints WHERE endpoint = ?`)
}
