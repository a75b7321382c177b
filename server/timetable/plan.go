package timetable

import "time"

// Plan is when something is due.
type Plan interface {
	// Next is the first tick after a time; the zero time if there is none any more.
	Next(after time.Time) time.Time
}

// Resolution is the finest that plans are kept in: a tick lies on a whole one.
const Resolution = time.Millisecond

// At is due once.
func At(t time.Time) Plan { return once(t.Truncate(Resolution)) }

type once time.Time

func (o once) Next(after time.Time) time.Time {
	if at := time.Time(o); at.After(after) {
		return at
	}
	return time.Time{}
}

// Every is due at all whole multiples of an interval since the beginning of 1970 in
// UTC. An interval below [Resolution] is the programmer's mistake: Every panics.
func Every(interval time.Duration) Plan {
	if interval < Resolution || interval%Resolution != 0 {
		panic("timetable: an interval of " + interval.String())
	}
	return every(interval.Milliseconds())
}

type every int64 // milliseconds

func (e every) Next(after time.Time) time.Time {
	n, step := after.UnixMilli(), int64(e)
	n -= ((n % step) + step) % step // the multiple at or before
	return time.UnixMilli(n + step).In(after.Location())
}

// Latest gives the last ticks of a plan in (after, until], at most keep of them in
// their order, and whether there were more before those.
//
// It looks back from until in growing steps, so that a plan of every minute that was
// not looked at for a year costs no more than one that was not for an hour.
func Latest(p Plan, after, until time.Time, keep int) (ticks []time.Time, more bool) {
	for span := time.Minute; ; span *= 4 {
		from := until.Add(-span)
		whole := !from.After(after)
		if whole {
			from = after
		}
		ticks = ticks[:0]
		for t := p.Next(from); !t.IsZero() && !t.After(until); t = p.Next(t) {
			ticks = append(ticks, t)
		}
		if n := len(ticks); n > keep {
			return ticks[n-keep:], true
		}
		if whole {
			return ticks, false
		}
	}
}
