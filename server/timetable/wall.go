package timetable

import "time"

// A wall clock time is written as the moment at which a clock in UTC shows it.

// furthest is how many years may lie between two days that fit: 29 February on one day
// of the week comes every 28 years, and later where a century has no leap year.
const furthest = 41

// onWall is what the wall clock of a zone shows, to the minute.
func onWall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

// next is the first wall clock time after another that fits.
func (c calendar) next(after time.Time) (time.Time, bool) {
	w := after.Truncate(time.Minute).Add(time.Minute)
	for last := after.Year() + furthest; w.Year() <= last; {
		switch {
		case !has(c.month, int(w.Month())):
			w = time.Date(w.Year(), w.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.onDay(w):
			w = time.Date(w.Year(), w.Month(), w.Day()+1, 0, 0, 0, 0, time.UTC)
		case !has(c.hour, w.Hour()):
			w = w.Truncate(time.Hour).Add(time.Hour)
		case !has(c.minute, w.Minute()):
			w = w.Add(time.Minute)
		default:
			return w, true
		}
	}
	return time.Time{}, false
}

func (c calendar) onDay(w time.Time) bool {
	dom, dow := has(c.dom, w.Day()), has(c.dow, int(w.Weekday()))
	if c.either {
		return dom || dow
	}
	return dom && dow
}

// period is a time during which a zone's clock is not moved: what it shows is UTC and
// an offset.
type period struct {
	start, end time.Time // zero: without a bound
	offset     time.Duration
}

func periodAt(t time.Time, zone *time.Location) period {
	t = t.In(zone)
	start, end := t.ZoneBounds()
	_, seconds := t.Zone()
	if !end.IsZero() && !end.After(t) {
		// Go 1.26 knows no bound on the last day of leap years that follow from a zone's
		// rule: it gives the day's beginning.
		end = t.Add(time.Hour)
	}
	return period{start, end, time.Duration(seconds) * time.Second}
}

// holds reports whether a moment lies before the period's end.
func (p period) holds(t time.Time) bool { return p.end.IsZero() || t.Before(p.end) }
