package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// class says what a violation is counted as.
type class string

const (
	loss      class = "loss"      // something acknowledged, stored or owed is gone, or never came to its end
	duplicate class = "duplicate" // something happened twice that was to happen once
	gap       class = "gap"       // a journal is not whole
	disorder  class = "disorder"  // two runs of one subject at once, or the wrong way round
	stray     class = "stray"     // an effect that nothing stored accounts for
	untrue    class = "untrue"    // a journal says what did not happen
	leak      class = "leak"      // something is held by nobody
	unsettled class = "unsettled" // a run went on past a call of which nobody knew what became of it
	late      class = "late"      // a run stood still for too long after its node was struck
	broken    class = "fault"     // a node, or an answer, that should not be
)

// violation is a promise that was not kept.
type violation struct {
	Class class  `json:"class"`
	What  string `json:"what"`
	Event string `json:"event,omitempty"` // the key of the event
	Run   string `json:"run,omitempty"`
}

// judge holds evidence against what must hold.
type judge struct {
	*evidence
	found []violation
	// The runs of each stored event, its key, the effects and intents by key.
	runsOf  map[string][]storedRun
	keyOf   map[string]string
	effects map[string][]effect
	intents map[string][]made
}

// made is a call that a journal speaks of.
type made struct {
	run    string
	intent intent
	result *result
}

// check finds everything that does not hold.
func check(e *evidence) []violation {
	j := &judge{evidence: e, runsOf: map[string][]storedRun{}, keyOf: map[string]string{}, effects: map[string][]effect{}, intents: map[string][]made{}}
	for _, r := range e.Runs {
		j.runsOf[r.Event] = append(j.runsOf[r.Event], r)
	}
	for _, f := range e.Effects {
		j.effects[f.Key] = append(j.effects[f.Key], f)
	}
	j.checkStored()
	j.checkAcknowledged()
	j.checkRuns()
	j.checkJournals()
	j.checkEffects()
	j.checkTruth()
	j.checkCallbacks()
	j.checkOrder()
	for _, what := range e.Refused {
		j.add(broken, "", "", "%s", what)
	}
	for _, what := range e.Alarms {
		j.add(broken, "", "", "%s", what)
	}
	return j.found
}

func (j *judge) add(c class, event, run, format string, args ...any) {
	j.found = append(j.found, violation{c, fmt.Sprintf(format, args...), event, run})
}

// checkStored wants each event once.
func (j *judge) checkStored() {
	seen := map[string]bool{}
	for _, e := range j.Events {
		if seen[e.Key] {
			j.add(duplicate, e.Key, "", "the event is stored twice")
		}
		seen[e.Key] = true
		j.keyOf[e.ID] = e.Key
		if e.Status != "routed" {
			j.add(loss, e.Key, "", "the event is %s, not routed: %s", e.Status, e.Note)
		}
	}
}

// checkAcknowledged wants what was acknowledged to be a part of what is stored, under the
// id that was told.
func (j *judge) checkAcknowledged() {
	for _, a := range j.Acks {
		for _, other := range append([]string{a.ID}, a.Others...) {
			if j.keyOf[other] != a.Key {
				j.add(loss, a.Key, "", "the event was acknowledged as %s, and is not stored under that id", other)
			}
		}
		if len(a.Others) > 0 {
			j.add(duplicate, a.Key, "", "one delivery was acknowledged as %d events: %s, %s", 1+len(a.Others), a.ID, strings.Join(a.Others, ", "))
		}
	}
	for _, key := range j.Open {
		j.add(loss, key, "", "the event was sent until the end, with all nodes up, and never acknowledged")
	}
}

// checkRuns wants one run an event, that has come to an end.
func (j *judge) checkRuns() {
	for _, e := range j.Events {
		switch runs := j.runsOf[e.ID]; len(runs) {
		case 0:
			j.add(loss, e.Key, "", "the event has no run")
		case 1:
		default:
			j.add(duplicate, e.Key, runs[1].ID, "the event has %d runs", len(runs))
		}
	}
	for _, r := range j.Runs {
		switch r.State {
		case "succeeded", "dead":
		case "queued", "running", "waiting":
			j.add(loss, j.keyOf[r.Event], r.ID, "the run has not ended: it is %s %s", r.State, r.Reason)
			if r.State == "running" {
				j.add(leak, j.keyOf[r.Event], r.ID, "the run is leased, and no node is there")
			}
		default: // neither model nor tools gave a reason to
			j.add(loss, j.keyOf[r.Event], r.ID, "the run is %s (%s): %.200s", r.State, r.Reason, r.Answer)
		}
		if _, ok := j.keyOf[r.Event]; !ok {
			j.add(stray, "", r.ID, "the run is of no stored event")
		}
	}
}

// checkJournals wants each journal without a gap, with one brief, one result for each
// intent and one outcome at its end.
func (j *judge) checkJournals() {
	for _, r := range j.Runs {
		j.checkJournal(r)
	}
	for run := range j.Journals {
		if !slices.ContainsFunc(j.Runs, func(r storedRun) bool { return r.ID == run }) {
			j.add(stray, "", run, "the journal is of no stored run")
		}
	}
}

func (j *judge) checkJournal(r storedRun) {
	event, entries := j.keyOf[r.Event], j.Journals[r.ID]
	type place struct {
		answer int64
		index  int
	}
	open := map[place]intent{}
	var order []place
	results := map[place]*result{}
	for i, e := range entries {
		if e.Seq != int64(i+1) {
			j.add(gap, event, r.ID, "entry %d of the journal has number %d", i+1, e.Seq)
		}
		if first := i == 0; (e.Entry == "brief") != first && r.State != "dead" {
			j.add(gap, event, r.ID, "entry %d of the journal is %s", i+1, e.Entry)
		}
		if last := i == len(entries)-1; (e.Entry == "outcome") != last {
			j.add(gap, event, r.ID, "entry %d of %d of the journal is %s", i+1, len(entries), e.Entry)
		}
		switch e.Entry {
		case "intent":
			var in intent
			if json.Unmarshal(e.Data, &in) != nil {
				j.add(gap, event, r.ID, "entry %d of the journal cannot be read", e.Seq)
			}
			at := place{in.Answer, in.Index}
			before, again := open[at]
			switch {
			case !again:
				order = append(order, at)
			case in.Again != before.Again+1 || in.Key != before.Key:
				j.add(duplicate, event, r.ID, "entry %d is another intent of the same call", e.Seq)
			}
			open[at] = in
		case "result":
			var out result
			if json.Unmarshal(e.Data, &out) != nil {
				j.add(gap, event, r.ID, "entry %d of the journal cannot be read", e.Seq)
			}
			at := place{out.Answer, out.Index}
			if results[at] != nil {
				j.add(duplicate, event, r.ID, "entry %d is a second result of the same call", e.Seq)
			}
			results[at] = &out
		}
	}
	for _, at := range order {
		in, out := open[at], results[at]
		if out == nil && r.State == "succeeded" {
			j.add(gap, event, r.ID, "the call of %s under %s has no result", in.Tool, in.Key)
		}
		j.intents[in.Key] = append(j.intents[in.Key], made{r.ID, in, out})
	}
}

// checkEffects wants each key to have had one effect at most, each step of the model's
// too, under whatever key, and each effect to be that of a stored run's intent.
func (j *judge) checkEffects() {
	steps := map[string][]effect{}
	audited := map[string]bool{}
	for _, row := range j.Audit {
		audited[row.Key] = true
	}
	for key, effects := range j.effects {
		first := effects[0]
		if len(effects) > 1 {
			j.add(duplicate, first.Event, "", "%d effects of %s, step %s, under the key %q", len(effects), first.Tool, first.Step, key)
		}
		made := j.intents[key]
		switch {
		case key == "":
			j.add(stray, first.Event, "", "%s, step %s, was called without a key", first.Tool, first.Step)
		case len(made) == 0:
			j.add(stray, first.Event, "", "the effect of %s, step %s, under %s is in no journal", first.Tool, first.Step, key)
		case !audited[key] && made[0].result != nil && made[0].result.Code == "":
			j.add(stray, first.Event, made[0].run, "the effect of %s, step %s, under %s is in no audit record", first.Tool, first.Step, key)
		}
		step := first.Event + " " + first.Step
		steps[step] = append(steps[step], first)
	}
	for _, effects := range steps {
		if len(effects) > 1 {
			j.add(duplicate, effects[0].Event, "", "%s, step %s, took effect under %d keys", effects[0].Tool, effects[0].Step, len(effects))
		}
	}
}

// checkTruth wants what journals say of calls to be so: done is done, and "nothing was
// changed" is nothing; and no call to be left at "nobody knows".
func (j *judge) checkTruth() {
	for key, calls := range j.intents {
		if len(calls) > 1 {
			j.add(duplicate, calls[0].intent.Arguments.Event, calls[1].run, "the key %s is that of %d calls", key, len(calls))
		}
		c := calls[0]
		if c.intent.Effect == "read" || c.result == nil {
			continue
		}
		event, happened := c.intent.Arguments.Event, len(j.effects[key])
		switch {
		case c.result.Code == "outcome_unknown" || c.result.IsError && strings.Contains(c.result.Content, "may have taken effect"):
			j.add(unsettled, event, c.run, "nobody knew what became of %s under %s, and the run neither looked nor waited: %.200s", c.intent.Tool, key, c.result.Content)
		case !c.result.IsError && happened == 0:
			j.add(loss, event, c.run, "the journal has %s under %s as done, and it was not", c.intent.Tool, key)
		case c.result.IsError && happened > 0 && strings.Contains(c.result.Content, "nothing was changed"):
			j.add(untrue, event, c.run, "the journal says of %s under %s that nothing was changed, and it was: %.200s", c.intent.Tool, key, c.result.Content)
		}
	}
}

// checkCallbacks wants the end of each run to have been told, under one id, and truly.
func (j *judge) checkCallbacks() {
	owed := map[string][]storedCallback{}
	for _, c := range j.Callbacks {
		owed[c.Run] = append(owed[c.Run], c)
		if c.State != "delivered" {
			j.add(loss, "", c.Run, "the callback %s is %s", c.ID, c.State)
		}
	}
	ids := map[string][]told{}
	for _, t := range j.Told {
		ids[t.Run] = append(ids[t.Run], t)
		if !t.Valid {
			j.add(untrue, "", t.Run, "the callback %s came with a signature that does not hold, or about two ends", t.ID)
		}
	}
	for _, r := range j.Runs {
		event := j.keyOf[r.Event]
		if r.State != "succeeded" && r.State != "dead" {
			continue
		}
		if len(owed[r.ID]) > 1 || len(ids[r.ID]) > 1 {
			j.add(duplicate, event, r.ID, "the run's end is told under %d ids, and owed %d times", len(ids[r.ID]), len(owed[r.ID]))
		}
		came := ids[r.ID]
		switch {
		case len(owed[r.ID]) == 0:
			j.add(loss, event, r.ID, "the run owes no callback")
		case len(came) == 0 || !came[0].Taken:
			j.add(loss, event, r.ID, "the callback %s never arrived", owed[r.ID][0].ID)
		case came[0].State != r.State || came[0].ID != owed[r.ID][0].ID:
			j.add(untrue, event, r.ID, "the callback %s told that the run is %s; it is %s, owed as %s", came[0].ID, came[0].State, r.State, owed[r.ID][0].ID)
		}
	}
}

// checkOrder wants the runs of a subject one at a time, and in the order in which their
// sender had them acknowledged: one that was sent after another was acknowledged is the
// later one.
func (j *judge) checkOrder() {
	type span struct {
		ack     ack
		run     string
		entries []entry
	}
	lines := map[string][]span{}
	for _, a := range j.Acks {
		if runs := j.runsOf[a.ID]; a.Source == ordered && len(runs) == 1 && len(j.Journals[runs[0].ID]) > 0 {
			lines[a.Customer] = append(lines[a.Customer], span{a, runs[0].ID, j.Journals[runs[0].ID]})
		}
	}
	for customer, line := range lines {
		slices.SortFunc(line, func(a, b span) int {
			return cmp.Or(a.entries[0].At.Compare(b.entries[0].At), cmp.Compare(a.run, b.run))
		})
		latest := 0 // of those before, the one that was sent last
		for i := 1; i < len(line); i++ {
			before, after := line[i-1], line[i]
			if before.ack.Sent.After(line[latest].ack.Sent) {
				latest = i - 1
			}
			end := before.entries[len(before.entries)-1].At
			if begin := after.entries[0].At; begin.Before(end) {
				j.add(disorder, after.ack.Key, after.run, "of %s, it began at %s, while %s of %s went on until %s", customer, clock(begin), before.run, before.ack.Key, clock(end))
			}
			if later := line[latest]; after.ack.At.Before(later.ack.Sent) {
				j.add(disorder, after.ack.Key, after.run, "of %s, it ran behind %s of %s, which was sent once it was acknowledged", customer, later.run, later.ack.Key)
			}
		}
	}
}
