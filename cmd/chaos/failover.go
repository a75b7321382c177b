package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// takeover is how long a run stood still because its node was killed or stopped: until
// the next entry of its journal.
type takeover struct {
	What   string        `json:"what"`
	Node   string        `json:"node"`
	At     time.Time     `json:"at"`
	Event  string        `json:"event"`
	Run    string        `json:"run"`
	Took   time.Duration `json:"took_ns"`
	Outage bool          `json:"more_away,omitempty"` // PostgreSQL was, or all nodes, or the one that had taken over
}

// takeovers finds them all, the longest first. It counts from when somebody was there to
// take over.
func takeovers(e *evidence) []takeover {
	runOf := map[string]string{} // by the key of the event
	keys := map[string]string{}
	for _, v := range e.Events {
		keys[v.ID] = v.Key
	}
	for _, r := range e.Runs {
		runOf[keys[r.Event]] = r.ID
	}
	var all []takeover
	for _, s := range e.Strikes {
		for _, event := range s.Carried {
			entries := e.Journals[runOf[event]]
			next := slices.IndexFunc(entries, func(x entry) bool { return x.At.After(s.At) })
			if next < 1 {
				continue // it had ended, or had not begun
			}
			at := entries[next].At
			t := takeover{What: s.What, Node: s.Node, At: s.At, Event: event, Run: runOf[event], Took: max(0, at.Sub(s.From))}
			t.Outage = slices.ContainsFunc(e.Strikes, func(o *strike) bool {
				switch {
				case o == s || !o.At.Before(at):
					return false
				case o.Node == "":
					return o.Until.After(s.At)
				}
				return o.At.After(s.At) && (o.Last || slices.Contains(o.Carried, event))
			})
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b takeover) int { return cmp.Compare(b.Took, a.Took) })
	return all
}

// longest is the first of a list that fits, if there is one.
func longest(all []takeover, fits func(takeover) bool) *takeover {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return &all[i]
	}
	return nil
}

// slow finds the runs that nobody carried on for longer than may be, with everything
// there that it takes.
func slow(all []takeover, most time.Duration) []violation {
	var found []violation
	for _, t := range all {
		if t.Took > most && !t.Outage {
			found = append(found, violation{late, fmt.Sprintf("%s after %s of %s at %s the run was carried on; %s was bound", t.Took.Round(time.Millisecond), t.What, t.Node, clock(t.At), most), t.Event, t.Run})
		}
	}
	return found
}
