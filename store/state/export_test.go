package state

import (
	"context"

	"drawbridge/server/dispatch"
	"drawbridge/server/export"
	"drawbridge/tools/sqldb"
)

// MostLetGo is how many runs one transaction lets go.
const MostLetGo = mostLetGo

// LetSomeGo is the beginning of SetLanes: its first transaction that lets runs go.
func (s *Store) LetSomeGo(ctx context.Context, lanes dispatch.Lanes) (more bool, err error) {
	if err := s.Write(ctx, func(tx sqldb.Tx) error { return s.writeLanes(ctx, tx, lanes) }); err != nil {
		return false, err
	}
	return s.letSomeGo(ctx)
}

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

// QueuesQuery finds the endpoints that callbacks are owed to.
const QueuesQuery = queuesQuery

// AddCallbackJob has a callback sent at a time.
var AddCallbackJob = enqueueCallback

// ExportQueries are what an export of a selection reads by.
func ExportQueries(selected export.Selection) (queries []struct {
	SQL  string
	Args []any
}) {
	for _, p := range parts {
		query, args := p.sql(selected)
		queries = append(queries, struct {
			SQL  string
			Args []any
		}{query, args})
	}
	return queries
}
