package guard

import (
	"context"
	"time"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// Policy judges calls that are permitted and valid: the operator's rules. It changes
// nothing, and is safe for concurrent use.
type Policy interface {
	// Judge gives what is to become of a call. A rule that cannot be evaluated denies,
	// and the verdict says so: there is no error that could be overlooked.
	Judge(ctx context.Context, q Question) Verdict
	// Version names the rules: another set has another version.
	Version() string
}

// Question is a call that a policy judges.
type Question struct {
	Principal auth.Principal
	Door      string
	Tool      tools.Tool
	// Arguments are the call's, decoded with numbers as they were written (json.Number).
	Arguments any
	Run       string
	// Measure is how much the call does, and Place its place among those that count (see
	// Totals): what it does itself is behind it.
	Measure Measure
	Place   int64
	// Notes are what was found out about the call so far; nil if nothing is kept between
	// two questions about it.
	Notes Notes
}

// Notes are what a policy keeps about one call, so that it is looked up once.
type Notes map[string]any

// Action is what becomes of a call.
type Action string

const (
	// Allow makes the call.
	Allow Action = "allow"
	// Deny refuses it.
	Deny Action = "deny"
	// Approve makes it once people have agreed to it.
	Approve Action = "approve"
	// DryRun answers what the call would do, and does not make it.
	DryRun Action = "dry_run"
)

// Verdict is what a policy says about a call.
type Verdict struct {
	Action Action
	// Rule is the name of the rule that decided, for the audit; Reason is for whoever
	// called: why, and what to do next.
	Rule   string
	Reason string
	// Policy is the version of the rules. An approval holds for one version only.
	Policy string
	// Terms are those of an approval.
	Terms Terms
	// Redact are the members of the result that the caller does not see.
	Redact []string
}

// Terms say who may approve a call, how many have to, and until when.
type Terms struct {
	// By are patterns of principals ("key:desk", "key:*"); none is anybody who may decide
	// at all.
	By     []string
	Count  int           // how many different people, 1 if zero
	Within time.Duration // an hour if zero
}
