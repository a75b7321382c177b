package main

import (
	"context"
	"errors"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/store/postgres"
	"drawbridge/tools"
	"drawbridge/tools/sqldb"
)

// A store that is away for some seconds, because its server is started again, is no reason
// to tell a model that a call failed, or that nobody knows what became of it: calls wait for
// it, as far as that is safe.

const (
	// patience is how long a call waits for the store.
	patience = time.Minute
	// patiencePause is between two tries.
	patiencePause = 250 * time.Millisecond
)

// patiently tries again while the store is away, for as long as it may and ctx goes on.
func patiently(ctx context.Context, may func(error) bool, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := do()
		if !errors.Is(err, dispatch.ErrAway) || !may(err) {
			return err
		}
		if sleep(ctx, patiencePause); ctx.Err() != nil {
			return err
		}
	}
}

func whatever(error) bool { return true }

// patientDB is the store as built-in backends write to it.
type patientDB struct{ sqldb.DB }

// Write tries again what takes effect once ([sqldb.Once]), whether or not it did when the
// connection was lost, and anything else that did not begin.
func (p patientDB) Write(ctx context.Context, fn func(tx sqldb.Tx) error) error {
	once := tools.Key(ctx) != ""
	return patiently(ctx, func(err error) bool { return once || postgres.NotBegun(err) }, func() error { return p.DB.Write(ctx, fn) })
}

// patientTotals is the store as what calls are added up by. What is noted twice under an ID
// is noted once.
type patientTotals struct{ guard.Totals }

func (p patientTotals) Reserve(ctx context.Context, e guard.Effected) (place int64, known bool, err error) {
	err = patiently(ctx, whatever, func() error {
		place, known, err = p.Totals.Reserve(ctx, e)
		return err
	})
	return place, known, err
}

func (p patientTotals) TakeBack(ctx context.Context, id string) error {
	return patiently(ctx, whatever, func() error { return p.Totals.TakeBack(ctx, id) })
}

func (p patientTotals) Sum(ctx context.Context, q guard.Tally) (sum guard.Sum, err error) {
	err = patiently(ctx, whatever, func() error {
		sum, err = p.Totals.Sum(ctx, q)
		return err
	})
	return sum, err
}

func (p patientTotals) Made(ctx context.Context, run string) (made map[string]int, err error) {
	err = patiently(ctx, whatever, func() error {
		made, err = p.Totals.Made(ctx, run)
		return err
	})
	return made, err
}

// patientLedger is the store as the guard's memory.
type patientLedger struct{ guard.Ledger }

// Claim is tried again only if it did not begin: one that may have come in would find
// itself, and take the call for one that was made.
func (p patientLedger) Claim(ctx context.Context, c guard.Claim) (prior guard.Prior, err error) {
	err = patiently(ctx, postgres.NotBegun, func() error {
		prior, err = p.Ledger.Claim(ctx, c)
		return err
	})
	return prior, err
}

func (p patientLedger) Lookup(ctx context.Context, principal, key string) (prior guard.Prior, err error) {
	err = patiently(ctx, whatever, func() error {
		prior, err = p.Ledger.Lookup(ctx, principal, key)
		return err
	})
	return prior, err
}

// Record is tried again whatever became of it: a result that is not settled would be one
// that nobody knows.
func (p patientLedger) Record(ctx context.Context, row guard.Row, settled *guard.Settlement) error {
	return patiently(ctx, whatever, func() error {
		err := p.Ledger.Record(ctx, row, settled)
		row.Doubted = row.Doubted || errors.Is(err, dispatch.ErrAway)
		return err
	})
}
