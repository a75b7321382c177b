package dispatch

import "strings"

// Kinds of triggers, as in [drawbridge/server/auth.Kind]: what starts runs besides callers.
const (
	triggerWebhook  = "webhook:"
	triggerSchedule = "schedule:"
)

// OwnerOfFollowUps is in whose name a run plans follow-ups: that of the caller who started
// it, or else what did, as "webhook:shop" or "schedule:nightly". A follow-up acts for the
// trigger of the run that made it, and so may do no more than that: a source that may move
// no money cannot have it moved another day. It is "" for somebody at this machine.
func OwnerOfFollowUps(owner, source string) string {
	name, scheduled := strings.CutPrefix(source, FromSchedule)
	switch {
	case owner != "":
		return owner
	case scheduled && strings.HasPrefix(name, FollowUpPrefix):
		return "" // of somebody at this machine, as the run that made it
	case scheduled:
		return triggerSchedule + name
	case source == "", source == FromTerminal, source == FromAPI, source == FromChat:
		return ""
	}
	return triggerWebhook + source
}
