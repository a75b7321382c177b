package replay

import "drawbridge/bridge"

// callersTurn has the run's caller answer, as it did: the results of the calls that were
// its own to make, and what it said besides. It reports false if the replay ends there.
func (p *play) callersTurn() (bool, error) {
	if p.tape.guided && p.tape.apart == 0 {
		return p.callersWords(), nil
	}
	open, err := bridge.OpenCalls(p.rec.run, p.tape.entries)
	if err != nil {
		return false, err
	}
	results := map[string]string{}
	for _, call := range open {
		content, ok := p.theirResult(call.Name, canonical(call.Arguments))
		source := Recorded
		if !ok {
			content, source = standIn(call.Name, p.theirCalls(call.Name)), NotRecorded
			if p.calls.missing == "" {
				p.calls.missing = call.Name + " " + call.Arguments
			}
		}
		if !ok && p.calls.policy == Stop {
			p.stopped = "a call of the caller's own was never recorded: " + describe(p.calls.missing)
			return false, nil
		}
		results[call.ID], p.callers[call.ID] = content, source
	}
	var input bridge.Input
	if p.exchanges < len(p.rec.theirs) {
		input = p.rec.theirs[p.exchanges].input
	}
	p.exchanges++
	brought, err := bridge.AnswerCalls(p.rec.run, p.tape.entries, results, input, p.now())
	if err != nil {
		return false, err
	}
	return true, p.tape.write(brought...)
}

// callersWords takes over what the caller brought at this place.
func (p *play) callersWords() bool {
	went := false
	if p.tape.follow() == nil {
		p.stopped = errOver.Error()
	}
	for next := p.tape.follow(); next != nil; next = p.tape.follow() {
		switch {
		case next.Kind == bridge.EntryInput, next.Kind == bridge.EntryResult && p.rec.callers(next.Seq):
			_ = p.tape.write(*next)
			went = true
			continue
		case next.Kind == bridge.EntryOutcome && !went:
			return p.takeOver()
		}
		break
	}
	return went
}

// theirResult is what the caller gave for a call, in the order in which the same was
// asked for.
func (p *play) theirResult(function, arguments string) (string, bool) {
	for i, e := range p.rec.theirs {
		for j, r := range e.results {
			if place := [2]int{i, j}; !p.theirsUsed[place] && r.function == function && r.arguments == arguments {
				p.theirsUsed[place] = true
				return r.content, true
			}
		}
	}
	return "", false
}

func (p *play) theirCalls(function string) int {
	n := 0
	for _, e := range p.rec.theirs {
		for _, r := range e.results {
			if r.function == function {
				n++
			}
		}
	}
	return n
}
