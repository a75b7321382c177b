package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

var _ dispatch.EventStore = (*Store)(nil)

const eventColumns = `id, source, event_key, weak, content_type, headers, OCTET_LENGTH(body), body, received_at, provider_at, verified_by, status, note, replay, duplicates,
	successor, edited_from, edited_by, status_at, last_seen_at, emptied_at`

// eventRow is an event as it stands in the table.
type eventRow struct {
	dispatch.StoredEvent
	headers                string
	receivedAt, providerAt int64
	statusAt, lastSeen     int64
	emptiedAt              int64
}

func (r *eventRow) fields() []any {
	return []any{&r.ID, &r.Source, &r.Key, &r.Weak, &r.ContentType, &r.headers, &r.Size, &r.Body, &r.receivedAt, &r.providerAt, &r.VerifiedBy,
		&r.Status, &r.Note, &r.Replay, &r.Duplicates, &r.Successor, &r.EditedFrom, &r.EditedBy, &r.statusAt, &r.lastSeen, &r.emptiedAt}
}

func (r *eventRow) event() (dispatch.StoredEvent, error) {
	r.ReceivedAt, r.ProviderAt = fromMillis(r.receivedAt), fromMillis(r.providerAt)
	r.StatusAt, r.LastSeen, r.EmptiedAt = fromMillis(r.statusAt), fromMillis(r.lastSeen), fromMillis(r.emptiedAt)
	if err := json.Unmarshal([]byte(r.headers), &r.Headers); err != nil {
		return dispatch.StoredEvent{}, fmt.Errorf("reading headers of event %q: %w", r.ID, err)
	}
	return r.StoredEvent, nil
}

func eventByID(ctx context.Context, q sqldb.Querier, id string) (dispatch.StoredEvent, error) {
	var row eventRow
	err := q.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM events WHERE id = ?`, id).Scan(row.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return dispatch.StoredEvent{}, fmt.Errorf("event %q: %w", id, dispatch.ErrNotFound)
	}
	if err != nil {
		return dispatch.StoredEvent{}, fmt.Errorf("reading event %q: %w", id, err)
	}
	return row.event()
}

// ClaimEvents leases events that wait to be routed.
func (s *Store) ClaimEvents(ctx context.Context, limit int, lease time.Duration) ([]dispatch.StoredEvent, error) {
	var events []dispatch.StoredEvent
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		events = nil
		if err := s.adopt(ctx, tx, limit); err != nil {
			return err
		}
		refs, err := s.lease(ctx, tx, dispatch.EventJob, limit, lease)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			event, err := eventByID(ctx, tx, ref)
			if err != nil {
				return err
			}
			events = append(events, event)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claiming events: %w", err)
	}
	return events, nil
}

// Route ends the event's job and adds the runs it became. What waited for the event to
// be routed goes on.
func (s *Store) Route(ctx context.Context, event string, routing dispatch.Routing) ([]string, error) {
	var runs []string
	g := &gates{now: s.now(), most: mostLetGo}
	err := s.Write(ctx, func(tx sqldb.Tx) (err error) {
		waiting, err := finishJob(ctx, tx, dispatch.EventJob, event)
		if err == nil && !waiting {
			waiting, err = s.isBehindMark(ctx, tx, event)
		}
		if err != nil {
			return err
		}
		if !waiting {
			return dispatch.ErrEnded
		}
		g.anew(tx)
		runs, err = g.route(ctx, event, routing)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("routing event %q: %w", event, err)
	}
	if g.opened {
		s.signal(dispatch.RunJob)
	}
	if g.more { // very many had waited for this event
		if err := s.letGo(ctx); err != nil {
			return runs, fmt.Errorf("letting go on what waited for event %q: %w", event, err)
		}
	}
	return runs, nil
}

func (g *gates) route(ctx context.Context, event string, routing dispatch.Routing) ([]string, error) {
	var source string
	var seq int64
	err := g.tx.QueryRowContext(ctx, `UPDATE events SET status = ?, status_at = ?, note = ?, in_line = 0 WHERE id = ? RETURNING source, seq`,
		string(routing.Status), millis(g.now), routing.Note, event).Scan(&source, &seq)
	if err != nil {
		return nil, err
	}
	var runs []string
	for _, run := range routing.Runs {
		id, err := g.routeRun(ctx, run, seq)
		if err != nil {
			return nil, err
		}
		if id != "" {
			runs = append(runs, id)
		}
	}
	if len(runs) < len(routing.Runs) {
		if err := settleDebounced(ctx, g.tx, event); err != nil {
			return nil, err
		}
	}
	return runs, g.fillLine(ctx, source)
}

// Replay has an event routed again, as it was received: verification is not
// repeated, and a new run with new idempotency keys comes of it. In the order of
// arrival it goes to the end.
func (s *Store) Replay(ctx context.Context, event string) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		e, err := eventByID(ctx, tx, event)
		switch {
		case err != nil:
			return err
		case e.Status == dispatch.Accepted:
			return errors.New("it waits to be routed already; replay it after that")
		case !e.EmptiedAt.IsZero():
			return dispatch.ErrEmptied
		}
		return s.reroute(ctx, tx, event)
	})
	if err != nil {
		return fmt.Errorf("replaying event %q: %w", event, err)
	}
	s.signal(dispatch.EventJob)
	return nil
}
