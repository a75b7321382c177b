package timetable_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/timetable"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func cron(t testing.TB, expression, in string) timetable.Plan {
	t.Helper()
	plan, err := timetable.Cron(expression, zone(t, in))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// between lists the ticks in (after, until], as RFC 3339 in their zone.
func between(t testing.TB, plan timetable.Plan, after, until string) []string {
	t.Helper()
	end := moment(t, until)
	var all []string
	for tick := plan.Next(moment(t, after)); !tick.IsZero() && !tick.After(end); tick = plan.Next(tick) {
		all = append(all, tick.Format(time.RFC3339))
	}
	return all
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestExpressionMeansWhatCrontabSays(t *testing.T) {
	// 2026-01-01 is a Thursday.
	for expression, want := range map[string][]string{
		"0 2 * * *":          {"01-01 02:00", "01-02 02:00"},
		"30 9,17 * * 1-5":    {"01-01 09:30", "01-01 17:30", "01-02 09:30", "01-02 17:30", "01-05 09:30"},
		"0 0 1 * *":          {"02-01 00:00", "03-01 00:00"},
		"0 0 31 * *":         {"01-31 00:00", "03-31 00:00"},
		"0 0 29 2 *":         {"2028 02-29 00:00", "2032 02-29 00:00"},
		"0 12 13 * FRI":      {"01-02 12:00", "01-09 12:00", "01-13 12:00", "01-16 12:00"}, // either
		"0 12 */2 * mon":     {"01-05 12:00", "01-19 12:00"},                               // a field that begins with * restricts nothing: both
		"0 0 * * 7":          {"01-04 00:00", "01-11 00:00"},
		"0 0 * * 5-7":        {"01-02 00:00", "01-03 00:00", "01-04 00:00", "01-09 00:00"},
		"0 0 * * 7-7":        {"01-04 00:00", "01-11 00:00"},
		"0 0 * * 0-7":        {"01-02 00:00", "01-03 00:00"},
		"*/20 3 * * *":       {"01-01 03:00", "01-01 03:20", "01-01 03:40", "01-02 03:00"},
		"5/30 */12 * * *":    {"01-01 00:05", "01-01 00:35", "01-01 12:05"},
		"@daily":             {"01-02 00:00", "01-03 00:00"},
		"@midnight":          {"01-02 00:00"},
		"@hourly":            {"01-01 01:00", "01-01 02:00"},
		"@weekly":            {"01-04 00:00", "01-11 00:00"},
		"@monthly":           {"02-01 00:00"},
		"@yearly":            {"2027 01-01 00:00"},
		" 0\t2  *  * * ":     {"01-01 02:00"},
		"? ? ? ? ?":          {"01-01 00:01", "01-01 00:02"},
		"59 23 31 DEC *":     {"12-31 23:59", "2027 12-31 23:59"},
		"0 0 29 feb SUN":     {"02-01 00:00", "02-08 00:00"},
		"0 0 29 2 */7":       {"2032 02-29 00:00", "2060 02-29 00:00", "2088 02-29 00:00", "2128 02-29 00:00"},
		"0-10/5,30 0 1 1 *":  {"01-01 00:05", "01-01 00:10", "01-01 00:30", "2027 01-01 00:00"},
		"0 0 30,31 4,2 *":    {"04-30 00:00", "2027 04-30 00:00"},
		"0 0 1-31 jan-mar *": {"01-02 00:00"},
	} {
		t.Run(expression, func(t *testing.T) {
			plan, at := cron(t, expression, "UTC"), moment(t, "2026-01-01T00:00:00Z")
			var got []string
			for range want {
				at = plan.Next(at)
				got = append(got, strings.TrimPrefix(at.Format("2006 01-02 15:04"), "2026 "))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMistakeInAnExpressionHasItsColumn(t *testing.T) {
	for expression, want := range map[string]struct {
		column int
		says   string
	}{
		"":                                  {1, "there are 0 fields; want five"},
		"0 2 * *":                           {1, "there are 4 fields"},
		"0 0 2 * * *":                       {1, "there are 6 fields"},
		"60 2 * * *":                        {1, `minute "60": end of range (60) above maximum (59): 60; want 0 to 59`},
		"0 24 * * *":                        {3, `hour "24"`},
		"0  2 0 * *":                        {6, `day of month "0"`},
		"0 2 * 13 *":                        {7, `month "13"`},
		"0 2 * * 8":                         {9, `day of week "8"`},
		"0 2 * * MOO":                       {9, `it is no number and no name; want 0 to 6 (0 is Sunday) or SUN to SAT`},
		"0 2 * * SAT-SUN":                   {9, "beyond end of range"},
		"0 2 * * 1,":                        {9, "lists of these"},
		"0 , * * *":                         {3, "lists of these"},
		"0 *-5 * * *":                       {3, "lists of these"},
		"0 *x * * *":                        {3, "lists of these"},
		"0 2-3-4 * * *":                     {3, "lists of these"},
		"*/0 2 * * *":                       {1, "step of range should be a positive number"},
		"9999999999999999999 * * * *":       {1, "it is no number"},
		"ä 2 * * *":                         {1, "minute"},
		"0 2 30 2 *":                        {5, "day 30 never comes in month 2"},
		"0 2 31 4,6,9,11 *":                 {5, "day 31 never comes in month 4,6,9,11"},
		"0 2 30 FEB */2":                    {5, "day 30 never comes in month FEB"},
		"@every 5m":                         {1, "there are 2 fields"},
		"@reboot":                           {1, `"@reboot" is unknown`},
		"TZ=Europe/Berlin 0 2 * * *":        {1, "the time zone is a setting of its own: zone"},
		"  CRON_TZ=Europe/Berlin 0 2 * * *": {3, "the time zone is a setting of its own: zone"},
		"TZ=Europe/Berlin":                  {1, "the time zone is a setting"},
	} {
		t.Run(expression, func(t *testing.T) {
			_, err := timetable.Cron(expression, time.UTC)
			var mistake *timetable.ExpressionError
			if !errors.As(err, &mistake) || mistake.Column != want.column || !strings.Contains(mistake.Message, want.says) {
				t.Errorf("%v, want column %d: %s", err, want.column, want.says)
			}
		})
	}
}

func FuzzExpression(f *testing.F) {
	for _, seed := range []string{"0 2 * * *", "@daily", "*/5 0-7/2 1,15 JAN-MAR 5-7", "0 0 29 2 */7", "TZ=", "@every 1s", "7-7-7 * * * 0-7/7"} {
		f.Add(seed)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, expression string) {
		plan, err := timetable.Cron(expression, time.UTC)
		if err != nil {
			return
		}
		if tick := plan.Next(start); !tick.After(start) {
			t.Errorf("%q: after %v comes %v", expression, start, tick)
		}
	})
}
