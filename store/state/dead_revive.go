package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// ReviveEvent has a dead event routed again, or a copy of it with another body.
func (s *Store) ReviveEvent(ctx context.Context, r dispatch.Revival) (id string, err error) {
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		if err := stillDead(ctx, tx, `SELECT `+deadEvent+`, emptied_at > 0 FROM events WHERE id = ?`, r.ID); err != nil {
			return err
		}
		if id = r.ID; r.Body == nil {
			return s.reroute(ctx, tx, id)
		}
		id = r.NewID
		return s.routeEdited(ctx, tx, r)
	})
	if err != nil {
		return "", fmt.Errorf("replaying event %q: %w", r.ID, err)
	}
	s.signal(dispatch.EventJob)
	return id, nil
}

// stillDead checks what is to be revived: a query for whether it is a dead letter, and
// whether its content is gone.
func stillDead(ctx context.Context, tx sqldb.Tx, query, id string) error {
	var dead, emptied bool
	err := tx.QueryRowContext(ctx, query, id).Scan(&dead, &emptied)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return dispatch.ErrNotFound
	case err != nil:
		return err
	case emptied:
		return dispatch.ErrEmptied
	case !dead:
		return dispatch.ErrNotDead
	}
	return nil
}

// reroute has an event routed once more, which settles what is dead of the runs it
// became before. In the order of arrival it goes to the end.
func (s *Store) reroute(ctx context.Context, tx sqldb.Tx, id string) error {
	if err := s.eventInTurn(ctx, tx, id); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE events SET status = 'accepted', status_at = ?, note = '', replay = replay + 1, successor = '',
		seq = (SELECT MAX(seq) + 1 FROM events), in_line = (SELECT COUNT(*) FROM lanes WHERE lane = events.source AND ordered = 1)
		WHERE id = ?`, millis(s.now()), id); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE runs SET dead = 0 WHERE event = ? AND `+deadRun, id); err != nil {
		return err
	}
	return enqueue(ctx, tx, dispatch.EventJob, id, s.now())
}

// eventInTurn is inTurn for the source of an event.
func (s *Store) eventInTurn(ctx context.Context, tx sqldb.Tx, id string) error {
	if s.InOrder() {
		return nil
	}
	var source string
	if err := tx.QueryRowContext(ctx, `SELECT source FROM events WHERE id = ?`, id).Scan(&source); err != nil {
		return err
	}
	return s.inTurn(ctx, tx, source)
}

// routeEdited adds a copy of an event with another body. It has no key to be found by:
// the original keeps that, so that a delivery sent again is still one of it.
func (s *Store) routeEdited(ctx context.Context, tx sqldb.Tx, r dispatch.Revival) error {
	if err := s.eventInTurn(ctx, tx, r.ID); err != nil {
		return err
	}
	now := millis(s.now())
	if _, err := tx.ExecContext(ctx, `INSERT INTO events (id, source, event_key, dedupe_key, weak, content_type, headers, body, received_at, provider_at,
			verified_by, status, status_at, last_seen_at, edited_from, edited_by, in_line)
		SELECT ?, source, event_key, NULL, weak, content_type, headers, ?, ?, provider_at, verified_by, 'accepted', ?, ?, id, ?,
			(SELECT COUNT(*) FROM lanes WHERE lane = events.source AND ordered = 1) FROM events WHERE id = ?`,
		r.NewID, r.Body, now, now, now, r.By, r.ID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE events SET successor = ? WHERE id = ?`, r.NewID, r.ID); err != nil {
		return err
	}
	return enqueue(ctx, tx, dispatch.EventJob, r.NewID, s.now())
}

// ReviveRun starts a new run in the place of a dead one.
func (s *Store) ReviveRun(ctx context.Context, r dispatch.Revival) (string, error) {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		if err := stillDead(ctx, tx, `SELECT `+deadRun+`, emptied_at > 0 FROM runs WHERE id = ?`, r.ID); err != nil {
			return err
		}
		run, err := runByID(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		return s.startAgain(ctx, tx, run, r)
	})
	if err != nil {
		return "", fmt.Errorf("replaying run %q: %w", r.ID, err)
	}
	s.changed(r.ID)
	s.signal(dispatch.RunJob)
	return r.NewID, nil
}

func (s *Store) startAgain(ctx context.Context, tx sqldb.Tx, run dispatch.Run, r dispatch.Revival) error {
	if run.Talked() {
		return errors.New("somebody talked to it, and nobody would hear the answer of a new run; resume it instead")
	}
	next := dispatch.NewRun{ID: r.NewID, Agent: run.Agent, Source: run.Source, Event: run.Event, Prompt: run.Prompt, Route: run.Route, Via: run.Via,
		Tainted: run.Tainted, Owner: run.Owner, Bounds: run.Bounds, CallbackURL: run.CallbackURL, Metadata: run.Metadata, Priority: run.Priority, Subject: run.Subject, Budget: run.Budget}
	editor := ""
	if r.Prompt != nil {
		next.Prompt, editor = *r.Prompt, r.By
	}
	var err error
	if next.Replay, err = nextReplay(ctx, tx, run.Event); err != nil {
		return err
	}
	arrival, err := lastInLine(ctx, tx, run)
	if err != nil {
		return err
	}
	if err := (&gates{tx: tx, now: s.now()}).add(ctx, next, arrival); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE runs SET successor_of = ?, edited_by = ? WHERE id = ?`, run.ID, editor, next.ID); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE runs SET dead = 0, successor = ? WHERE id = ?`, next.ID, run.ID)
	return err
}

// nextReplay counts one more replay of an event: no two runs of it by the same route
// have the same number.
func nextReplay(ctx context.Context, tx sqldb.Tx, event string) (n int, err error) {
	if event == "" {
		return 0, nil
	}
	err = tx.QueryRowContext(ctx, `UPDATE events SET replay = 1 + MAX(replay, (SELECT COALESCE(MAX(replay), 0) FROM runs WHERE event = events.id))
		WHERE id = ? RETURNING replay`, event).Scan(&n)
	return n, err
}

// lastInLine is the place of a run that begins anew: behind all others of its subject,
// some of which may have begun.
func lastInLine(ctx context.Context, tx sqldb.Tx, run dispatch.Run) (arrival int64, err error) {
	if run.Subject == "" {
		return run.Arrival, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT MAX(?, 1 + COALESCE(MAX(arrival), 0)) FROM runs WHERE subject = ? AND subject <> '' AND finished_at = 0`,
		run.Arrival, run.Subject).Scan(&arrival)
	return arrival, err
}

// ResumeRun has a dead run go on from its journal, which is read before the write: the
// journal of a run that has ended grows no more.
func (s *Store) ResumeRun(ctx context.Context, r dispatch.Revival) error {
	err := s.resumeRun(ctx, r)
	if err != nil {
		return fmt.Errorf("resuming run %q: %w", r.ID, err)
	}
	s.changed(r.ID)
	s.signal(dispatch.RunJob)
	return nil
}

func (s *Store) resumeRun(ctx context.Context, r dispatch.Revival) error {
	entries, err := s.Entries(ctx, r.ID)
	if err != nil {
		return err
	}
	var resumption bridge.Entry
	var refusal error
	if len(entries) > 0 {
		resumption, refusal = bridge.Resume(r.ID, entries, r.By, s.now())
	}
	return s.Write(ctx, func(tx sqldb.Tx) error {
		if err := stillDead(ctx, tx, `SELECT `+deadRun+`, emptied_at > 0 FROM runs WHERE id = ?`, r.ID); err != nil {
			return err
		}
		if refusal != nil {
			return refusal
		}
		run, err := runByID(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		if err := appendEntries(ctx, tx, r.ID, []bridge.Entry{resumption}); err != nil {
			return err // a second one at the same time
		}
		return s.goOn(ctx, tx, run)
	})
}

// goOn makes a run that had ended a queued one. Its faults in a row begin anew.
func (s *Store) goOn(ctx context.Context, tx sqldb.Tx, run dispatch.Run) error {
	arrival, err := lastInLine(ctx, tx, run)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE runs SET state = 'queued', reason = '', answer = '', cancel = '', attempts = 0, finished_at = 0, dead = 0,
		gate = '', arrival = ? WHERE id = ?`, arrival, run.ID); err != nil {
		return err
	}
	// What it had asked in a batch came to nothing: it asks anew.
	if _, err := tx.ExecContext(ctx, `DELETE FROM batch_questions WHERE run = ?`, run.ID); err != nil {
		return err
	}
	w, err := firstWaiter(ctx, tx, firstOf+`id = ?`, run.ID)
	if err != nil {
		return err
	}
	return (&gates{tx: tx, now: s.now()}).advance(ctx, *w, dispatch.LineGate)
}
