package schedule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"drawbridge/tools"
)

// The tools' names.
const (
	RunTool    = "schedule_run"
	ListTool   = "schedule_list_runs"
	CancelTool = "schedule_cancel_run"
)

// maxPrompt bounds a follow-up's prompt, in characters, and maxID its id.
const (
	maxPrompt = 8000
	maxID     = 100
)

// Draft is a follow-up to be scheduled.
type Draft struct {
	Prompt string `json:"prompt" jsonschema:"What you are to do then, complete in itself: you will remember nothing of this conversation. Give the names and ids that it is about, and what is already done." minLength:"1" maxLength:"8000" example:"Look whether invoice in_123 of ada@example.com was paid. If not, send a friendly reminder."`
	// One of these two.
	At        time.Time `json:"at,omitzero" jsonschema:"When, RFC 3339 with the zone, at most a year ahead. Give either at or in_minutes." format:"date-time" example:"2026-03-06T09:00:00Z"`
	InMinutes int       `json:"in_minutes,omitempty" jsonschema:"How many minutes from now: 1440 is a day, 10080 a week. Give either at or in_minutes." minimum:"1" maximum:"527040" example:"4320"`
}

// Which names a follow-up.
type Which struct {
	ID string `json:"id" jsonschema:"The follow-up's id." minLength:"1" maxLength:"100" example:"followup_0190c2a45b7d7c1e8f00aa11bb22cc33"`
}

// None is the input of a tool that asks for nothing.
type None struct{}

// FollowUp is a run that is to come.
type FollowUp struct {
	ID        string    `json:"id" jsonschema:"The follow-up's id." example:"followup_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	At        time.Time `json:"at" jsonschema:"When it will run, RFC 3339 in UTC." format:"date-time"`
	Prompt    string    `json:"prompt" jsonschema:"What you asked yourself to do."`
	Run       string    `json:"run" jsonschema:"The run that scheduled it." example:"run_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	CreatedAt time.Time `json:"created_at" jsonschema:"When it was scheduled, RFC 3339 in UTC." format:"date-time"`
	Status    Status    `json:"status" jsonschema:"open, or cancelled; paused if a person holds it back." enum:"open,paused,cancelled"`
}

// Status is where a follow-up stands.
type Status string

// The statuses of follow-ups that tools show.
const (
	Open      Status = "open"
	Paused    Status = "paused"
	Cancelled Status = "cancelled"
)

// FollowUps are an agent's own.
type FollowUps struct {
	FollowUps []FollowUp `json:"follow_ups" jsonschema:"Your open follow-ups, the next one first."`
}

// Schedule is the portable face of what keeps follow-ups.
type Schedule struct{ driver Driver }

// New makes it.
func New(driver Driver) *Schedule { return &Schedule{driver} }

// Run has the caller's agent come back to something.
func (s *Schedule) Run(ctx context.Context, in Draft) (FollowUp, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return FollowUp{}, err
	}
	plan := Plan{Prompt: strings.TrimSpace(in.Prompt), At: in.At, In: time.Duration(in.InMinutes) * time.Minute}
	switch n := utf8.RuneCountInString(plan.Prompt); {
	case n == 0:
		return FollowUp{}, tools.Errorf(tools.Invalid, "prompt: must not be empty")
	case n > maxPrompt:
		return FollowUp{}, tools.Errorf(tools.Invalid, "prompt: has %d characters, at most %d are allowed", n, maxPrompt)
	case strings.ContainsRune(plan.Prompt, 0):
		return FollowUp{}, tools.Errorf(tools.Invalid, "prompt: must not contain the character U+0000")
	case plan.At.IsZero() == (in.InMinutes == 0):
		return FollowUp{}, tools.Errorf(tools.Invalid, "give either at or in_minutes, and not both")
	case in.InMinutes < 0 || plan.In > MaxAhead:
		return FollowUp{}, tools.Errorf(tools.Invalid, "in_minutes: want 1 to %d, which is a year", int(MaxAhead.Minutes()))
	}
	made, err := s.driver.AddFollowUp(ctx, caller, plan)
	return made, hide(RunTool, err)
}

// List lists the caller's own open follow-ups.
func (s *Schedule) List(ctx context.Context, _ None) (FollowUps, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return FollowUps{}, err
	}
	list, err := s.driver.FollowUps(ctx, caller)
	if list == nil {
		list = []FollowUp{}
	}
	return FollowUps{list}, hide(ListTool, err)
}

// Cancel takes one of the caller's own follow-ups back.
func (s *Schedule) Cancel(ctx context.Context, in Which) (FollowUp, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return FollowUp{}, err
	}
	id := strings.TrimSpace(in.ID)
	if id == "" || len(id) > maxID || strings.ContainsRune(id, 0) {
		return FollowUp{}, tools.Errorf(tools.NotFound, "no follow-up of yours has this id; %s shows those you have", ListTool)
	}
	ended, err := s.driver.CancelFollowUp(ctx, caller, id)
	return ended, hide(CancelTool, err)
}

// callerOf is the run that calls; without one there is no agent to run.
func callerOf(ctx context.Context) (tools.Caller, error) {
	caller, ok := tools.CallerOf(ctx)
	if !ok || caller.Agent == "" || caller.Run == "" {
		return tools.Caller{}, tools.Errorf(tools.Denied, "only a run of an agent can schedule follow-ups, for itself: a call of an MCP client has no agent that could be run. "+
			"Ask an agent to do it, or have a schedule put into the settings.")
	}
	return caller, nil
}

// hide leaves errors for the model as they are, and gives a fault its tool's name for
// the log.
func hide(tool string, err error) error {
	var known *tools.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return fmt.Errorf("calling %s: %w", tool, err)
}
