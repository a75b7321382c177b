package auth

import (
	"encoding/json"
	"slices"
)

// DefaultEffects are what tools may do for a principal of whom nothing else is said.
// What leaves the company and what moves money has to be granted.
func DefaultEffects() []string { return []string{"read", "write"} }

// Bounds are what somebody may do, in whose name a run acts.
type Bounds struct {
	// Tools are patterns that a tool has to fit; nil is no bound.
	Tools []string `json:"tools,omitempty"`
	// Effects are those that a tool may have; nil is no bound.
	Effects []string `json:"effects,omitempty"`
	// Pairs are as in [Principal].
	Pairs []Pair `json:"pairs,omitempty"`
	// DryRun: whoever acts for it changes nothing.
	DryRun bool `json:"dry_run,omitempty"`
}

// Acting is the principal of an agent that acts for somebody: it may do what both may.
func (p Principal) Acting(trigger string, within Bounds) Principal {
	p.For, p.Within, p.Pairs = trigger, within.Tools, within.Pairs
	p.DryRun = p.DryRun || within.DryRun
	if within.Effects == nil {
		return p
	}
	mine := p.Effects
	if mine == nil {
		mine = DefaultEffects()
	}
	p.Effects = []string{} // not nil: that would be the default
	for _, effect := range mine {
		if slices.Contains(within.Effects, effect) {
			p.Effects = append(p.Effects, effect)
		}
	}
	return p
}

// BoundsOf are what a caller's runs may do at most: what the caller itself may.
func BoundsOf(p Principal) Bounds {
	b := Bounds{Tools: p.Tools, Effects: p.Effects, Pairs: p.Pairs, DryRun: p.DryRun}
	if b.Effects == nil {
		b.Effects = DefaultEffects()
	}
	return b
}

// NotedBounds are the bounds to note with a run that a principal starts: of one whom only
// his token says anything of. "" for others, whom the settings or the store know whenever
// the run is carried.
func NotedBounds(p Principal) string {
	if p.Kind != JWT {
		return ""
	}
	text, _ := json.Marshal(BoundsOf(p)) // of texts alone
	return string(text)
}
