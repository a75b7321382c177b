package sqlite

// GateQueries are what the gates ask the tables, and the index that answers.
var GateQueries = map[string]struct{ SQL, Index string }{
	"an earlier event":       {earlyQuery, "events_in_line"},
	"an earlier run":         {behindQuery, "runs_by_subject"},
	"room of a route":        {routeCount, "runs_by_gate"},
	"room of a source":       {sourceCount, "runs_by_gate"},
	"the first of a route":   {atRouteGate, "runs_by_gate"},
	"the first of a source":  {atSourceGate, "runs_at_source_gate"},
	"the first in line":      {atLineGate, "runs_at_line_gate"},
	"the first of a subject": {ofSubject, "runs_by_subject"},
	"a row of events":        {delayedRow, "runs_debounced"},
}
