package email

import (
	"context"
	"time"

	"drawbridge/tools"
)

// MaxAhead is how far ahead a message can be scheduled.
const MaxAhead = 366 * 24 * time.Hour

// ScheduleInput is a message and its time.
type ScheduleInput struct {
	Content
	SendAt string `json:"send_at" jsonschema:"When to send it: RFC 3339 with a time zone, in the future and at most 366 days ahead." format:"date-time" maxLength:"40" example:"2026-03-02T09:30:00Z"`
}

// Schedule keeps a message to be sent later.
func (e *Email) Schedule(ctx context.Context, in ScheduleInput) (Receipt, error) {
	scheduler, err := as[Scheduler](e, ToolSchedule)
	if err != nil {
		return Receipt{}, err
	}
	at, err := parseTime("send_at", in.SendAt)
	if err != nil {
		return Receipt{}, err
	}
	m, err := in.mail()
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := scheduler.Schedule(ctx, m, at)
	return receipt, e.writeError(ctx, ToolSchedule, err)
}

// CancelScheduled ends a scheduled message that has not gone out.
func (e *Email) CancelScheduled(ctx context.Context, in MessageRef) (Receipt, error) {
	scheduler, err := as[Scheduler](e, ToolCancelScheduled)
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := scheduler.CancelScheduled(ctx, in.ID)
	return receipt, e.writeError(ctx, ToolCancelScheduled, err)
}

// CheckDue refuses a time to send at that has passed or is further away than
// MaxAhead. The caller reads the clock.
func CheckDue(at, now time.Time) error {
	now = now.UTC()
	switch {
	case !at.After(now):
		return tools.Errorf(tools.Invalid, "send_at: %s has passed, it is %s; give a later time, or send now with %s",
			at.Format(time.RFC3339), now.Format(time.RFC3339), ToolSend)
	case at.Sub(now) > MaxAhead:
		return tools.Errorf(tools.Invalid, "send_at: %s is more than 366 days ahead; give a time before %s",
			at.Format(time.RFC3339), now.Add(MaxAhead).Format(time.RFC3339))
	}
	return nil
}

// parseTime reads an RFC 3339 time as UTC, in whole milliseconds.
func parseTime(field, text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, tools.Errorf(tools.Invalid, "%s: %q is not a time with a zone; write it like 2026-03-02T09:30:00Z or 2026-03-02T10:30:00+01:00", field, text)
	}
	return t.UTC().Truncate(time.Millisecond), nil
}

func (e *Email) scheduleTool() tools.Tool {
	return tools.Define(tools.Spec{
		Name:  ToolSchedule,
		Title: "Schedule an email",
		Description: "Keeps an email and sends it by itself at the time given. Until then email_cancel_scheduled can end it. " +
			"To send now, use email_send.",
		Effect:     tools.Message,
		Idempotent: e.driver.Idempotent(),
		OpenWorld:  true,
	}, e.Schedule)
}

func (e *Email) cancelScheduledTool() tools.Tool {
	return tools.Define(tools.Spec{
		Name:        ToolCancelScheduled,
		Title:       "Cancel a scheduled email",
		Description: "Ends a scheduled email that has not gone out yet, for good. One that has gone out cannot be cancelled.",
		Effect:      tools.Write,
		Idempotent:  e.driver.Idempotent(),
		Destructive: true,
	}, e.CancelScheduled)
}
