package audit

import "time"

// Filter selects rows. Zero fields select all.
type Filter struct {
	Run string
	// Tool and Principal are names, or patterns in which * stands for any characters.
	Tool, Principal                     string
	Decision, Effect, Outcome, Approval string
	// Tainted, DryRun and Cached, if true, select only those; the last are reads that were
	// answered with what an earlier one gave.
	Tainted, DryRun, Cached bool
	// Since and Until bound when the call came: not before, and before.
	Since, Until time.Time
}
