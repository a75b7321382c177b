package state

import (
	"context"
	"database/sql"

	"drawbridge/server/dispatch"
	"drawbridge/server/retention"
	"drawbridge/server/webhook"
	"drawbridge/tools/sqldb"
)

// oldEvent is an event as far as its removal hangs on it.
type oldEvent struct {
	id, source              string
	status                  dispatch.EventStatus
	replay                  int
	received, seen, emptied int64
	keyed, weak             bool
	dead, waits             bool
	runs, open              bool // it has runs; some of them may go on
	size                    int
}

const (
	waits          = `EXISTS (SELECT 1 FROM jobs WHERE kind = 'event' AND ref = events.id)`
	hasRuns        = `EXISTS (SELECT 1 FROM runs WHERE event = events.id)`
	hasOpenRuns    = `EXISTS (SELECT 1 FROM runs WHERE event = events.id AND (finished_at = 0 OR ` + deadRun + `))`
	oldEventColumn = `id, source, status, replay, received_at, last_seen_at, emptied_at, dedupe_key IS NOT NULL, weak, ` + deadEvent + `, ` +
		waits + `, ` + hasRuns + `, ` + hasOpenRuns + `, OCTET_LENGTH(body) + OCTET_LENGTH(headers)`
	// unmoved: the event is as it was looked at.
	unmoved = ` WHERE id = ? AND status = ? AND replay = ? AND last_seen_at = ? AND NOT ` + waits
)

func (e *oldEvent) fields() []any {
	return []any{&e.id, &e.source, &e.status, &e.replay, &e.received, &e.seen, &e.emptied, &e.keyed, &e.weak, &e.dead, &e.waits, &e.runs, &e.open, &e.size}
}

// fate is what becomes of a row.
type fate int

const (
	kept fate = iota
	emptied
	removed
)

func (e *oldEvent) fate(due retention.Due) fate {
	counts := e.keyed && due.Counts(e.source, fromMillis(e.seen))
	if e.keyed && e.weak {
		counts = !fromMillis(e.received).Add(webhook.WeakWindow).Before(due.Now)
	}
	switch {
	case e.emptied == 0 && !due.Past(e.source, fromMillis(e.received)):
		return kept
	case e.status == dispatch.Accepted || e.waits || e.dead || e.open:
		return kept
	case !e.runs && !counts:
		return removed
	case e.emptied == 0:
		return emptied
	}
	return kept // bare, for its runs or its key
}

// sweepEvents empties events that are past their time, and removes those that nothing
// needs any more.
func (s *Store) sweepEvents(ctx context.Context, due retention.Due, after place) (retention.Step, error) {
	latest := due.Latest()
	if latest.IsZero() {
		return retention.Step{}, nil
	}
	rows, err := s.Read().QueryContext(ctx, `SELECT `+oldEventColumn+` FROM events
		WHERE received_at < ? AND (received_at, id) > (?, ?) ORDER BY received_at, id LIMIT ?`, millis(latest), after.at, after.id, lookAt)
	if err != nil {
		return retention.Step{}, err
	}
	found, err := collect(rows, (*oldEvent).fields)
	if err != nil {
		return retention.Step{}, err
	}
	var b budget
	fates := map[*oldEvent]fate{}
	for i := range found {
		e := &found[i]
		if f := e.fate(due); f != kept {
			if b.full(1, e.size) {
				b.Next = after.String()
				break
			}
			fates[e], b.Rows, b.Bytes = f, b.Rows+1, b.Bytes+e.size
		}
		after = place{e.received, e.id}
	}
	if b.Next == "" && len(found) == lookAt {
		b.Next = after.String()
	}
	return b.Step, s.clearEvents(ctx, due, fates)
}

func (s *Store) clearEvents(ctx context.Context, due retention.Due, fates map[*oldEvent]fate) error {
	if len(fates) == 0 {
		return nil
	}
	return s.Write(ctx, func(tx sqldb.Tx) error {
		for e, f := range fates {
			if err := clearEvent(ctx, tx, e, f, millis(due.Now)); err != nil {
				return err
			}
		}
		return s.retreat(ctx, tx)
	})
}

func clearEvent(ctx context.Context, tx sqldb.Tx, e *oldEvent, f fate, now int64) (err error) {
	if f == removed {
		_, err = tx.ExecContext(ctx, `DELETE FROM events`+unmoved+` AND NOT `+hasRuns, e.id, string(e.status), e.replay, e.seen)
	} else {
		_, err = tx.ExecContext(ctx, `UPDATE events SET body = ?, headers = '{}', delivery = ?, emptied_at = ?`+unmoved+` AND NOT `+hasOpenRuns,
			[]byte{}, sql.NullString{}, now, e.id, string(e.status), e.replay, e.seen)
	}
	return err
}
