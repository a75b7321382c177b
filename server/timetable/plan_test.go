package timetable_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/server/timetable"
)

func TestIntervalIsNotMovedByARestart(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		step := time.Duration(rapid.IntRange(1, 400*24*3600).Draw(rt, "seconds")) * time.Second
		at := time.UnixMilli(rapid.Int64Range(-1e12, 4e12).Draw(rt, "at"))
		plan := timetable.Every(step)
		next := plan.Next(at)
		if !next.After(at) || next.Sub(at) > step || next.UnixMilli()%step.Milliseconds() != 0 {
			rt.Fatalf("every %v: after %v comes %v", step, at, next)
		}
		between := at.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(at))-1).Draw(rt, "later")))
		if again := timetable.Every(step).Next(between); !again.Equal(next) {
			rt.Fatalf("every %v: planned at %v it is due at %v, at %v at %v", step, at, next, between, again)
		}
	})
	if got := timetable.Every(24 * time.Hour).Next(moment(t, "2026-03-01T10:00:00Z")); !got.Equal(moment(t, "2026-03-02T00:00:00Z")) {
		t.Errorf("each day is %v", got)
	}
}

func TestOneOffComesOnce(t *testing.T) {
	at := moment(t, "2026-03-01T10:00:00Z")
	plan := timetable.At(at)
	if got := plan.Next(at.Add(-time.Hour)); !got.Equal(at) {
		t.Errorf("before it: %v", got)
	}
	if got := plan.Next(at); !got.IsZero() {
		t.Errorf("after it: %v", got)
	}
}

func TestLatestAreTheLastOfAll(t *testing.T) {
	plans := map[string]timetable.Plan{
		"minutes":  cron(t, "* * * * *", "Europe/Berlin"),
		"quarters": cron(t, "*/15 2 * * *", "America/New_York"),
		"days":     cron(t, "30 2 * * *", "Europe/Berlin"),
		"months":   cron(t, "0 0 1 * *", "UTC"),
		"interval": timetable.Every(7 * time.Minute),
		"once":     timetable.At(moment(t, "2026-03-29T01:00:00Z")),
	}
	rapid.Check(t, func(rt *rapid.T) {
		plan := plans[rapid.SampledFrom([]string{"minutes", "quarters", "days", "months", "interval", "once"}).Draw(rt, "plan")]
		after := moment(t, "2026-03-28T00:00:00Z").Add(time.Duration(rapid.IntRange(0, 3*24*3600).Draw(rt, "after")) * time.Second)
		until := after.Add(time.Duration(rapid.IntRange(0, 3*24*3600).Draw(rt, "for")) * time.Second)
		keep := rapid.IntRange(1, 120).Draw(rt, "keep")
		var all []time.Time
		for tick := plan.Next(after); !tick.IsZero() && !tick.After(until); tick = plan.Next(tick) {
			all = append(all, tick)
		}
		got, more := timetable.Latest(plan, after, until, keep)
		want := all[max(0, len(all)-keep):]
		if diff := cmp.Diff(append([]time.Time{}, want...), append([]time.Time{}, got...)); diff != "" || more != (len(all) > keep) {
			rt.Fatalf("more %v of %d (-want +got):\n%s", more, len(all), diff)
		}
	})
}

func TestLongSilenceIsCheapToLookBackOn(t *testing.T) {
	counted := &counting{Plan: timetable.Every(time.Second)}
	ticks, more := timetable.Latest(counted, moment(t, "1996-03-01T00:00:00Z"), moment(t, "2026-03-01T00:00:00Z"), 100)
	if len(ticks) != 100 || !more || counted.asked > 1000 {
		t.Errorf("%d ticks, more %v, asked %d times", len(ticks), more, counted.asked)
	}
}

type counting struct {
	timetable.Plan
	asked int
}

func (c *counting) Next(after time.Time) time.Time {
	c.asked++
	return c.Plan.Next(after)
}
