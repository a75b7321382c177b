package replay

import (
	"slices"

	"drawbridge/bridge"
)

// Difference names what of a turn, or of a whole run, came out otherwise.
type Difference string

const (
	Words        Difference = "words"   // what the model said, a refusal included
	Finish       Difference = "finish"  // why it stopped
	CallsDiffer  Difference = "calls"   // one is missing, new, or has other arguments
	Order        Difference = "order"   // the same calls, in another order
	Results      Difference = "results" // the same call returned something else
	Then         Difference = "then"    // what was said to the model behind it
	MissingTurn  Difference = "missing" // the recorded run had the turn, the replay does not
	NewTurn      Difference = "new"     // the replay has it
	BeforeDiffer Difference = "before"  // what was said to the model before the first turn
	OutcomeIs    Difference = "outcome" // how the run ended, or its answer
)

// Report is a run beside its replay.
type Report struct {
	Run  string `json:"run"`
	Same bool   `json:"same"`
	// Differs is what of the whole run came out otherwise.
	Differs  []Difference `json:"differs,omitempty"`
	Recorded Side         `json:"recorded"`
	Replayed Side         `json:"replayed"`
	Turns    []Pair       `json:"turns"`
	// NotRecorded counts the calls in the replay that nobody had made.
	NotRecorded int `json:"not_recorded"`
}

// Pair is a turn beside that of the same number. One of the two may be missing.
type Pair struct {
	Number   int          `json:"turn"`
	Same     bool         `json:"same"`
	Differs  []Difference `json:"differs,omitempty"`
	Recorded *Turn        `json:"recorded,omitempty"`
	Replayed *Turn        `json:"replayed,omitempty"`
	Calls    []CallPair   `json:"calls,omitempty"`
}

// Rules say what counts as a difference. Tokens, costs and times never do.
type Rules struct {
	// AnyWords: what the model says, and the words of the run's answer, may be others.
	AnyWords bool
}

// Compare holds a replay against what was recorded.
func Compare(r *Recording, p Played, rules Rules) (Report, error) {
	recorded, err := r.side()
	if err != nil {
		return Report{}, err
	}
	replayed, err := p.side(r.run)
	if err != nil {
		return Report{}, err
	}
	report := Report{Run: r.run, Recorded: recorded, Replayed: replayed, Turns: []Pair{}}
	for i := range max(len(recorded.Turns), len(replayed.Turns)) {
		report.Turns = append(report.Turns, rules.pair(i, recorded.Turns, replayed.Turns))
	}
	elsewhere(report.Turns)
	if !rules.sameAsides(recorded.Before, replayed.Before) {
		report.Differs = append(report.Differs, BeforeDiffer)
	}
	if !rules.sameEnd(recorded, replayed) {
		report.Differs = append(report.Differs, OutcomeIs)
	}
	report.Same = len(report.Differs) == 0
	for _, pair := range report.Turns {
		report.Same = report.Same && pair.Same
		for _, c := range pair.Calls {
			if c.Replayed != nil && c.Replayed.Source == NotRecorded {
				report.NotRecorded++
			}
		}
	}
	return report, nil
}

func (rules Rules) pair(i int, recorded, replayed []Turn) Pair {
	p := Pair{Number: i + 1}
	if i < len(recorded) {
		p.Recorded = &recorded[i]
	}
	if i < len(replayed) {
		p.Replayed = &replayed[i]
	}
	switch {
	case p.Replayed == nil:
		p.Differs, p.Calls = []Difference{MissingTurn}, pairCalls(p.Recorded.Calls, nil)
	case p.Recorded == nil:
		p.Differs, p.Calls = []Difference{NewTurn}, pairCalls(nil, p.Replayed.Calls)
	default:
		p.Calls = pairCalls(p.Recorded.Calls, p.Replayed.Calls)
		p.Differs = rules.differences(p)
	}
	p.Same = len(p.Differs) == 0
	return p
}

// differences are those of two turns that are both there.
func (rules Rules) differences(p Pair) []Difference {
	var found []Difference
	add := func(differs bool, what Difference) {
		if differs {
			found = append(found, what)
		}
	}
	a, b := p.Recorded, p.Replayed
	add(!rules.AnyWords && (a.Words != b.Words || a.Refusal != b.Refusal) || (a.Refusal == "") != (b.Refusal == ""), Words)
	add(a.Finish != b.Finish, Finish)
	add(slices.ContainsFunc(p.Calls, func(c CallPair) bool { return c.Is != SameCall && c.Is != OtherResult }), CallsDiffer)
	add(reordered(p.Calls), Order)
	add(slices.ContainsFunc(p.Calls, func(c CallPair) bool { return c.Is == OtherResult }), Results)
	add(!rules.sameAsides(a.Then, b.Then), Then)
	return found
}

func (rules Rules) sameAsides(a, b []Aside) bool {
	return slices.EqualFunc(a, b, func(a, b Aside) bool {
		switch {
		case a.Kind != b.Kind || a.by != b.by:
			return false
		case a.by != "": // the words tell how much time is left
			return true
		case rules.AnyWords && a.Kind == bridge.EntrySummary:
			return true
		}
		return a.Text == b.Text
	})
}

// sameEnd compares how the two ended. What somebody else said of the reason, such as the
// model's endpoint, is not told again in the same words.
func (rules Rules) sameEnd(a, b Side) bool {
	if a.Outcome == nil || b.Outcome == nil {
		return a.Outcome == nil && b.Outcome == nil && b.Stopped == errOver.Error()
	}
	if a.Outcome.Status != b.Outcome.Status || a.Outcome.Reason != b.Outcome.Reason {
		return false
	}
	switch a.Outcome.Reason {
	case bridge.ModelError, bridge.ContextFull:
		return true
	}
	return rules.AnyWords || a.Outcome.Answer == b.Outcome.Answer
}
