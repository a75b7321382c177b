package state

import (
	"context"
	"fmt"
	"strings"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// Submit is Start for a request that may be sent again.
func (s *Store) Submit(ctx context.Context, run dispatch.NewRun) (id string, fresh bool, err error) {
	key := dispatch.RequestKey{Owner: run.Owner, Key: run.Key, Digest: run.Digest}
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		place, used, err := known(ctx, tx, key)
		if used || err != nil {
			id, fresh = place.Run, false
			return err
		}
		id, fresh = run.ID, true
		if err := s.start(ctx, tx, run); err != nil || key.Key == "" {
			return err
		}
		return s.remember(ctx, tx, key, dispatch.Place{Run: run.ID, Seq: 1})
	})
	if err != nil {
		return "", false, fmt.Errorf("submitting run %q: %w", run.ID, err)
	}
	if fresh {
		s.signal(dispatch.RunJob)
	}
	return id, fresh, nil
}

// ListRuns gives runs that fit a filter, the newest first.
func (s *Store) ListRuns(ctx context.Context, fits dispatch.RunFilter, limit int) ([]dispatch.Run, error) {
	where, arguments := conditions(fits)
	rows, err := s.Read().QueryContext(ctx, `SELECT `+runColumns+` FROM runs WHERE `+where+` ORDER BY created_at DESC, id DESC LIMIT ?`, append(arguments, limit)...)
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	found, err := collect(rows, (*runRow).fields)
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	runs := make([]dispatch.Run, len(found))
	for i := range found {
		runs[i] = found[i].run()
	}
	return runs, nil
}

// conditions are a filter in SQL. What is not asked for is left out, so that an index
// can serve the rest.
func conditions(fits dispatch.RunFilter) (where string, arguments []any) {
	all := []string{"1 = 1"}
	for _, equal := range []struct{ column, value string }{
		{"owner", fits.Owner}, {"agent", fits.Agent}, {"source", fits.Source}, {"event", fits.Event}, {"reason", fits.Reason},
	} {
		if equal.value != "" {
			all, arguments = append(all, equal.column+" = ?"), append(arguments, equal.value)
		}
	}
	if len(fits.States) > 0 {
		all = append(all, "state IN (?"+strings.Repeat(", ?", len(fits.States)-1)+")")
		for _, state := range fits.States {
			arguments = append(arguments, string(state))
		}
	}
	if fits.Behind != (dispatch.RunMark{}) {
		all, arguments = append(all, "(created_at, id) < (?, ?)"), append(arguments, millis(fits.Behind.Created), fits.Behind.ID)
	}
	return strings.Join(all, " AND "), arguments
}
