package timetable

import "time"

// passing is an expression for every hour, or every so many: it is due whenever the
// clock shows a fitting time, be it for the second time.
type passing struct {
	calendar
	zone *time.Location
}

func (s passing) Next(after time.Time) time.Time {
	p, from := periodAt(after, s.zone), onWall(after, s.zone)
	for years := after.Year() + furthest; ; {
		wall, ok := s.next(from)
		if !ok {
			return time.Time{}
		}
		if tick := wall.Add(-p.offset); p.holds(tick) {
			return tick.In(s.zone)
		}
		// The clock is moved before that: look on from what it shows then, that moment
		// included.
		if p.end.Year() > years {
			return time.Time{}
		}
		from = p.end.UTC().Add(-1)
		p = periodAt(p.end, s.zone)
		from = from.Add(p.offset)
	}
}
