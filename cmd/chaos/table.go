package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what came of it, as --json prints it.
type report struct {
	Store        string         `json:"store"`
	Nodes        int            `json:"nodes"`
	Seed         uint64         `json:"seed"`
	Lasted       time.Duration  `json:"lasted_ns"`
	Strikes      map[string]int `json:"strikes"`
	Sent         int            `json:"sent"`
	Acknowledged int            `json:"acknowledged"`
	Stored       int            `json:"stored"`
	Runs         map[string]int `json:"runs"`
	Entries      int            `json:"journal_entries"`
	Calls        int            `json:"calls"`
	Unknown      int            `json:"unknown_outcomes"`
	Decided      map[string]int `json:"decided"`
	Effects      int            `json:"effects"`
	Callbacks    int            `json:"callbacks"`
	Duplicates   int            `json:"duplicates"`
	Losses       int            `json:"losses"`
	Others       map[class]int  `json:"other_violations"`
	Failovers    int            `json:"failovers"`
	Failover     *takeover      `json:"longest_failover,omitempty"`
	FailoverAway *takeover      `json:"longest_failover_with_more_away,omitempty"`
	FromStopped  *takeover      `json:"longest_takeover_from_a_stopped_node,omitempty"`
	Violations   []violation    `json:"violations"`
	Folder       string         `json:"folder,omitempty"`
}

func newReport(e *evidence, found []violation) *report {
	r := &report{Strikes: map[string]int{}, Runs: map[string]int{}, Others: map[class]int{}, Violations: found, Decided: e.Decided, Acknowledged: len(e.Acks), Sent: len(e.Acks) + len(e.Open),
		Stored: len(e.Events), Effects: len(e.Effects), Callbacks: len(e.Callbacks)}
	for _, s := range e.Strikes {
		r.Strikes[s.What]++
	}
	for _, run := range e.Runs {
		r.Runs[run.State]++
	}
	for _, entries := range e.Journals {
		r.Entries += len(entries)
		for _, x := range entries {
			switch x.Entry {
			case "intent":
				r.Calls++
			case "doubt":
				r.Unknown++
			}
		}
	}
	for _, v := range found {
		switch v.Class {
		case duplicate:
			r.Duplicates++
		case loss:
			r.Losses++
		default:
			r.Others[v.Class]++
		}
	}
	all := takeovers(e)
	killed := func(t takeover) bool { return t.What == kill }
	for _, t := range all {
		if killed(t) {
			r.Failovers++
		}
	}
	r.Failover = longest(all, func(t takeover) bool { return killed(t) && !t.Outage })
	r.FailoverAway = longest(all, func(t takeover) bool { return killed(t) && t.Outage })
	r.FromStopped = longest(all, func(t takeover) bool { return t.What == freezing && !t.Outage })
	return r
}

// print shows the table, and what does not hold.
func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("store", "%s, %d nodes; %s, seed %d", r.Store, r.Nodes, r.Lasted.Round(time.Second), r.Seed)
	row("kills", "%d -9, %d SIGTERM, %d SIGSTOP, %d of PostgreSQL", r.Strikes[kill], r.Strikes[deploy], r.Strikes[freezing], r.Strikes[pgKill]+r.Strikes[pgStop])
	row("events", "%d sent, %d acknowledged, %d stored", r.Sent, r.Acknowledged, r.Stored)
	row("runs", "%s", counted(r.Runs))
	row("journals", "%d entries, %d calls, %d times with an outcome that nobody knew", r.Entries, r.Calls, r.Unknown)
	row("decided", "%s", counted(r.Decided))
	row("far side", "%d effects, %d callbacks", r.Effects, r.Callbacks)
	row("duplicates", "%d", r.Duplicates)
	row("losses", "%d", r.Losses)
	if len(r.Others) > 0 {
		row("besides", "%s", counted(r.Others))
	}
	row("failovers", "%d runs carried on after a kill", r.Failovers)
	row("longest failover", "%s", r.Failover)
	row("  with more away meanwhile", "%s", r.FailoverAway)
	row("longest takeover from a stopped node", "%s", r.FromStopped)
	_ = t.Flush()
	const most = 20
	for i, v := range r.Violations {
		if i == most {
			_, _ = fmt.Fprintf(w, "... and %d more, in violations.json\n", len(r.Violations)-most)
			break
		}
		_, _ = fmt.Fprintf(w, "%s: %s\n", strings.Join(slices.DeleteFunc([]string{string(v.Class), v.Event, v.Run}, func(s string) bool { return s == "" }), " "), v.What)
	}
	if r.Folder != "" {
		_, _ = fmt.Fprintf(w, "kept in %s\n", r.Folder)
	}
}

func (t *takeover) String() string {
	if t == nil {
		return "none"
	}
	return fmt.Sprintf("%s (%s, %s at %s, %s)", t.Took.Round(time.Millisecond), t.Run, t.Node, clock(t.At), t.What)
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }

func counted[K cmp.Ordered](counts map[K]int) string {
	var parts []string
	keys := make([]K, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		parts = append(parts, fmt.Sprintf("%d %v", counts[k], k))
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}
