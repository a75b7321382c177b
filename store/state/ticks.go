package state

import (
	"context"
	"fmt"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

const (
	// keptTicks is how many dealt-with times of one schedule are kept.
	keptTicks = 1000
	// keptEnded is how long a follow-up that has ended is kept.
	keptEnded = 90 * 24 * time.Hour
)

// Advance deals with one time of a schedule.
func (s *Store) Advance(ctx context.Context, step dispatch.ScheduleStep) (dispatch.Tick, error) {
	tick, g := step.Tick, &gates{now: s.now()}
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		g.anew(tx)
		moved, err := changedOne(tx.ExecContext(ctx, `UPDATE schedules SET since_at = ?, next_at = ?, last_tick = ?
			WHERE name = ? AND since_at = ? AND listed = 1 AND paused = 0 AND paused_by_settings = 0 AND ended = ''`,
			millis(tick.At), millis(step.Next), millis(tick.At), step.Schedule, millis(step.Since)))
		if err != nil {
			return err
		}
		if !moved {
			return dispatch.ErrEnded
		}
		if tick, err = g.deal(ctx, step); err != nil {
			return err
		}
		return s.afterTick(ctx, tx, step)
	})
	if err != nil {
		return dispatch.Tick{}, fmt.Errorf("dealing with a time of schedule %q: %w", step.Schedule, err)
	}
	if g.opened {
		s.signal(dispatch.RunJob)
	}
	s.signal(dispatch.ScheduleJob)
	return tick, nil
}

// deal has a time become what it is to become. One that was dealt with before comes again
// if the clock is set back and the schedule is planned anew from there.
func (g *gates) deal(ctx context.Context, step dispatch.ScheduleStep) (tick dispatch.Tick, err error) {
	tick = step.Tick
	var before bool
	err = g.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM schedule_ticks WHERE schedule = ? AND tick = ? AND manual = 0)`, step.Schedule, millis(tick.At)).Scan(&before)
	switch {
	case err != nil:
		return tick, err
	case before:
		tick.Outcome, tick.Note = dispatch.TickSkipped, "it had been dealt with already, before the clock was set back"
		return tick, nil
	case step.Run != nil:
		if tick, err = g.begin(ctx, step); err != nil {
			return tick, err
		}
	}
	return tick, noteTick(ctx, g.tx, tick)
}

// begin adds the run of a step, unless earlier ones stand against it.
func (g *gates) begin(ctx context.Context, step dispatch.ScheduleStep) (dispatch.Tick, error) {
	tick, run := step.Tick, *step.Run
	if step.Overlap != dispatch.OverlapParallel {
		var open int
		if err := g.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM runs WHERE subject = ? AND subject <> '' AND finished_at = 0 LIMIT ?) AS counted`,
			run.Subject, dispatch.MostQueued+1).Scan(&open); err != nil {
			return tick, err
		}
		switch {
		case step.Overlap == dispatch.OverlapSkip && open > 0:
			tick.Outcome, tick.Note = dispatch.TickSkipped, "the run of an earlier time had not ended"
			return tick, nil
		case open > dispatch.MostQueued:
			tick.Outcome, tick.Note = dispatch.TickSkipped, fmt.Sprintf("%d runs of earlier times had not ended", open)
			return tick, nil
		}
	}
	tick.Run = run.ID
	return tick, g.add(ctx, run, 0)
}

// afterTick sets a schedule's next alarm. A follow-up that has no next time has ended.
func (s *Store) afterTick(ctx context.Context, tx sqldb.Tx, step dispatch.ScheduleStep) error {
	if !step.Next.IsZero() {
		return enqueue(ctx, tx, dispatch.ScheduleJob, step.Schedule, step.Next)
	}
	if _, err := finishJob(ctx, tx, dispatch.ScheduleJob, step.Schedule); err != nil {
		return err
	}
	return s.endFollowUp(ctx, tx, step.Schedule, "done")
}

// endFollowUp ends a schedule if it is an agent's own, and forgets those that ended
// long ago.
func (s *Store) endFollowUp(ctx context.Context, tx sqldb.Tx, name, how string) error {
	ended, err := changedOne(tx.ExecContext(ctx, `UPDATE schedules SET ended = ?, ended_at = ?, next_at = 0 WHERE name = ? AND origin = 'agent' AND ended = ''`,
		how, millis(s.now()), name))
	if err != nil || !ended {
		return err
	}
	if _, err := finishJob(ctx, tx, dispatch.ScheduleJob, name); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT name FROM schedules WHERE ended <> '' AND ended_at < ? LIMIT 10`, millis(s.now().Add(-keptEnded)))
	if err != nil {
		return err
	}
	old, err := collect(rows, func(name *string) []any { return []any{name} })
	for _, name := range old {
		if err := forget(ctx, tx, name); err != nil {
			return err
		}
	}
	return err
}

// noteTick keeps what became of a time, and forgets the oldest.
func noteTick(ctx context.Context, tx sqldb.Tx, t dispatch.Tick) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO schedule_ticks (schedule, tick, manual, outcome, note, run) VALUES (?, ?, ?, ?, ?, ?)`,
		t.Schedule, millis(t.At), t.Manual, string(t.Outcome), t.Note, t.Run); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM schedule_ticks WHERE schedule = ? AND tick <
		(SELECT tick FROM schedule_ticks WHERE schedule = ? ORDER BY tick DESC LIMIT 1 OFFSET ?)`, t.Schedule, t.Schedule, keptTicks-1)
	return err
}

// RunSchedule adds a run of a schedule that is none of its times.
func (s *Store) RunSchedule(ctx context.Context, name string, run dispatch.NewRun) error {
	g := &gates{now: s.now()}
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		g.anew(tx)
		schedule, err := scheduleByName(ctx, tx, name)
		switch {
		case err != nil:
			return err
		case schedule.Ended != "":
			return dispatch.ErrEnded
		}
		if err := g.add(ctx, run, 0); err != nil {
			return err
		}
		if err := noteTick(ctx, tx, dispatch.Tick{Schedule: name, At: g.now, Manual: true, Outcome: dispatch.TickStarted, Note: "run by a person", Run: run.ID}); err != nil {
			return err
		}
		return s.endFollowUp(ctx, tx, name, "done")
	})
	if err != nil {
		return fmt.Errorf("running schedule %q: %w", name, err)
	}
	s.signal(dispatch.RunJob)
	return nil
}

// Ticks gives the times of a schedule that were dealt with, the last first.
func (s *Store) Ticks(ctx context.Context, schedule string, limit int) ([]dispatch.Tick, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT t.schedule, t.tick, t.manual, t.outcome, t.note, t.run, COALESCE(r.state, '')
		FROM schedule_ticks t LEFT JOIN runs r ON r.id = t.run WHERE t.schedule = ? ORDER BY t.tick DESC, t.manual LIMIT ?`, schedule, limit)
	if err != nil {
		return nil, fmt.Errorf("listing the times of schedule %q: %w", schedule, err)
	}
	type tickRow struct {
		dispatch.Tick
		at int64
	}
	found, err := collect(rows, func(r *tickRow) []any {
		return []any{&r.Schedule, &r.at, &r.Manual, &r.Outcome, &r.Note, &r.Run, &r.State}
	})
	if err != nil {
		return nil, fmt.Errorf("listing the times of schedule %q: %w", schedule, err)
	}
	ticks := make([]dispatch.Tick, len(found))
	for i, r := range found {
		ticks[i] = r.Tick
		ticks[i].At = fromMillis(r.at)
	}
	return ticks, nil
}
