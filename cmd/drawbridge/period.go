package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/config"
)

// period is a span of time that a command is asked about: from since on, and before
// until. A zero end is open.
type period struct{ since, until string }

func (p *period) flags(cmd *cobra.Command, of string) {
	cmd.Flags().StringVar(&p.since, "since", "", of+" at this time or later: 2026-01-31, 2026-01-31T12:00:00Z, or how long ago (36h, 7d)")
	cmd.Flags().StringVar(&p.until, "until", "", of+" before this time, said likewise")
}

func (p *period) read(now time.Time) (since, until time.Time, err error) {
	if since, err = readMoment(p.since, now); err != nil {
		return since, until, wrongUse{fmt.Errorf("--since %q: %w", p.since, err)}
	}
	if until, err = readMoment(p.until, now); err != nil {
		return since, until, wrongUse{fmt.Errorf("--until %q: %w", p.until, err)}
	}
	return since, until, nil
}

// readMoment is a time as people give it on a command line; the zero time for nothing.
func readMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	ago, err := config.ParseDuration(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("want a day (2026-01-31), a time with a zone (2026-01-31T12:00:00Z), or how long ago (36h, 7d)")
	}
	return now.Add(-ago.Std()).UTC(), nil
}
