package config

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

func (c *Config) explainSchedules(w io.Writer) {
	if len(c.Schedules) == 0 {
		return
	}
	fmt.Fprintln(w, "\nSchedules")
	for _, name := range slices.Sorted(maps.Keys(c.Schedules)) {
		c.explainSchedule(w, name, c.Schedules[name])
	}
}

func (c *Config) explainSchedule(w io.Writer, name string, s Schedule) {
	path := child("schedules", name)
	fmt.Fprintf(w, "  %s: %s\n", name, s.when(c.asWritten(path+".cron", s.Cron)))
	if s.Paused {
		fmt.Fprintln(w, "    is paused: its times pass")
	}
	fmt.Fprintf(w, "    is done by agent %s, at %s priority\n", s.Agent, s.Priority)
	fmt.Fprintf(w, "    %s; while an earlier run is not done, the next %s\n", map[string]string{
		"skip": "times that were missed are not made up for",
		"one":  "of times that were missed, the latest is made up for",
		"all":  "times that were missed are all made up for, the latest 100",
	}[s.CatchUp], map[string]string{"skip": "is left out", "queue": "waits for it", "parallel": "starts beside it"}[s.Overlap])
	if s.Callback != nil {
		fmt.Fprintf(w, "    tells the outcome to %s, in up to %d attempts%s\n", c.publicPartAt(path+".callback.url", s.Callback.URL), len(s.Callback.Schedule), s.Callback.order())
	}
}

// when says in words when it is due. cron is the expression as it may be shown.
func (s Schedule) when(cron string) string {
	switch {
	case s.Every > 0:
		return fmt.Sprintf("every %s, counted from 1970-01-01 00:00 UTC", s.Every)
	case !s.At.IsZero():
		return "once, at " + s.At.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s, on the clock of %s", cron, s.Zone)
}
