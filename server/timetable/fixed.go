package timetable

import "time"

// fixed is an expression with fixed hours: each of its wall clock times is one tick.
type fixed struct {
	calendar
	zone *time.Location
}

func (f fixed) Next(after time.Time) time.Time {
	// What the clock shows now, and all before, was first shown now or before.
	for wall, ok := f.next(onWall(after, f.zone)); ok; wall, ok = f.next(wall) {
		if tick := firstShown(wall, f.zone); tick.After(after) {
			return tick
		}
		// The clock was moved back: this time has been shown already.
	}
	return time.Time{}
}

// firstShown is the first moment at which a zone's clock shows a time, or a later one.
func firstShown(wall time.Time, zone *time.Location) time.Time {
	// No clock is further than this from UTC: here it shows an earlier time.
	p := periodAt(wall.Add(-36*time.Hour), zone)
	for {
		tick := wall.Add(-p.offset)
		if !p.start.IsZero() && tick.Before(p.start) {
			tick = p.start // it was left out
		}
		if p.holds(tick) {
			return tick.In(zone)
		}
		p = periodAt(p.end, zone)
	}
}
