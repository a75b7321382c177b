package replay

import (
	"context"

	"drawbridge/bridge"
)

// What people decided about a call came from outside. While the replay keeps in step the
// call waits for it again, and what was recorded of it is taken over. A replay that goes by
// itself asks nobody: what came of the call in the end is its result.

// waited is the approval that the recorded call waited for at this place, nil if it
// waited for none.
func (c *calls) waited(key string) *bridge.Approval {
	list := c.waits[key]
	if len(list) == 0 {
		return nil
	}
	c.waits[key] = list[1:]
	c.tape.mu.Lock()
	defer c.tape.mu.Unlock()
	if list[0] == nil || !c.tape.inStep() {
		return nil
	}
	again := *list[0]
	return &again
}

// decided takes over what was decided about calls that wait, and what else was asked for
// ahead. It reports false if nothing was.
func (t *tape) decided() bool {
	taken := false
	for next := t.follow(); next != nil && (next.Kind == bridge.EntryApproval || next.Kind == bridge.EntryApproved); next = t.follow() {
		if t.write(*next) != nil {
			return taken
		}
		taken = taken || next.Kind == bridge.EntryApproved
	}
	return taken
}

// undecided tells that an approval is pending: what was decided is in the recording.
func undecided(context.Context, string) (bridge.Standing, error) {
	return bridge.Standing{State: bridge.ApprovalPending}, nil
}
