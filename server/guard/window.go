package guard

import (
	"fmt"
	"slices"
	"time"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// DefaultRepeatEffects are what a window holds for unless Options say otherwise: what
// cannot be taken back.
var DefaultRepeatEffects = []tools.Effect{tools.Message, tools.Money}

// window makes the same write of one principal one call for some time, though nobody
// gave it a key. It is for clients that call directly: one that lost the answer (its
// connection broke, its model was asked again) sends the request anew, under another
// id (MCP 2026-07-28, "no resumption"), and most know nothing of keys. A run's calls
// have keys of their own, and mean what they say.
//
// The window slides: it is counted back from the call that is being judged, and an
// earlier one is in it that ended then or later. What is answered from it does not
// make it any longer.
type window struct {
	span    time.Duration // zero is without a window
	effects []tools.Effect
}

func newWindow(o Options) window {
	w := window{span: o.RepeatWindow, effects: o.RepeatEffects}
	if w.effects == nil {
		w.effects = DefaultRepeatEffects
	}
	return w
}

// covers reports whether the attempt, which has no key of its own, gets one from the
// window. (What has no effect, or one that is repeated at will, does not.)
func (w window) covers(a *attempt) bool {
	return w.span > 0 && a.Principal.Kind != auth.Agent && slices.Contains(w.effects, a.tool.Effect)
}

// sameCall is the key of such an attempt: that of every call of the principal's which
// means the same. No caller can choose it, since it has a blank.
func sameCall(tool, sum string) string { return "same " + digest([]any{tool, sum}) }

// asking is how long a call may go on beyond its own time, because a person was asked.
const asking = time.Hour

// since says in a claim from when on earlier calls are in the window. One that was never
// settled may still be under way, at another node, or have died with one: it counts for
// as long as it could take, and for the window behind that.
func (w window) since(c *Claim, longest time.Duration) {
	c.Ended = c.At.Add(-w.span)
	c.Begun = c.Ended.Add(-longest - asking)
}

// note says to the model that the result is an earlier call's, and how to have the call
// made once more if that is meant. ended is the zero time if the call was still under way.
func (w window) note(ended, now time.Time) string {
	before, until := "at the same time", ""
	if !ended.IsZero() {
		before = fmt.Sprintf("%s ago", max(now.Sub(ended).Round(time.Second), 0))
		until = fmt.Sprintf(", or calls again after %s", ended.Add(w.span).UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("Note: this call was not made again. The same call, with the same arguments, was made %s, and this is its result. "+
		"If it is really meant to be done once more, the client says so with a new key in _meta %q%s.", before, MetaKey, until)
}
