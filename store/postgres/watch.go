package postgres

import (
	"context"
	"time"
)

// watchEvery is how often a node looks whether others have written.
const watchEvery = time.Second

// Watch looks at which transactions the server has begun and ended. Others' databases
// on the same server count too, so look is told more often than others have written.
func (d *DB) Watch(ctx context.Context, look func(ctx context.Context, written bool) error) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var seen string
	for {
		var now string
		err := d.reads.QueryRowContext(ctx, `SELECT CAST(pg_current_snapshot() AS TEXT)`).Scan(&now)
		written := err == nil && now != seen
		if look(ctx, written) != nil {
			seen = "" // look again
		} else if written {
			seen = now
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
