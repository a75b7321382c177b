package replay

import "slices"

// Is says how a call of the replay stands to one that was recorded.
type Is string

const (
	SameCall       Is = "same"
	OtherResult    Is = "other_result" // the same call, and something else came back
	OtherArguments Is = "other_arguments"
	MissingCall    Is = "missing" // it was made, and is not in the replay
	NewCall        Is = "new"     // it is in the replay, and was not made
)

// CallPair is a call beside its like in the same turn.
type CallPair struct {
	Is       Is     `json:"is"`
	Function string `json:"function"`
	Recorded *Call  `json:"recorded,omitempty"`
	Replayed *Call  `json:"replayed,omitempty"`
	// Changes are those of the arguments.
	Changes []Change `json:"changes,omitempty"`
	// Elsewhere is the other side's turn in which a call that is missing or new here is
	// made, with the same arguments; 0 if it is made nowhere.
	Elsewhere int `json:"elsewhere,omitempty"`

	place int // in the replay's turn; -1 if missing
}

// pairCalls puts the calls of two turns beside each other: those that are the same first,
// then those of the same function, each in their order.
func pairCalls(recorded, replayed []Call) []CallPair {
	var out []CallPair
	taken := make([]bool, len(replayed))
	partner := make([]int, len(recorded))
	find := func(fits func(a, b Call) bool) {
		for i := range recorded {
			for j := range replayed {
				if partner[i] < 0 && !taken[j] && fits(recorded[i], replayed[j]) {
					partner[i], taken[j] = j, true
				}
			}
		}
	}
	for i := range partner {
		partner[i] = -1
	}
	find(func(a, b Call) bool { return a.Function == b.Function && sameArguments(a, b) })
	find(func(a, b Call) bool { return a.Function == b.Function })
	for i := range recorded {
		a := &recorded[i]
		if partner[i] < 0 {
			out = append(out, CallPair{Is: MissingCall, Function: a.Function, Recorded: a, place: -1})
			continue
		}
		out = append(out, pairOf(a, &replayed[partner[i]], partner[i]))
	}
	for j := range replayed {
		if !taken[j] {
			out = append(out, CallPair{Is: NewCall, Function: replayed[j].Function, Replayed: &replayed[j], place: j})
		}
	}
	return out
}

func pairOf(a, b *Call, place int) CallPair {
	p := CallPair{Is: SameCall, Function: a.Function, Recorded: a, Replayed: b, place: place}
	switch {
	case !sameArguments(*a, *b):
		p.Is, p.Changes = OtherArguments, changes(arguments(*a, *b))
	case a.Result != b.Result || a.IsError != b.IsError || a.Code != b.Code || a.Returned != b.Returned:
		p.Is = OtherResult
	}
	return p
}

func sameArguments(a, b Call) bool {
	was, is := arguments(a, b)
	return was == is
}

// reordered reports whether the calls that both turns have come in another order.
func reordered(pairs []CallPair) bool {
	var places []int
	for _, p := range pairs {
		if p.Recorded != nil && p.Replayed != nil {
			places = append(places, p.place)
		}
	}
	return !slices.IsSorted(places)
}

// elsewhere finds the calls that are made, but in another turn.
func elsewhere(turns []Pair) {
	for i := range turns {
		for k := range turns[i].Calls {
			if missing := &turns[i].Calls[k]; missing.Is == MissingCall {
				movedTo(turns, i, missing)
			}
		}
	}
}

func movedTo(turns []Pair, from int, missing *CallPair) {
	for j := range turns {
		for k := range turns[j].Calls {
			added := &turns[j].Calls[k]
			if j == from || added.Is != NewCall || added.Elsewhere != 0 || added.Function != missing.Function || !sameArguments(*added.Replayed, *missing.Recorded) {
				continue
			}
			missing.Elsewhere, added.Elsewhere = turns[j].Number, turns[from].Number
			return
		}
	}
}
