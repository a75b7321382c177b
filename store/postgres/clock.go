package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// mostAside is how far the clock of a node may be from the server's. Leases are of a time
// by their node's clock, and run out by the clocks of the others: two nodes that are as
// far from the server as they may, on either side of it, still leave each other's alone
// for as long as these are renewed.
const mostAside = 2 * time.Second

// clockAside is how far the clock of this machine is ahead of the server's, or behind if
// negative. What may be the time that it took to ask is not counted.
func clockAside(ctx context.Context, db *sql.DB) (time.Duration, error) {
	asked := time.Now().Round(0) // by the wall, as what is stored
	var micros int64
	if err := db.QueryRowContext(ctx, `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`).Scan(&micros); err != nil {
		return 0, fmt.Errorf("asking the server for the time: %w", err)
	}
	answered, there := time.Now().Round(0), time.UnixMicro(micros)
	switch {
	case there.Before(asked):
		return asked.Sub(there), nil
	case there.After(answered):
		return answered.Sub(there), nil
	}
	return 0, nil
}

// wrongClock says what is wrong with a clock, if anything.
func wrongClock(ahead time.Duration) error {
	how, by := "ahead of", ahead
	if ahead < 0 {
		how, by = "behind", -ahead
	}
	if by <= mostAside {
		return nil
	}
	return fmt.Errorf("this machine's clock is %v %s that of the database's server, and may be %v: it would take work from nodes that are at it, or leave it lying; "+
		"have both clocks set by NTP", by.Round(time.Millisecond), how, mostAside)
}

// checkClock refuses a node whose clock is wrong.
func checkClock(ctx context.Context, db *sql.DB) error {
	ahead, err := clockAside(ctx, db)
	if err != nil {
		return err
	}
	return wrongClock(ahead)
}
