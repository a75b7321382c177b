package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// holding is a run as whoever may write to it finds it.
type holding struct {
	run, agent, cancel string
	waiter             waiter // what others may wait for
	touched            int64  // the last sign of life of a worker that has it, in milliseconds
	last               int64  // of the journal's entries
}

// held checks that the lease is held: under an older epoch, or when the run is
// not running any more, it is ErrFenced. It changes nothing.
func held(ctx context.Context, tx sqldb.Tx, lease bridge.Lease) (holding, error) {
	h := holding{run: lease.Run}
	err := tx.QueryRowContext(ctx, `SELECT agent, cancel, touched_at, (SELECT COALESCE(MAX(seq), 0) FROM journal WHERE run = id), `+waiterColumns+`
		FROM runs WHERE id = ? AND epoch = ? AND state = 'running'`+forUpdate, lease.Run, lease.Epoch).Scan(append([]any{&h.agent, &h.cancel, &h.touched, &h.last}, h.waiter.fields()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return holding{}, bridge.ErrFenced
	}
	return h, err
}

// follows checks that entries go on from the journal's last.
func (h holding) follows(entries []bridge.Entry) error {
	for i, e := range entries {
		if e.Seq != h.last+1+int64(i) {
			return bridge.ErrFenced
		}
	}
	return nil
}

// idle checks that a run is as it was found: nobody has carried it since.
func idle(ctx context.Context, tx sqldb.Tx, run dispatch.Run, epoch int64, now time.Time) (holding, error) {
	h := holding{run: run.ID, touched: millis(now)}
	err := tx.QueryRowContext(ctx, `SELECT agent, cancel, (SELECT COALESCE(MAX(seq), 0) FROM journal WHERE run = id), `+waiterColumns+`
		FROM runs WHERE id = ? AND epoch = ? AND state = ?`+forUpdate, run.ID, epoch, string(run.State)).Scan(append([]any{&h.agent, &h.cancel, &h.last}, h.waiter.fields()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return holding{}, errMoved
	}
	return h, err
}

// worked is the time since the last sign of life, in milliseconds. What a crash or a
// pause leaves between two workers is not in it.
func (h holding) worked(now time.Time) int64 { return max(0, millis(now)-h.touched) }

// progressed notes a sign of life of a run that has got somewhere: its row of
// faults ends. The day counts what was spent.
func (h holding) progressed(ctx context.Context, tx sqldb.Tx, now time.Time, spent bridge.Usage) error {
	if err := sqldb.Later(ctx, tx, `UPDATE runs SET attempts = 0, worked_ms = worked_ms + ?, touched_at = ? WHERE id = ?`,
		h.worked(now), millis(now), h.run); err != nil {
		return err
	}
	return h.spend(ctx, tx, now, spent)
}

// touch notes a sign of life.
func (h holding) touch(ctx context.Context, tx sqldb.Tx, now time.Time) error {
	if err := sqldb.Later(ctx, tx, `UPDATE runs SET worked_ms = worked_ms + ?, touched_at = ? WHERE id = ?`,
		h.worked(now), millis(now), h.run); err != nil {
		return err
	}
	return h.spend(ctx, tx, now, bridge.Usage{})
}

// spend adds what was used, and the time worked, to the agent's day. Money in
// another currency than before cannot be added up: counting it begins anew.
func (h holding) spend(ctx context.Context, tx sqldb.Tx, now time.Time, u bridge.Usage) error {
	worked := h.worked(now)
	if u == (bridge.Usage{}) && worked == 0 {
		return nil
	}
	return sqldb.Later(ctx, tx, `INSERT INTO agent_days (agent, day, turns, calls, prompt_tokens, completion_tokens,
			cached_tokens, reasoning_tokens, cost_micros, currency, worked_ms)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (agent, day) DO UPDATE SET turns = agent_days.turns + excluded.turns, calls = agent_days.calls + excluded.calls,
			prompt_tokens = agent_days.prompt_tokens + excluded.prompt_tokens, completion_tokens = agent_days.completion_tokens + excluded.completion_tokens,
			cached_tokens = agent_days.cached_tokens + excluded.cached_tokens, reasoning_tokens = agent_days.reasoning_tokens + excluded.reasoning_tokens,
			cost_micros = excluded.cost_micros + CASE WHEN excluded.currency IN ('', agent_days.currency) THEN agent_days.cost_micros ELSE 0 END,
			currency = CASE excluded.currency WHEN '' THEN agent_days.currency ELSE excluded.currency END,
			worked_ms = agent_days.worked_ms + excluded.worked_ms`,
		h.agent, dayOf(now), u.Turns, u.Calls, u.PromptTokens, u.CompletionTokens, u.CachedTokens, u.ReasoningTokens, u.Cost, u.Currency, worked)
}

// dayOf is the day, in UTC, that a time lies in.
func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// UsedOn is what the runs of an agent have used on a day.
func (s *Store) UsedOn(ctx context.Context, agent string, day time.Time) (bridge.Usage, error) {
	var u bridge.Usage
	var worked int64
	err := s.Read().QueryRowContext(ctx, `SELECT turns, calls, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens,
		cost_micros, currency, worked_ms FROM agent_days WHERE agent = ? AND day = ?`, agent, dayOf(day)).Scan(&u.Turns, &u.Calls,
		&u.PromptTokens, &u.CompletionTokens, &u.CachedTokens, &u.ReasoningTokens, &u.Cost, &u.Currency, &worked)
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Usage{}, nil
	}
	if err != nil {
		return bridge.Usage{}, fmt.Errorf("reading what agent %q used: %w", agent, err)
	}
	u.Wall = time.Duration(worked) * time.Millisecond
	return u, nil
}
