package replay

import (
	"encoding/json"
	"time"

	"drawbridge/bridge"
)

// What became of a call whose answer was lost came from outside: a look-up found it, or a
// person said so. While the replay keeps in step the call is lost again, and what was
// recorded of it is taken over, entry by entry. A replay that goes by itself has the
// result, however it was found, as that of any other call.

// doubts reports whether nobody knew, at this place of the recorded run, what became of
// the call that is being made.
func (t *tape) doubts() bool {
	next := t.follow()
	return next != nil && next.Kind == bridge.EntryDoubt
}

// found takes over what was found out about a call in doubt. It reports false if nothing
// was.
func (t *tape) found() bool {
	taken := false
	for {
		next := t.follow()
		switch {
		case next == nil:
			return taken
		case next.Kind == bridge.EntryCheck, next.Kind == bridge.EntryChecked, next.Kind == bridge.EntryDecision:
		case next.Kind == bridge.EntryResult && taken && outside(*next):
		default:
			return taken
		}
		if t.write(*next) != nil {
			return taken
		}
		taken = true
	}
}

// outside reports whether a result is one that was found out, and not returned.
func outside(e bridge.Entry) bool {
	var result bridge.Result
	return json.Unmarshal(e.Body, &result) == nil && (result.Code == bridge.LookedUp || result.Code == bridge.Decided)
}

// later is a look-up that is never due: what it told is in the recording.
func later(string, json.RawMessage, string) (bridge.LookUp, error) {
	return bridge.LookUp{After: 1000 * time.Hour}, nil
}
