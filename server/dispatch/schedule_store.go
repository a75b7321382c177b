package dispatch

import (
	"context"
	"errors"
	"time"
)

// ScheduleJob wakes a schedule at its next time.
const ScheduleJob Kind = "schedule"

// PlannedSchedule is a schedule of the settings, as a store is told of it.
type PlannedSchedule struct {
	Name string
	// Spec is what its times follow from. With another spec than before, it is planned
	// anew.
	Spec          string
	Agent, Prompt string
	// Paused: the settings say that its times pass.
	Paused bool
	// From and Next are for one that has to be planned: no time up to From counts, and
	// Next is the first after it, zero if there is none.
	From, Next time.Time
}

// StoredSchedule is a schedule as the store has it: of the settings, or an agent's own
// follow-up.
type StoredSchedule struct {
	// Name of a follow-up begins with [FollowUpPrefix].
	Name, Spec    string
	Agent, Prompt string
	// FollowUp is what makes it an agent's own; nil for one of the settings.
	FollowUp *FollowUp
	// Listed: the settings of whoever worked last name it. One that they do not name
	// sleeps.
	Listed bool
	// Paused: a person said that its times pass; PausedBySettings: the settings do.
	Paused, PausedBySettings bool
	// Since: of its times, those up to here are dealt with. Next is the first after it,
	// zero if there is none; a follow-up that has ended has none.
	Since, Next time.Time
	// LastTick is the last time that became a run, or did not.
	LastTick time.Time
	// Ended says what became of a follow-up: "done" or "cancelled".
	Ended string
}

// FollowUpPrefix begins the names of agents' own follow-ups.
const FollowUpPrefix = "followup_"

// FollowUp is what an agent's own schedule has besides.
type FollowUp struct {
	// Owner is that of the run that made it, Run that run.
	Owner, Run string
	// Bounds are that run's.
	Bounds string
	// Tainted: the run had read text from outside.
	Tainted bool
	// Depth counts follow-ups of follow-ups, from 1.
	Depth   int
	Created time.Time
}

// Dormant reports whether its times pass without a run.
func (s StoredSchedule) Dormant() bool { return !s.Listed || s.Paused || s.PausedBySettings }

// TickOutcome is what became of a schedule's time.
type TickOutcome string

const (
	TickStarted TickOutcome = "started" // a run
	TickSkipped TickOutcome = "skipped" // left out: an earlier run had not ended
	TickMissed  TickOutcome = "missed"  // it passed while nobody worked
	TickFailed  TickOutcome = "failed"  // its prompt could not be made
)

// Tick is a time of a schedule that was dealt with.
type Tick struct {
	Schedule string
	At       time.Time
	// Manual: a person had it run at this time, which is none of the schedule's.
	Manual  bool
	Outcome TickOutcome
	Note    string
	// Run is what it became, "" if nothing. State is where that run stands, "" if it is
	// not kept any more.
	Run   string
	State State
}

// ScheduleStep deals with one time of a schedule.
type ScheduleStep struct {
	Schedule string
	// Since is as the schedule was claimed: if somebody has moved it on, nothing is done.
	Since time.Time
	// Tick is the time. Next is the first after it, zero if there is none.
	Tick Tick
	Next time.Time
	// Run, if the time is to become one, and what it does while an earlier one of its
	// subject has not ended.
	Run     *NewRun
	Overlap Overlap
}

// ScheduleStore keeps schedules and what became of their times. No time is dealt with
// twice: Since only grows.
type ScheduleStore interface {
	// PlanSchedules tells of the schedules of the settings. One that is new, has another
	// spec, comes back after it was not listed, or is not paused by the settings any more
	// is planned from its From; any other goes on where it was. Those not among them sleep.
	PlanSchedules(ctx context.Context, planned []PlannedSchedule) error
	// ClaimSchedules leases up to limit schedules with a time that has come.
	ClaimSchedules(ctx context.Context, limit int, lease time.Duration) ([]StoredSchedule, error)
	// Advance deals with one time: the tick is noted, the schedule moved on, and the run
	// added with its job, in one transaction. The tick comes back as it was noted: the
	// overlap may have left it out. A schedule that has moved, sleeps or is paused gives
	// ErrEnded.
	Advance(ctx context.Context, step ScheduleStep) (Tick, error)
	// PauseSchedule lets the times of a schedule pass.
	PauseSchedule(ctx context.Context, name string) error
	// ResumeSchedule ends that: times up to from do not count, next is the first after it.
	// A follow-up keeps its time instead, and is due at once if that has passed.
	ResumeSchedule(ctx context.Context, name string, from, next time.Time) error
	// RunSchedule adds a run of a schedule that is none of its times, and notes it. A
	// follow-up has ended by that.
	RunSchedule(ctx context.Context, name string, run NewRun) error
	// DeleteSchedule forgets a schedule that the settings do not name.
	DeleteSchedule(ctx context.Context, name string) error
	// Schedule gives one schedule, Schedules all, by name: those of the settings first.
	Schedule(ctx context.Context, name string) (StoredSchedule, error)
	Schedules(ctx context.Context) ([]StoredSchedule, error)
	// Ticks gives up to limit times of a schedule that were dealt with, the last first.
	Ticks(ctx context.Context, schedule string, limit int) ([]Tick, error)
}

// ErrListed: the settings name the schedule, so that it would come back.
var ErrListed = errors.New("the settings name it")
