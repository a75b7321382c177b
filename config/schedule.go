package config

import "time"

// Schedule has an agent do something at its times. Exactly one of Cron, Every and At
// says when.
type Schedule struct {
	// Cron is an expression of five fields (minute, hour, day of month, month, day of
	// week), or @hourly, @daily and its like.
	Cron string `yaml:"cron"`
	// Zone is an IANA time zone: that of Cron, and of the time that a prompt is told.
	Zone string `yaml:"zone"`
	// Every is an interval in whole seconds, counted from the beginning of 1970 in UTC.
	Every Duration `yaml:"every"`
	// At is the one time of a one-off.
	At time.Time `yaml:"at"`

	Agent  string `yaml:"agent"`
	Prompt string `yaml:"prompt"` // text/template: .schedule, .tick, .id, .agent
	// Tools and Effects bound what its runs may call, besides what their agent may; no
	// further bound if left out.
	Tools   []string `yaml:"tools"`
	Effects []string `yaml:"effects"`
	// DryRun: what its runs call says what it would do and changes nothing.
	DryRun bool `yaml:"dry_run"`
	// CatchUp says what becomes of times that passed while nobody served: skip, one
	// (the latest) or all.
	CatchUp string `yaml:"catch_up"`
	// Overlap says what a time does while the run of an earlier one is not done: skip,
	// queue or parallel.
	Overlap string `yaml:"overlap"`
	// Callback is told the outcome of each run. nil: nobody is.
	Callback *Callback `yaml:"callback"`
	// Priority of its runs: high, normal or low.
	Priority string `yaml:"priority"`
	// Paused: its times pass.
	Paused bool `yaml:"paused"`
}

// DefaultSchedule is a schedule of which the file says nothing. It is not complete: a
// time, an agent and a prompt have no defaults.
func DefaultSchedule() Schedule {
	return Schedule{Zone: "UTC", CatchUp: "one", Overlap: "skip", Priority: "normal"}
}

func (s *Schedule) setDefaults() { *s = DefaultSchedule() }
