package state

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

var _ dispatch.CallbackStore = (*Store)(nil)

const (
	callbackColumns = `id, run, route, url, state, attempts, manual, before, last_status, last_reason, created_at, last_at`
	callbackDue     = `COALESCE((SELECT due_at FROM jobs WHERE kind = 'callback' AND ref = id), 0)`
)

type callbackRow struct {
	dispatch.Callback
	created, last, due int64
}

func (r *callbackRow) fields() []any {
	return []any{&r.ID, &r.Run, &r.Route, &r.URL, &r.State, &r.Attempts, &r.Manual, &r.Before, &r.LastStatus, &r.LastReason, &r.created, &r.last, &r.due}
}

func (r *callbackRow) callback() dispatch.Callback {
	r.Created, r.LastAt, r.Due = fromMillis(r.created), fromMillis(r.last), fromMillis(r.due)
	return r.Callback
}

// callbackByID gives one with its body.
func callbackByID(ctx context.Context, q sqldb.Querier, id string) (dispatch.Callback, error) {
	var row callbackRow
	err := q.QueryRowContext(ctx, `SELECT `+callbackColumns+`, `+callbackDue+`, body FROM callbacks WHERE id = ?`, id).
		Scan(append(row.fields(), &row.Body)...)
	if errors.Is(err, sql.ErrNoRows) {
		err = dispatch.ErrNotFound
	}
	if err != nil {
		return dispatch.Callback{}, fmt.Errorf("callback %q: %w", id, err)
	}
	return row.callback(), nil
}

// insertCallback adds what a run's end owes. While its endpoint is disabled it is held.
func (s *Store) insertCallback(ctx context.Context, tx sqldb.Tx, c dispatch.Callback) error {
	state := dispatch.Pending
	if disabled, err := isDisabled(ctx, tx, c.Endpoint()); err != nil {
		return err
	} else if disabled {
		state = dispatch.Held
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO callbacks (id, run, route, url, endpoint, body, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		c.ID, c.Run, c.Route, c.URL, c.Endpoint(), c.Body, string(state), millis(c.Created)); err != nil || state == dispatch.Held {
		return err
	}
	return enqueueCallback(ctx, tx, c.ID, c.Endpoint(), s.now())
}

// enqueueCallback is enqueue for a callback: its job names the endpoint.
func enqueueCallback(ctx context.Context, tx sqldb.Tx, id, endpoint string, due time.Time) error {
	noteJob(tx, dispatch.CallbackJob, id, due)
	_, err := tx.ExecContext(ctx, `INSERT INTO jobs (kind, ref, due_at, leased, endpoint) VALUES ('callback', ?, ?, 0, ?)
		ON CONFLICT (kind, ref) DO UPDATE SET due_at = excluded.due_at, leased = 0`, id, millis(due), endpoint)
	return err
}

// queue is what one endpoint has to do.
type queue struct {
	endpoint string
	limit    dispatch.EndpointLimit
	underWay int
	next     sql.NullInt64 // when the earliest is due that nobody has
	lost     sql.NullInt64 // when the earliest lease ran out that has
	ends     sql.NullInt64 // when the earliest lease runs out that has not
	head     string        // the only one that may go, where they go in order; next is its time
}

// queuesQuery finds the endpoints by one look into the index each, however many jobs they
// have: without that, one that is owed much would hold up everybody's writes.
const queuesQuery = `WITH RECURSIVE named (endpoint) AS (
			SELECT MIN(endpoint) FROM jobs WHERE kind = 'callback'
			UNION ALL
			SELECT (SELECT MIN(j.endpoint) FROM jobs j WHERE j.kind = 'callback' AND j.endpoint > named.endpoint) FROM named WHERE named.endpoint IS NOT NULL)
		SELECT endpoint,
			(SELECT COUNT(*) FROM jobs j WHERE j.kind = 'callback' AND j.endpoint = named.endpoint AND j.leased = 1 AND j.due_at > ?),
			(SELECT MIN(j.due_at) FROM jobs j WHERE j.kind = 'callback' AND j.endpoint = named.endpoint AND j.leased = 0),
			(SELECT MIN(j.due_at) FROM jobs j WHERE j.kind = 'callback' AND j.endpoint = named.endpoint AND j.leased = 1 AND j.due_at <= ?),
			(SELECT MIN(j.due_at) FROM jobs j WHERE j.kind = 'callback' AND j.endpoint = named.endpoint AND j.leased = 1 AND j.due_at > ?)
		FROM named WHERE endpoint IS NOT NULL`

// queues gives those of all endpoints that have jobs.
func queues(ctx context.Context, q sqldb.Querier, now time.Time, limits dispatch.EndpointLimits) ([]queue, error) {
	rows, err := q.QueryContext(ctx, queuesQuery, millis(now), millis(now), millis(now))
	if err != nil {
		return nil, err
	}
	all, err := collect(rows, func(q *queue) []any { return []any{&q.endpoint, &q.underWay, &q.next, &q.lost, &q.ends} })
	for i := range all {
		all[i].limit = limits.For(all[i].endpoint)
		if err == nil && all[i].limit.InOrder {
			err = all[i].findHead(ctx, q)
		}
	}
	return all, err
}

// findHead finds the first in order: whatever comes behind it waits.
func (l *queue) findHead(ctx context.Context, q sqldb.Querier) error {
	err := q.QueryRowContext(ctx, `SELECT c.id, j.due_at FROM callbacks c JOIN jobs j ON j.kind = 'callback' AND j.ref = c.id
		WHERE c.endpoint = ? AND c.state = 'pending' ORDER BY c.seq LIMIT 1`, l.endpoint).Scan(&l.head, &l.next)
	if errors.Is(err, sql.ErrNoRows) {
		l.next, err = sql.NullInt64{}, nil
	}
	return err
}

// room is how many more may be under way.
func (l queue) room() int { return max(0, l.limit.AtOnce-l.underWay) }

// due is when one more may begin.
func (l queue) due() (time.Time, bool) {
	times := []sql.NullInt64{l.ends} // which makes room, and work
	switch {
	case l.room() == 0:
	case l.limit.InOrder:
		times = []sql.NullInt64{l.next}
	default:
		times = append(times, l.next, l.lost)
	}
	var first sql.NullInt64
	for _, at := range times {
		if at.Valid && (!first.Valid || at.Int64 < first.Int64) {
			first = at
		}
	}
	return fromMillis(first.Int64), first.Valid
}

// ready gives those that may begin now.
func (l queue) ready(ctx context.Context, tx sqldb.Tx, now time.Time, most int) ([]string, error) {
	most = min(most, l.room())
	if at, ok := l.due(); !ok || at.After(now) || most == 0 {
		return nil, nil
	}
	if l.limit.InOrder {
		return []string{l.head}, nil
	}
	var refs []string
	for _, leased := range []int{1, 0} { // first those that a lost worker had
		rows, err := tx.QueryContext(ctx, `SELECT ref FROM jobs WHERE kind = 'callback' AND endpoint = ? AND leased = ? AND due_at <= ? ORDER BY due_at, ref LIMIT ?`,
			l.endpoint, leased, millis(now), most-len(refs))
		if err != nil {
			return nil, err
		}
		found, err := collect(rows, func(ref *string) []any { return []any{ref} })
		if err != nil {
			return nil, err
		}
		refs = append(refs, found...)
	}
	return refs, nil
}

// pick takes up to limit of what is ready, one of each endpoint in turn; whoever has
// the fewest under way comes first.
func pick(ctx context.Context, tx sqldb.Tx, all []queue, now time.Time, limit int) ([]string, error) {
	slices.SortStableFunc(all, func(a, b queue) int {
		return cmp.Or(cmp.Compare(a.underWay, b.underWay), cmp.Compare(a.next.Int64, b.next.Int64))
	})
	var ready [][]string
	for _, one := range all {
		refs, err := one.ready(ctx, tx, now, limit)
		if err != nil {
			return nil, err
		}
		if len(refs) > 0 {
			ready = append(ready, refs)
		}
	}
	var picked []string
	for round := 0; len(picked) < limit; round++ {
		before := len(picked)
		for _, refs := range ready {
			if round < len(refs) && len(picked) < limit {
				picked = append(picked, refs[round])
			}
		}
		if len(picked) == before {
			break
		}
	}
	return picked, nil
}

// ClaimCallbacks leases callbacks that are due.
func (s *Store) ClaimCallbacks(ctx context.Context, limit int, lease time.Duration, limits dispatch.EndpointLimits) ([]dispatch.Callback, error) {
	var claimed []dispatch.Callback
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		claimed = nil
		now := s.now()
		all, err := queues(ctx, tx, now, limits)
		if err != nil {
			return err
		}
		refs, err := pick(ctx, tx, all, now, limit)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if err := s.take(ctx, tx, dispatch.CallbackJob, ref, now.Add(lease)); err != nil {
				return err
			}
			c, err := callbackByID(ctx, tx, ref)
			if err != nil {
				return err
			}
			claimed = append(claimed, c)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claiming callbacks: %w", err)
	}
	return claimed, nil
}

// NextCallback is when ClaimCallbacks will next have something.
func (s *Store) NextCallback(ctx context.Context, limits dispatch.EndpointLimits) (next time.Time, found bool, err error) {
	all, err := queues(ctx, s.Read(), s.now(), limits)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("looking for the next callback: %w", err)
	}
	for _, one := range all {
		if at, ok := one.due(); ok && (!found || at.Before(next)) {
			next, found = at, true
		}
	}
	return next, found, nil
}
