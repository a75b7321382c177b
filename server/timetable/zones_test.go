package timetable_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	library "github.com/robfig/cron/v3"
	"pgregory.net/rapid"

	"drawbridge/server/timetable"
)

// zones have moved their clocks in every way: by an hour, by half of one (Lord Howe),
// at midnight (São Paulo, Havana, Beirut), for a month (Casablanca), to a permanent
// other time (Caracas, Istanbul), by more than a day (Apia).
var zones = []string{
	"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca",
	"America/Havana", "Asia/Beirut", "America/Caracas", "Europe/Istanbul", "Pacific/Apia", "Asia/Kathmandu", "UTC",
}

func TestTimeThatIsLeftOutIsDueRightAfter(t *testing.T) {
	for name, c := range map[string]struct{ zone, cron, after, until, want string }{
		"Berlin":                   {"Europe/Berlin", "30 2 * * *", "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z", "2026-03-28T02:30:00+01:00 2026-03-29T03:00:00+02:00 2026-03-30T02:30:00+02:00"},
		"New York":                 {"America/New_York", "15 2 * * *", "2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z", "2026-03-08T03:00:00-04:00 2026-03-09T02:15:00-04:00"},
		"Lord Howe, half an hour":  {"Australia/Lord_Howe", "10 2 * * *", "2026-10-02T18:00:00Z", "2026-10-04T18:00:00Z", "2026-10-04T02:30:00+11:00 2026-10-05T02:10:00+11:00"},
		"São Paulo, midnight":      {"America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00:00Z", "2018-11-05T12:00:00Z", "2018-11-04T01:00:00-02:00 2018-11-05T00:00:00-02:00"},
		"Casablanca, after a fast": {"Africa/Casablanca", "30 2 * * *", "2026-03-21T12:00:00Z", "2026-03-23T12:00:00Z", "2026-03-22T03:00:00+01:00 2026-03-23T02:30:00+01:00"},
		"Apia, a day":              {"Pacific/Apia", "0 12 * * *", "2011-12-29T12:00:00-10:00", "2012-01-01T00:00:00Z", "2011-12-31T00:00:00+14:00 2011-12-31T12:00:00+14:00 2012-01-01T12:00:00+14:00"},
		"several are one tick":     {"Europe/Berlin", "*/15 2 * * *", "2026-03-29T00:00:00Z", "2026-03-30T00:15:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00 2026-03-30T02:15:00+02:00"},
		"and that of the end too":  {"Europe/Berlin", "0 2,3 * * *", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00"},
	} {
		t.Run(name, func(t *testing.T) {
			got := between(t, cron(t, c.cron, c.zone), c.after, c.until)
			if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimeThatComesTwiceIsDueTheFirstTime(t *testing.T) {
	for name, c := range map[string]struct{ zone, cron, after, until, want string }{
		"Berlin":              {"Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", "2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00"},
		"Lord Howe":           {"Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00:00Z", "2026-04-05T18:00:00Z", "2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30"},
		"São Paulo, midnight": {"America/Sao_Paulo", "30 23 * * *", "2018-02-17T12:00:00Z", "2018-02-19T12:00:00Z", "2018-02-17T23:30:00-02:00 2018-02-18T23:30:00-03:00"},
		"asked in between":    {"Europe/Berlin", "30 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T12:00:00Z", "2026-10-26T02:30:00+01:00"},
		"the hour's end":      {"Europe/Berlin", "0 3 * * *", "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z", "2026-10-25T03:00:00+01:00"},
	} {
		t.Run(name, func(t *testing.T) {
			got := between(t, cron(t, c.cron, c.zone), c.after, c.until)
			if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryQuarterOfAnHourStaysThat(t *testing.T) {
	for _, name := range zones {
		plan := cron(t, "*/15 * * * *", name)
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for n := range 4 * 24 * 365 {
			next := plan.Next(at)
			if next.Sub(at) != 15*time.Minute {
				t.Fatalf("%s: tick %d is %v, %v after the last", name, n, next, next.Sub(at))
			}
			at = next
		}
	}
}

// A daily schedule has one tick for each day that there is, in their order, whatever
// is done to the clocks.
func TestDailyIsOnceADay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := zone(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		hour, minute := rapid.IntRange(0, 23).Draw(rt, "hour"), rapid.IntRange(0, 59).Draw(rt, "minute")
		plan, err := timetable.Cron(fmt.Sprintf("%d %d * * *", minute, hour), in)
		if err != nil {
			rt.Fatal(err)
		}
		year := rapid.IntRange(1971, 2060).Draw(rt, "year")
		day := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		at := plan.Next(time.Date(year-1, 12, 31, hour, minute, 0, 0, in).Add(time.Minute))
		for ; day.Year() == year; day = day.AddDate(0, 0, 1) {
			shown := at.In(in)
			wanted := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, time.UTC)
			shows := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), 0, time.UTC)
			if !shows.Equal(wanted) {
				// The wanted time is none: right before the tick the clock shows an earlier one.
				before := at.Add(-time.Second).In(in)
				showed := time.Date(before.Year(), before.Month(), before.Day(), before.Hour(), before.Minute(), before.Second(), 0, time.UTC)
				if !showed.Before(wanted) || !wanted.Before(shows) {
					rt.Fatalf("for %v there is %v", wanted, shown)
				}
			}
			next := plan.Next(at)
			if !next.After(at) {
				rt.Fatalf("after %v comes %v", at, next)
			}
			at = next
		}
	})
}

// The ticks of any expression are those that somebody finds who watches the clock,
// minute by minute.
func TestTicksAreThoseOfTheClockOnTheWall(t *testing.T) {
	list := func(rt *rapid.T, name string, least, most int) string {
		return rapid.OneOf(
			rapid.Just("*"),
			rapid.Map(rapid.IntRange(2, 12), func(n int) string { return fmt.Sprintf("*/%d", n) }),
			rapid.Map(rapid.SliceOfN(rapid.IntRange(least, most), 1, 4), func(all []int) string {
				return strings.Trim(strings.ReplaceAll(fmt.Sprint(all), " ", ","), "[]")
			}),
		).Draw(rt, name)
	}
	rapid.Check(t, func(rt *rapid.T) {
		in := zone(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		minute, hour := list(rt, "minute", 0, 59), list(rt, "hour", 0, 4)
		plan, err := timetable.Cron(minute+" "+hour+" * * *", in)
		if err != nil {
			rt.Fatal(err)
		}
		// From a day before one of the year's changes, if there is one.
		at := time.Date(rapid.IntRange(1971, 2060).Draw(rt, "year"), time.Month(rapid.IntRange(1, 12).Draw(rt, "month")), 1, 0, 0, 0, 0, time.UTC)
		if _, end := at.In(in).ZoneBounds(); !end.IsZero() {
			at = end.UTC().Truncate(time.Minute).Add(-24 * time.Hour)
		}
		until := at.Add(48 * time.Hour)
		var want, got []string
		fits := func(wall time.Time) bool { return in24(minute, wall.Minute()) && in24(hour, wall.Hour()) }
		highest := wallOf(at.Add(-36*time.Hour), in)
		for now := at.Add(-36 * time.Hour); !now.After(until); now = now.Add(time.Minute) {
			wall, due := wallOf(now, in), false
			if strings.HasPrefix(hour, "*") {
				due = fits(wall)
			} else {
				for highest.Before(wall) { // all that the clock has come to, or passed over
					highest = highest.Add(time.Minute)
					due = due || fits(highest)
				}
			}
			if due && now.After(at) {
				want = append(want, now.In(in).Format(time.RFC3339))
			}
		}
		for tick := plan.Next(at); !tick.After(until); tick = plan.Next(tick) {
			got = append(got, tick.Format(time.RFC3339))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%s %s (-watched +planned):\n%s", minute, hour, diff)
		}
	})
}

func wallOf(t time.Time, in *time.Location) time.Time {
	t = t.In(in)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

// in24 reads a field of the forms *, */n and a,b,c by itself.
func in24(field string, n int) bool {
	if field == "*" {
		return true
	}
	if step, ok := strings.CutPrefix(field, "*/"); ok {
		var every int
		fmt.Sscan(step, &every)
		return n%every == 0
	}
	for one := range strings.SplitSeq(field, ",") {
		if one == fmt.Sprint(n) {
			return true
		}
	}
	return false
}

// Why the arithmetic is our own: the library that reads the expressions leaves out the
// day on which its time does not exist, and runs twice in some that have it twice.
func TestLibraryAloneWouldLeaveADayOut(t *testing.T) {
	in := zone(t, "Europe/Berlin")
	theirs, err := library.ParseStandard("30 2 * * *")
	if err != nil {
		t.Fatal(err)
	}
	after := time.Date(2026, 3, 28, 12, 0, 0, 0, in)
	if got := theirs.Next(after).Format(time.RFC3339); got != "2026-03-30T02:30:00+02:00" {
		t.Errorf("the library says %s now; if it has the 29th, look whether its arithmetic will do", got)
	}
	if got := cron(t, "30 2 * * *", "Europe/Berlin").Next(after).Format(time.RFC3339); got != "2026-03-29T03:00:00+02:00" {
		t.Errorf("we say %s", got)
	}
}
