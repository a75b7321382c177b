package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools"
	"drawbridge/tools/schedule"
	"drawbridge/tools/sqldb"
)

var _ schedule.Driver = (*Store)(nil)

// scheduler is the run that calls, as it stands: what its follow-ups inherit.
type scheduler struct {
	owner   string
	bounds  string
	tainted bool
	depth   int // of its follow-ups
}

// schedulerOf reads the caller's run. Whose a follow-up is, and how long its chain, is
// never what a model says.
func schedulerOf(ctx context.Context, q sqldb.Querier, caller tools.Caller) (scheduler, error) {
	var by scheduler
	var source string
	err := q.QueryRowContext(ctx, `SELECT owner, bounds, tainted, source FROM runs WHERE id = ? AND agent = ?`, caller.Run, caller.Agent).Scan(&by.owner, &by.bounds, &by.tainted, &source)
	if err != nil {
		return by, fmt.Errorf("reading run %q of agent %q: %w", caller.Run, caller.Agent, err)
	}
	by.owner = dispatch.OwnerOfFollowUps(by.owner, source)
	by.tainted = by.tainted || caller.Tainted
	by.depth = 1
	if name, ok := strings.CutPrefix(source, dispatch.FromSchedule); ok && strings.HasPrefix(name, dispatch.FollowUpPrefix) {
		err := q.QueryRowContext(ctx, `SELECT depth + 1 FROM schedules WHERE name = ?`, name).Scan(&by.depth)
		if errors.Is(err, sql.ErrNoRows) { // somebody deleted it: nobody knows how long the chain is
			by.depth, err = schedule.MaxDepth+1, nil
		}
		if err != nil {
			return by, fmt.Errorf("reading schedule %q: %w", name, err)
		}
	}
	return by, nil
}

// AddFollowUp keeps a follow-up of an agent's own, and wakes it at its time.
func (s *Store) AddFollowUp(ctx context.Context, caller tools.Caller, plan schedule.Plan) (schedule.FollowUp, error) {
	made, err := sqldb.Once(ctx, s, s.now, schedule.RunTool, func(tx sqldb.Tx) (schedule.FollowUp, error) {
		by, err := schedulerOf(ctx, tx, caller)
		if err != nil {
			return schedule.FollowUp{}, err
		}
		now := s.now().Truncate(time.Millisecond)
		if err := roomFor(ctx, tx, caller, by); err != nil {
			return schedule.FollowUp{}, err
		}
		if err := plan.Check(now); err != nil {
			return schedule.FollowUp{}, err
		}
		f := schedule.FollowUp{ID: dispatch.NewID(dispatch.FollowUpPrefix), At: plan.Time(now).UTC().Truncate(time.Millisecond), Prompt: plan.Prompt,
			Run: caller.Run, CreatedAt: now.UTC(), Status: schedule.Open}
		if _, err := tx.ExecContext(ctx, `INSERT INTO schedules (name, origin, spec, listed, since_at, next_at, agent, prompt, owner, run, tainted, depth, created_at, bounds)
			VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, f.ID, originAgent, "at "+f.At.Format(time.RFC3339), millis(now), millis(f.At),
			caller.Agent, f.Prompt, by.owner, f.Run, by.tainted, by.depth, millis(now), by.bounds); err != nil {
			return schedule.FollowUp{}, err
		}
		return f, enqueue(ctx, tx, dispatch.ScheduleJob, f.ID, f.At)
	})
	if err != nil {
		return schedule.FollowUp{}, err
	}
	s.signal(dispatch.ScheduleJob)
	return made, nil
}

// roomFor refuses a follow-up beyond the bounds.
func roomFor(ctx context.Context, tx sqldb.Tx, caller tools.Caller, by scheduler) error {
	if by.depth > schedule.MaxDepth {
		return tools.Errorf(tools.Conflict, "this run is the last of a chain of %d follow-ups; it cannot have another. Finish what can be finished, "+
			"and leave the rest to a colleague, as a task.", schedule.MaxDepth)
	}
	var open int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM schedules WHERE origin = 'agent' AND agent = ? AND owner = ? AND ended = ''`,
		caller.Agent, by.owner).Scan(&open); err != nil {
		return err
	}
	if open >= schedule.MaxOpen {
		return tools.Errorf(tools.Conflict, "%d follow-ups are open already, which is all there may be. Cancel needless ones, which %s shows, or leave this to a colleague, as a task.",
			open, schedule.ListTool)
	}
	return nil
}

// FollowUps lists the caller's own open follow-ups.
func (s *Store) FollowUps(ctx context.Context, caller tools.Caller) ([]schedule.FollowUp, error) {
	by, err := schedulerOf(ctx, s.Read(), caller)
	if err != nil {
		return nil, err
	}
	rows, err := s.Read().QueryContext(ctx, `SELECT `+scheduleColumns+` FROM schedules WHERE origin = 'agent' AND agent = ? AND owner = ? AND ended = ''
		ORDER BY next_at, name`, caller.Agent, by.owner)
	if err != nil {
		return nil, fmt.Errorf("listing follow-ups: %w", err)
	}
	found, err := collect(rows, (*scheduleRow).fields)
	if err != nil {
		return nil, fmt.Errorf("listing follow-ups: %w", err)
	}
	all := make([]schedule.FollowUp, len(found))
	for i := range found {
		all[i] = followUpOf(found[i].schedule())
	}
	return all, nil
}

// CancelFollowUp ends one of the caller's own before its time.
func (s *Store) CancelFollowUp(ctx context.Context, caller tools.Caller, id string) (schedule.FollowUp, error) {
	return sqldb.Once(ctx, s, s.now, schedule.CancelTool, func(tx sqldb.Tx) (schedule.FollowUp, error) {
		by, err := schedulerOf(ctx, tx, caller)
		if err != nil {
			return schedule.FollowUp{}, err
		}
		stored, err := scheduleByName(ctx, tx, id)
		switch {
		case errors.Is(err, dispatch.ErrNotFound) || err == nil && (stored.FollowUp == nil || stored.Agent != caller.Agent || stored.FollowUp.Owner != by.owner):
			return schedule.FollowUp{}, tools.Errorf(tools.NotFound, "no follow-up of yours has the id %q; %s shows those you have", id, schedule.ListTool)
		case err != nil:
			return schedule.FollowUp{}, err
		case stored.Ended != "":
			return schedule.FollowUp{}, tools.Errorf(tools.Conflict, "follow-up %s is %s already", id, stored.Ended)
		}
		f := followUpOf(stored)
		f.Status = schedule.Cancelled
		return f, s.endFollowUp(ctx, tx, id, string(schedule.Cancelled))
	})
}

func followUpOf(s dispatch.StoredSchedule) schedule.FollowUp {
	f := schedule.FollowUp{ID: s.Name, At: s.Next, Prompt: s.Prompt, Run: s.FollowUp.Run, CreatedAt: s.FollowUp.Created, Status: schedule.Open}
	if s.Paused {
		f.Status = schedule.Paused
	}
	return f
}
