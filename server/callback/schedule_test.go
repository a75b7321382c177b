package callback

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDEL04_DefaultScheduleLastsThreeDaysAndABit(t *testing.T) {
	var total time.Duration
	for made := range len(DefaultSchedule()) {
		wait, ok := DefaultSchedule().Next(made, func() float64 { return 0.5 }) // the middle: no jitter
		if !ok {
			t.Fatalf("no attempt left after %d", made)
		}
		total += wait
	}
	if want := 75*time.Hour + 35*time.Minute + 5*time.Second; total.Round(time.Millisecond) != want {
		t.Errorf("%v in all, want %v", total, want)
	}
	if first, ok := DefaultSchedule().Next(0, func() float64 { return 0.99 }); first != 0 || !ok {
		t.Errorf("the first attempt waits %v", first)
	}
}

func TestDEL04_WaitIsWithinAFifthOfTheSchedules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schedule := Schedule(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(7*24*time.Hour)).Draw(t, "wait"))
		}), 1, 12).Draw(t, "schedule"))
		made := rapid.IntRange(-1, 13).Draw(t, "made")
		draw := rapid.Float64Range(0, 0.999999).Draw(t, "draw")
		wait, ok := schedule.Next(made, func() float64 { return draw })
		if ok != (made >= 0 && made < len(schedule)) {
			t.Fatalf("attempt %d of %d: ok is %v", made+1, len(schedule), ok)
		}
		if !ok {
			return
		}
		base := float64(schedule[made])
		if got := float64(wait); got < 0.8*base-1 || got > 1.2*base {
			t.Fatalf("%v is not within a fifth of %v", wait, schedule[made])
		}
	})
}

func TestDEL05_WaitAfterOverloadIsBetweenBaseAndTwiceBase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scheduled := time.Duration(rapid.Int64Range(0, int64(29*time.Hour)).Draw(t, "scheduled"))
		r := Result{
			overloaded: rapid.Bool().Draw(t, "overloaded"),
			retryAfter: time.Duration(rapid.Int64Min(0).Draw(t, "retryAfter")),
		}
		got := r.Wait(scheduled)
		if !r.overloaded {
			if got != scheduled {
				t.Fatalf("not overloaded, and waits %v, not %v", got, scheduled)
			}
			return
		}
		base := max(scheduled, time.Minute)
		if got < base || got > 2*base {
			t.Fatalf("%v is not between %v and twice that", got, base)
		}
		if r.retryAfter >= base && r.retryAfter <= 2*base && got != r.retryAfter {
			t.Fatalf("waits %v, was asked for %v", got, r.retryAfter)
		}
	})
}

func TestDEL05_RetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2025, 5, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"90":   90 * time.Second,
		" 90 ": 90 * time.Second,
		now.Add(time.Hour).Format(http.TimeFormat):  time.Hour,
		"Thursday, 01-May-25 12:02:00 GMT":          2 * time.Minute, // RFC 850, still to be understood
		now.Add(-time.Hour).Format(http.TimeFormat): 0,
		"":                     0,
		"-5":                   0,
		"1.5":                  0,
		"soon":                 0,
		"99999999999999999999": 0,
	} {
		if got := parseRetryAfter(text, now); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Thu, 01 May 2025 12:00:00 GMT")
	f.Add("Thu, 01 Jan 9999 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, text string) {
		r := Result{overloaded: true, retryAfter: parseRetryAfter(text, time.Unix(0, 0))}
		if got := r.Wait(time.Hour); got < time.Hour || got > 2*time.Hour {
			t.Errorf("%q makes us wait %v", text, got)
		}
	})
}
