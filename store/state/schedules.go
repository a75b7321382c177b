package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

var _ dispatch.ScheduleStore = (*Store)(nil)

const scheduleColumns = `name, origin, spec, listed, paused, paused_by_settings, since_at, next_at, last_tick, agent, prompt, owner, run, tainted, depth, created_at, ended, bounds`

// scheduleRow is a schedule as it stands in the table.
type scheduleRow struct {
	dispatch.StoredSchedule
	followUp                   dispatch.FollowUp
	origin                     string
	since, next, last, created int64
}

func (r *scheduleRow) fields() []any {
	f := &r.followUp
	return []any{&r.Name, &r.origin, &r.Spec, &r.Listed, &r.Paused, &r.PausedBySettings, &r.since, &r.next, &r.last, &r.Agent, &r.Prompt,
		&f.Owner, &f.Run, &f.Tainted, &f.Depth, &r.created, &r.Ended, &f.Bounds}
}

func (r *scheduleRow) schedule() dispatch.StoredSchedule {
	r.Since, r.Next, r.LastTick = fromMillis(r.since), fromMillis(r.next), fromMillis(r.last)
	if r.origin == originAgent {
		r.followUp.Created = fromMillis(r.created)
		r.FollowUp = &r.followUp
	}
	return r.StoredSchedule
}

// Where a schedule comes from.
const (
	originConfig = "config"
	originAgent  = "agent"
)

func scheduleByName(ctx context.Context, q sqldb.Querier, name string) (dispatch.StoredSchedule, error) {
	var row scheduleRow
	err := q.QueryRowContext(ctx, `SELECT `+scheduleColumns+` FROM schedules WHERE name = ?`, name).Scan(row.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return dispatch.StoredSchedule{}, fmt.Errorf("schedule %q: %w", name, dispatch.ErrNotFound)
	}
	if err != nil {
		return dispatch.StoredSchedule{}, fmt.Errorf("reading schedule %q: %w", name, err)
	}
	return row.schedule(), nil
}

// PlanSchedules tells of the schedules of the settings.
func (s *Store) PlanSchedules(ctx context.Context, planned []dispatch.PlannedSchedule) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		sleeping, err := listed(ctx, tx)
		if err != nil {
			return err
		}
		for _, p := range planned {
			delete(sleeping, p.Name)
			if err := s.plan(ctx, tx, p); err != nil {
				return err
			}
		}
		for name := range sleeping {
			if _, err := tx.ExecContext(ctx, `UPDATE schedules SET listed = 0 WHERE name = ?`, name); err != nil {
				return err
			}
			if _, err := finishJob(ctx, tx, dispatch.ScheduleJob, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("planning schedules: %w", err)
	}
	s.signal(dispatch.ScheduleJob)
	return nil
}

// listed are the names of the schedules that the settings named so far.
func listed(ctx context.Context, tx sqldb.Tx) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT name FROM schedules WHERE origin = 'config' AND listed = 1`)
	if err != nil {
		return nil, err
	}
	names, err := collect(rows, func(name *string) []any { return []any{name} })
	all := map[string]bool{}
	for _, name := range names {
		all[name] = true
	}
	return all, err
}

func (s *Store) plan(ctx context.Context, tx sqldb.Tx, p dispatch.PlannedSchedule) error {
	was, err := scheduleByName(ctx, tx, p.Name)
	switch {
	case errors.Is(err, dispatch.ErrNotFound):
		if _, err := tx.ExecContext(ctx, `INSERT INTO schedules (name, origin, spec, listed, paused_by_settings, since_at, next_at, agent, prompt, created_at)
			VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)`, p.Name, originConfig, p.Spec, p.Paused, millis(p.From), millis(p.Next), p.Agent, p.Prompt, millis(s.now())); err != nil {
			return err
		}
		was = dispatch.StoredSchedule{Next: p.Next}
	case err != nil:
		return err
	case was.FollowUp != nil:
		return fmt.Errorf("schedule %q is an agent's own", p.Name) // the settings refuse the name
	default:
		if was.Spec != p.Spec || !was.Listed || was.PausedBySettings && !p.Paused {
			was.Since, was.Next = p.From, p.Next
		}
		if _, err := tx.ExecContext(ctx, `UPDATE schedules SET spec = ?, listed = 1, paused_by_settings = ?, since_at = ?, next_at = ?, agent = ?, prompt = ? WHERE name = ?`,
			p.Spec, p.Paused, millis(was.Since), millis(was.Next), p.Agent, p.Prompt, p.Name); err != nil {
			return err
		}
	}
	was.Name, was.Listed, was.PausedBySettings = p.Name, true, p.Paused
	return setAlarm(ctx, tx, was)
}

// setAlarm has a schedule woken at its next time, or not at all.
func setAlarm(ctx context.Context, tx sqldb.Tx, s dispatch.StoredSchedule) error {
	if s.Dormant() || s.Next.IsZero() {
		_, err := finishJob(ctx, tx, dispatch.ScheduleJob, s.Name)
		return err
	}
	return enqueue(ctx, tx, dispatch.ScheduleJob, s.Name, s.Next)
}

// ClaimSchedules leases schedules with a time that has come.
func (s *Store) ClaimSchedules(ctx context.Context, limit int, lease time.Duration) ([]dispatch.StoredSchedule, error) {
	var all []dispatch.StoredSchedule
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		all = nil
		names, err := s.lease(ctx, tx, dispatch.ScheduleJob, limit, lease)
		if err != nil {
			return err
		}
		for _, name := range names {
			schedule, err := scheduleByName(ctx, tx, name)
			switch {
			case errors.Is(err, dispatch.ErrNotFound): // its job must not hold up the others
				_, err = finishJob(ctx, tx, dispatch.ScheduleJob, name)
			case err == nil:
				all = append(all, schedule)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claiming schedules: %w", err)
	}
	return all, nil
}

// PauseSchedule lets the times of a schedule pass.
func (s *Store) PauseSchedule(ctx context.Context, name string) error {
	return s.setPaused(ctx, "pausing", name, func(schedule *dispatch.StoredSchedule) { schedule.Paused = true })
}

// ResumeSchedule has its times count again.
func (s *Store) ResumeSchedule(ctx context.Context, name string, from, next time.Time) error {
	return s.setPaused(ctx, "resuming", name, func(schedule *dispatch.StoredSchedule) {
		schedule.Paused = false
		if schedule.FollowUp == nil {
			schedule.Since, schedule.Next = from, next
		}
	})
}

func (s *Store) setPaused(ctx context.Context, act, name string, change func(*dispatch.StoredSchedule)) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		schedule, err := scheduleByName(ctx, tx, name)
		switch {
		case err != nil:
			return err
		case schedule.Ended != "":
			return dispatch.ErrEnded
		}
		change(&schedule)
		if _, err := tx.ExecContext(ctx, `UPDATE schedules SET paused = ?, since_at = ?, next_at = ? WHERE name = ?`,
			schedule.Paused, millis(schedule.Since), millis(schedule.Next), name); err != nil {
			return err
		}
		return setAlarm(ctx, tx, schedule)
	})
	if err != nil {
		return fmt.Errorf("%s schedule %q: %w", act, name, err)
	}
	s.signal(dispatch.ScheduleJob)
	return nil
}

// DeleteSchedule forgets a schedule that the settings do not name.
func (s *Store) DeleteSchedule(ctx context.Context, name string) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		schedule, err := scheduleByName(ctx, tx, name)
		switch {
		case err != nil:
			return err
		case schedule.FollowUp == nil && schedule.Listed:
			return dispatch.ErrListed
		}
		return forget(ctx, tx, name)
	})
	if err != nil {
		return fmt.Errorf("deleting schedule %q: %w", name, err)
	}
	return nil
}

// forget deletes a schedule with all that is known of its times.
func forget(ctx context.Context, tx sqldb.Tx, name string) error {
	if _, err := finishJob(ctx, tx, dispatch.ScheduleJob, name); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM schedule_ticks WHERE schedule = ?`, name); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM schedules WHERE name = ?`, name)
	return err
}

// Schedule gives one schedule.
func (s *Store) Schedule(ctx context.Context, name string) (dispatch.StoredSchedule, error) {
	return scheduleByName(ctx, s.Read(), name)
}

// Schedules gives all, those of the settings first.
func (s *Store) Schedules(ctx context.Context) ([]dispatch.StoredSchedule, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT `+scheduleColumns+` FROM schedules ORDER BY origin = 'agent', name`)
	if err != nil {
		return nil, fmt.Errorf("listing schedules: %w", err)
	}
	found, err := collect(rows, (*scheduleRow).fields)
	if err != nil {
		return nil, fmt.Errorf("listing schedules: %w", err)
	}
	all := make([]dispatch.StoredSchedule, len(found))
	for i := range found {
		all[i] = found[i].schedule()
	}
	return all, nil
}
