package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"drawbridge/bridge"
)

// Policy says what becomes of a call that was never recorded. It is not made either way.
type Policy string

const (
	// Tell answers it with an error that says so, and the run goes on. The default.
	Tell Policy = "tell"
	// Stop ends the replay there.
	Stop Policy = "stop"
)

// Policies are both of them.
var Policies = []Policy{Tell, Stop}

// Source says where the result of a call in a replay comes from.
type Source string

const (
	Recorded Source = "recorded"
	// Again: a read that was made once more than it was recorded has the last result again.
	Again Source = "recorded_again"
	// NotRecorded: there is none, and nothing was called.
	NotRecorded Source = "not_recorded"
)

// calls answer calls with what they returned when they were made.
type calls struct {
	known  map[string]bool // tools that are listed
	policy Policy
	tape   *tape

	mu      sync.Mutex
	list    []*taking
	byKey   map[string]*taking
	waits   map[string][]*bridge.Approval // by key, of calls to come
	sources map[string]Source             // by key of the call in the replay
	missing string                        // the first call that was not recorded
}

// taking is a recorded call, and whether the replay has used it.
type taking struct {
	recordedCall
	arguments string
	used      bool
}

var _ bridge.Recording = (*calls)(nil)

func newCalls(r *Recording, tools []bridge.Tool, policy Policy, t *tape) *calls {
	c := &calls{known: map[string]bool{}, policy: policy, tape: t, byKey: map[string]*taking{}, waits: maps.Clone(r.waits), sources: map[string]Source{}}
	for _, tool := range tools {
		c.known[tool.Name] = true
	}
	for _, call := range r.calls {
		if call.intent.Tool == "" {
			continue // the bridge's own, which it answers itself
		}
		taken := &taking{recordedCall: call, arguments: canonical(string(call.intent.Arguments))}
		c.list = append(c.list, taken)
		c.byKey[call.intent.Key] = taken
	}
	return c
}

func (c *calls) Call(ctx context.Context, tool string, arguments json.RawMessage, key string) (bridge.CallResult, error) {
	if err := ctx.Err(); err != nil {
		return bridge.CallResult{}, err
	}
	if c.tape.doubts() {
		return bridge.CallResult{Content: "it was not known then", IsError: true, Unknown: true, Inconclusive: true}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.waited(key); a != nil {
		return bridge.CallResult{Content: a.Why, IsError: true, Approval: a}, nil
	}
	text := canonical(string(arguments))
	if here := c.byKey[key]; here != nil && !here.used && c.fits(here, tool) && here.arguments == text {
		if err := c.lost(here); err != nil {
			return bridge.CallResult{}, err
		}
		if here.result != nil {
			return c.give(here, key, Recorded), nil
		}
	}
	var last *taking
	made := 0
	for _, t := range c.list {
		if !c.fits(t, tool) {
			continue
		}
		made++
		if t.arguments != text || t.result == nil {
			continue
		}
		if !t.used {
			return c.give(t, key, Recorded), nil
		}
		last = t
	}
	if last != nil && last.intent.Effect == bridge.Read {
		return c.give(last, key, Again), nil
	}
	if !c.known[tool] {
		return bridge.CallResult{}, &bridge.Refusal{Untouched: true, Message: "no such tool is among those that can be called."}
	}
	return c.standIn(tool, text, key, made), nil
}

// fits reports whether a recorded call was one of the tool, and whether it could be called
// now as then: where there is no such tool any more, nothing that it returned comes back.
func (c *calls) fits(t *taking, tool string) bool {
	return t.intent.Tool == tool && (c.known[tool] || t.intent.Unknown)
}

// lost is what happens to a call that was under way when the recorded run ended, or was
// put down for as long as somebody has had it go on.
func (c *calls) lost(t *taking) error {
	c.tape.mu.Lock()
	defer c.tape.mu.Unlock()
	until := int64(len(c.tape.was) + 1)
	if t.result != nil {
		until = t.seq
	}
	if !c.tape.inStep() || t.result != nil && c.tape.endBefore(until) == nil {
		return nil
	}
	return errCut // whatever the bridge makes of it, the tape does not take
}

func (c *calls) give(t *taking, key string, source Source) bridge.CallResult {
	t.used = true
	c.sources[key] = source
	return bridge.CallResult{Content: t.result.Content, IsError: t.result.IsError, Parts: t.result.Parts, Code: t.result.Code}
}

// standIn is the answer to a call that was never recorded.
func (c *calls) standIn(tool, arguments, key string, made int) bridge.CallResult {
	c.sources[key] = NotRecorded
	if c.missing == "" {
		c.missing = tool + " " + arguments
	}
	if c.policy == Stop {
		c.tape.mu.Lock()
		c.tape.stop = true
		c.tape.mu.Unlock()
	}
	return bridge.CallResult{Content: standIn(tool, made), IsError: true, Code: bridge.NotRecorded}
}

// standIn says to the model that there is no result of a call.
func standIn(function string, made int) string {
	var known string
	switch made {
	case 0:
		known = "it was never called in that run"
	case 1:
		known = "the one call of it there had other arguments, or is used up"
	default:
		known = fmt.Sprintf("the %d calls of it there had other arguments, or are used up", made)
	}
	return fmt.Sprintf("not_recorded: this call of %s was not made. An earlier run is being replayed with the results recorded then, and there is none of this call: %s. "+
		"Nothing was read and nothing was changed. Do not call it like this again: go on with what you have, and say in your answer what you would have done with it.", function, known)
}

// describe names a call in an error or a report.
func describe(text string) string {
	const most = 200
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " ..."
}
