package state

import (
	"context"
	"fmt"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

const endpointColumns = `failing_since, failures, warned, succeeded_at, disabled_at, why`

type endpointRow struct {
	dispatch.Endpoint
	failing, succeeded, disabled int64
	warned                       bool
}

func (r *endpointRow) fields() []any {
	return []any{&r.failing, &r.Failures, &r.warned, &r.succeeded, &r.disabled, &r.Why}
}

func (r *endpointRow) endpoint() dispatch.Endpoint {
	r.FailingSince, r.LastSuccess, r.DisabledAt = fromMillis(r.failing), fromMillis(r.succeeded), fromMillis(r.disabled)
	return r.Endpoint
}

// Endpoints lists all that something was ever owed to.
func (s *Store) Endpoints(ctx context.Context) ([]dispatch.Endpoint, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT name, COALESCE(failing_since, 0), COALESCE(failures, 0), COALESCE(warned, 0), COALESCE(succeeded_at, 0),
			COALESCE(disabled_at, 0), COALESCE(why, ''), pending, delivered, dead, held
		FROM (SELECT endpoint AS name, SUM(CASE state WHEN 'pending' THEN 1 ELSE 0 END) AS pending, SUM(CASE state WHEN 'delivered' THEN 1 ELSE 0 END) AS delivered,
				SUM(CASE state WHEN 'dead' THEN 1 ELSE 0 END) AS dead, SUM(CASE state WHEN 'disabled' THEN 1 ELSE 0 END) AS held
			FROM callbacks GROUP BY endpoint) AS counted
		LEFT JOIN callback_endpoints ON callback_endpoints.endpoint = counted.name
		UNION ALL
		SELECT endpoint, `+endpointColumns+`, 0, 0, 0, 0 FROM callback_endpoints WHERE NOT EXISTS (SELECT 1 FROM callbacks WHERE callbacks.endpoint = callback_endpoints.endpoint)
		ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("listing endpoints: %w", err)
	}
	found, err := collect(rows, func(r *endpointRow) []any {
		return append(append([]any{&r.Name}, r.fields()...), &r.Pending, &r.Delivered, &r.Dead, &r.Held)
	})
	if err != nil {
		return nil, fmt.Errorf("listing endpoints: %w", err)
	}
	endpoints := make([]dispatch.Endpoint, len(found))
	for i := range found {
		endpoints[i] = found[i].endpoint()
	}
	return endpoints, nil
}

// EnableEndpoint takes a disabled endpoint into use again.
func (s *Store) EnableEndpoint(ctx context.Context, name string) (int, error) {
	var due int
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		enabled, err := changedOne(tx.ExecContext(ctx, `UPDATE callback_endpoints SET failing_since = 0, failures = 0, warned = 0, disabled_at = 0, why = ''
			WHERE endpoint = ? AND disabled_at <> 0`, name))
		if err != nil {
			return err
		}
		if !enabled {
			return dispatch.ErrNotFound
		}
		noteJob(tx, dispatch.CallbackJob, "", s.now()) // whoever sends one goes on with the next
		if _, err := tx.ExecContext(ctx, `INSERT INTO jobs (kind, ref, due_at, leased, endpoint)
			SELECT 'callback', id, ?, 0, endpoint FROM callbacks WHERE endpoint = ? AND state = 'disabled'`, millis(s.now()), name); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE callbacks SET state = 'pending' WHERE endpoint = ? AND state = 'disabled'`, name)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		due = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("enabling endpoint %q: %w", name, err)
	}
	s.signal(dispatch.CallbackJob)
	return due, nil
}
