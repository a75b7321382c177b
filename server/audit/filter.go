package audit

import "time"

// Filter selects rows. Zero fields select all.
type Filter struct {
	Run string
	// Tool and Principal are names, or patterns in which * stands for any characters.
	Tool, Principal                     string
	Decision, Effect, Outcome, Approval string
	// Tainted and DryRun, if true, select only those.
	Tainted, DryRun bool
	// Since and Until bound when the call came: not before, and before.
	Since, Until time.Time
}
