package dispatch

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"

	"drawbridge/server/timetable"
)

// Schedule has an agent do something at its times, as the settings say. Exactly one of
// Cron, Every and At says when.
type Schedule struct {
	Name  string
	Cron  string // on the clock of Zone
	Every time.Duration
	At    time.Time
	// Zone is an IANA time zone; UTC if "".
	Zone string
	// Agent carries the runs.
	Agent string
	// Prompt is a text/template over .schedule, .tick, .id and .agent.
	Prompt  string
	CatchUp CatchUp
	Overlap Overlap
	// Priority is that of its runs.
	Priority Priority
	// Callback: the end of each run is owed to the schedule's callback address.
	Callback bool
	// Paused: its times pass.
	Paused bool

	zone   *time.Location
	plan   timetable.Plan
	prompt *template.Template
}

// CatchUp says what becomes of times that passed while nobody worked.
type CatchUp string

const (
	CatchUpSkip CatchUp = "skip" // nothing
	CatchUpOne  CatchUp = "one"  // the latest is made up for
	CatchUpAll  CatchUp = "all"  // all are, the latest [MostCaughtUp]
)

// MostCaughtUp bounds how many missed times of one schedule are made up for.
const MostCaughtUp = 100

// Overlap says what a time does while the run of an earlier one has not ended.
type Overlap string

const (
	OverlapSkip     Overlap = "skip"     // it is left out, and noted
	OverlapQueue    Overlap = "queue"    // its run waits until the earlier one has ended
	OverlapParallel Overlap = "parallel" // its run begins beside the other
)

// MostQueued bounds how many runs of one schedule wait for each other: times beyond
// that are left out, and noted.
const MostQueued = 100

// FromSchedule begins the source of runs that a schedule made: its name follows.
const FromSchedule = "schedule/"

// Source is what its runs say they come from, and the name of its callback target.
func (s *Schedule) Source() string { return FromSchedule + s.Name }

// Compile checks and prepares the schedule. Its error joins a *SettingError for each
// mistake.
func (s *Schedule) Compile() error {
	var err error
	if s.zone, err = time.LoadLocation(s.Zone); err != nil {
		return &SettingError{Field: "zone", Line: 1, Column: 1, Message: err.Error()}
	}
	return errors.Join(s.compilePlan(), s.compilePrompt())
}

func (s *Schedule) compilePlan() error {
	switch {
	case s.Every > 0:
		s.plan = timetable.Every(s.Every)
	case !s.At.IsZero():
		s.plan = timetable.At(s.At)
	default:
		plan, err := timetable.Cron(s.Cron, s.zone)
		var mistake *timetable.ExpressionError
		if errors.As(err, &mistake) {
			return &SettingError{Field: "cron", Line: 1, Column: mistake.Column, Message: mistake.Message}
		}
		s.plan = plan
	}
	return nil
}

// compilePrompt tries the template on a time: all that it may show is known, so one
// that fails now would fail always.
func (s *Schedule) compilePrompt() error {
	parsed, err := template.New("prompt").Option("missingkey=error").Parse(s.Prompt)
	if err != nil {
		return promptError(s.Prompt, err)
	}
	s.prompt = parsed
	if _, err = s.text("run_0", time.Unix(0, 0)); err == nil {
		return nil
	}
	line, column := 1, 0
	message := strings.TrimPrefix(err.Error(), "template: ")
	_, _ = fmt.Sscanf(message, "prompt:%d:%d:", &line, &column)
	if _, after, found := strings.Cut(message, ">: "); found {
		message = after
	}
	column++
	var key string
	if _, bad := fmt.Sscanf(message, "map has no entry for key %q", &key); bad == nil { // the place is that of its last field
		if at := strings.Index(strings.Split(s.Prompt, "\n")[line-1], "."+key); at >= 0 {
			column = at + 1
		}
	}
	return &SettingError{Field: "prompt", Line: line, Column: column, Message: message + "; a prompt has .schedule, .tick, .id and .agent"}
}

// tickTime is a time as a prompt shows it. The methods of time.Time are there as well.
type tickTime struct{ time.Time }

func (t tickTime) String() string { return t.Format(time.RFC3339) }

// text is what the agent is told at a time.
func (s *Schedule) text(run string, at time.Time) (string, error) {
	var prompt promptText
	err := s.prompt.Execute(&prompt, map[string]any{
		"schedule": s.Name, "agent": s.Agent, "id": run, "tick": tickTime{at.In(s.zone)},
	})
	return prompt.String(), err
}

// Run is the run that a time becomes.
func (s *Schedule) Run(at time.Time) (NewRun, error) {
	id := NewID("run_")
	prompt, err := s.text(id, at)
	if err != nil {
		return NewRun{}, fmt.Errorf("prompt: %s", strings.TrimPrefix(err.Error(), "template: "))
	}
	run := NewRun{ID: id, Agent: s.Agent, Source: s.Source(), Via: s.Name, Prompt: prompt, Priority: s.Priority}
	if s.Callback {
		run.Route = s.Source()
	}
	if s.Overlap != OverlapParallel {
		run.Subject = s.Source()
	}
	return run, nil
}

// Next is the first time after another, zero if there is none any more.
func (s *Schedule) Next(after time.Time) time.Time { return s.plan.Next(after) }

// Spec is what its times follow from: schedules of one spec have the same times.
func (s *Schedule) Spec() string {
	switch {
	case s.Every > 0:
		return "every " + s.Every.String()
	case !s.At.IsZero():
		return "at " + s.At.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("cron %s (%s)", strings.Join(strings.Fields(s.Cron), " "), s.zone)
}

// planned is the schedule as the store is told of it.
func (s *Schedule) planned(now time.Time) PlannedSchedule {
	return PlannedSchedule{Name: s.Name, Spec: s.Spec(), Agent: s.Agent, Prompt: s.Prompt, Paused: s.Paused, From: now, Next: s.plan.Next(now)}
}
