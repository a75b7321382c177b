package config

import "errors"

// Retention is how long, and how much of, what has come to its end is kept. What has
// not, and dead letters, are kept whatever it says.
type Retention struct {
	Events     Age `yaml:"events"`     // from their arrival
	Runs       Age `yaml:"runs"`       // from their end, with their journals
	Callbacks  Age `yaml:"callbacks"`  // from their delivery; a run's go with it at the latest
	Audit      Age `yaml:"audit"`      // of tool calls
	Rejections Age `yaml:"rejections"` // refused deliveries; 1,000 of a source at most
	// Keys are idempotency keys of tool calls, with their first results. Those of requests
	// go with the runs that came of them.
	Keys Age `yaml:"keys"`
	// The newest so many are kept, whatever their age; 0 is without a bound. They do not
	// count for a webhook that has a retention of its own.
	MaxEvents    int `yaml:"max_events"`
	MaxRuns      int `yaml:"max_runs"`
	MaxCallbacks int `yaml:"max_callbacks"`
	MaxAudit     int `yaml:"max_audit"`
}

// Age is how long something is kept. In a file it is a [Duration], or forever, which is
// 0 as well. The zero value says nothing.
type Age Duration

// Forever is the Age of what is never removed.
const Forever Age = -1

// ParseAge reads an age.
func ParseAge(text string) (Age, error) {
	if text == "forever" {
		return Forever, nil
	}
	d, err := ParseDuration(text)
	switch {
	case err != nil:
		return 0, errors.New("want a number with a unit (h, d or w), such as 90d, or forever")
	case d == 0:
		return Forever, nil
	}
	return Age(d), nil
}

// String is a in the form that ParseAge reads.
func (a Age) String() string {
	if a == Forever {
		return "forever"
	}
	return Duration(a).String()
}

// UnmarshalText is ParseAge. An error leaves a as it was.
func (a *Age) UnmarshalText(text []byte) error { return keep(a, text, ParseAge) }

// MarshalText is String.
func (a Age) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Longer reports whether a keeps longer than b.
func (a Age) Longer(b Age) bool {
	return b != Forever && (a == Forever || a > b)
}
