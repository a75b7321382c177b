package state

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/webhook"
)

// The queries behind the commands that look at a store. They read only, and work
// beside a process that serves from it.

// Event gives one event with its body.
func (s *Store) Event(ctx context.Context, id string) (dispatch.StoredEvent, error) {
	return eventByID(ctx, s.Read(), id)
}

// Events lists the newest events first, bodies included.
func (s *Store) Events(ctx context.Context, limit int) ([]dispatch.StoredEvent, error) {
	return s.events(ctx, eventColumns, dispatch.EventFilter{}, limit)
}

// ListEvents lists events that fit, the newest first, without their bodies.
func (s *Store) ListEvents(ctx context.Context, fits dispatch.EventFilter, limit int) ([]dispatch.StoredEvent, error) {
	return s.events(ctx, strings.Replace(eventColumns, ", body,", ", NULL,", 1), fits, limit)
}

func (s *Store) events(ctx context.Context, columns string, fits dispatch.EventFilter, limit int) ([]dispatch.StoredEvent, error) {
	where, arguments := []string{"1 = 1"}, []any(nil)
	for _, c := range []struct {
		given     bool
		condition string
		value     any
	}{
		{fits.Source != "", "source = ?", fits.Source}, {fits.Status != "", "status = ?", string(fits.Status)},
		{!fits.Since.IsZero(), "received_at >= ?", millis(fits.Since)}, {!fits.Until.IsZero(), "received_at < ?", millis(fits.Until)},
	} {
		if c.given {
			where, arguments = append(where, c.condition), append(arguments, c.value)
		}
	}
	rows, err := s.Read().QueryContext(ctx, `SELECT `+columns+` FROM events
		WHERE `+strings.Join(where, " AND ")+` ORDER BY received_at DESC, id DESC LIMIT ?`, append(arguments, limit)...)
	if err != nil {
		return nil, fmt.Errorf("listing events: %w", err)
	}
	found, err := collect(rows, (*eventRow).fields)
	if err != nil {
		return nil, fmt.Errorf("listing events: %w", err)
	}
	events := make([]dispatch.StoredEvent, len(found))
	for i := range found {
		if events[i], err = found[i].event(); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// Run gives one run.
func (s *Store) Run(ctx context.Context, id string) (dispatch.Run, error) {
	return runByID(ctx, s.Read(), id)
}

// Runs lists the newest runs first; event "" lists those of all events and of none.
func (s *Store) Runs(ctx context.Context, event string, limit int) ([]dispatch.Run, error) {
	return s.ListRuns(ctx, dispatch.RunFilter{Event: event}, limit)
}

// Callbacks gives the callbacks of a run.
func (s *Store) Callbacks(ctx context.Context, run string) ([]dispatch.Callback, error) {
	return s.FindCallbacks(ctx, dispatch.CallbackFilter{Run: run}, 1000)
}

// Rejections lists the newest refused deliveries of a source first; source ""
// lists those of all.
func (s *Store) Rejections(ctx context.Context, source string, limit int) ([]webhook.Rejection, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT source, at, remote, status, reason, header_names, excerpt FROM rejections
		WHERE ? IN ('', source) ORDER BY id DESC LIMIT ?`, source, limit)
	if err != nil {
		return nil, fmt.Errorf("listing rejections: %w", err)
	}
	type rejectionRow struct {
		webhook.Rejection
		at    int64
		names string
	}
	found, err := collect(rows, func(r *rejectionRow) []any {
		return []any{&r.Source, &r.at, &r.Remote, &r.Status, &r.Reason, &r.names, &r.Excerpt}
	})
	if err != nil {
		return nil, fmt.Errorf("listing rejections: %w", err)
	}
	rejections := make([]webhook.Rejection, len(found))
	for i, r := range found {
		r.At = fromMillis(r.at)
		if err := json.Unmarshal([]byte(r.names), &r.HeaderNames); err != nil {
			return nil, fmt.Errorf("listing rejections: %w", err)
		}
		rejections[i] = r.Rejection
	}
	return rejections, nil
}

// Audit lists the audit rows of a run in order; run "" lists those of all callers.
func (s *Store) Audit(ctx context.Context, run string, limit int) ([]guard.Row, error) {
	s.settleAudit(ctx)
	rows, err := s.Read().QueryContext(ctx, `SELECT at, principal, door, tool, effect, arguments, decision, rule, outcome, duration_us, run, idempotency_key,
		tainted, dry_run, approval, policy FROM audit WHERE ? IN ('', run) ORDER BY id LIMIT ?`, run, limit)
	if err != nil {
		return nil, fmt.Errorf("listing the audit: %w", err)
	}
	type auditRow struct {
		guard.Row
		at, micros int64
		arguments  string
	}
	found, err := collect(rows, func(r *auditRow) []any {
		return []any{&r.at, &r.Principal, &r.Door, &r.Tool, &r.Effect, &r.arguments, &r.Decision, &r.Rule, &r.Outcome, &r.micros, &r.Run, &r.Key,
			&r.Tainted, &r.DryRun, &r.Approval, &r.Policy}
	})
	if err != nil {
		return nil, fmt.Errorf("listing the audit: %w", err)
	}
	audit := make([]guard.Row, len(found))
	for i, r := range found {
		audit[i] = r.Row
		audit[i].At, audit[i].Duration, audit[i].Arguments = fromMillis(r.at), time.Duration(r.micros)*time.Microsecond, []byte(r.arguments)
	}
	return audit, nil
}
