package state

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

var _ dispatch.DeadStore = (*Store)(nil)

// What makes a row a dead letter. The indexes on them say it in the same words, or they
// would not be used.
const (
	deadEvent    = `status IN ('failed', 'unparsed', 'quarantined') AND successor = ''`
	deadRun      = `dead = 1`
	deadCallback = `state = 'dead'`
)

// diesAs is whether a run that ends in a state (the parameter) is a dead letter: one that
// failed is none if whoever began it waited for its end, and was told.
const diesAs = `CASE ? WHEN 'dead' THEN 1 WHEN 'failed' THEN CASE WHEN event IS NOT NULL OR source NOT IN ('chat', 'cli') THEN 1 ELSE 0 END ELSE 0 END`

// letters are queries for dead letters by kind, as columns of the same names.
var letters = map[dispatch.LetterKind]string{
	dispatch.DeadEvent: `SELECT 'event' AS kind, id, source, '' AS agent, '' AS event, '' AS run, status AS reason, note AS detail,
		CASE status_at WHEN 0 THEN received_at ELSE status_at END AS at FROM events WHERE ` + deadEvent,
	dispatch.DeadRun: `SELECT 'run' AS kind, id, source, agent, COALESCE(event, '') AS event, '' AS run, reason, answer AS detail,
		finished_at AS at FROM runs WHERE ` + deadRun,
	dispatch.DeadCallback: `SELECT 'callback' AS kind, c.id, r.source, r.agent, COALESCE(r.event, '') AS event, r.id AS run, c.last_reason AS reason,
		'after ' || c.attempts || ' attempts' AS detail, c.last_at AS at FROM callbacks c JOIN runs r ON r.id = c.run WHERE c.` + deadCallback,
}

type letterRow struct {
	dispatch.DeadLetter
	at int64
}

func (r *letterRow) fields() []any {
	return []any{&r.Kind, &r.ID, &r.Source, &r.Agent, &r.Event, &r.Run, &r.Reason, &r.Detail, &r.at}
}

// DeadLetters lists those that fit, the newest first.
func (s *Store) DeadLetters(ctx context.Context, fits dispatch.DeadFilter, limit int) ([]dispatch.DeadLetter, error) {
	var all []dispatch.DeadLetter
	where, arguments := fitting(fits)
	for _, kind := range dispatch.LetterKinds {
		if fits.Kind != "" && fits.Kind != kind {
			continue
		}
		rows, err := s.Read().QueryContext(ctx, `SELECT * FROM (`+letters[kind]+`) AS letters WHERE `+where+` ORDER BY at DESC, id DESC LIMIT ?`,
			append(slices.Clone(arguments), limit)...)
		if err != nil {
			return nil, fmt.Errorf("listing dead letters: %w", err)
		}
		found, err := collect(rows, (*letterRow).fields)
		if err != nil {
			return nil, fmt.Errorf("listing dead letters: %w", err)
		}
		for _, row := range found {
			row.At = fromMillis(row.at)
			all = append(all, row.DeadLetter)
		}
	}
	slices.SortStableFunc(all, func(a, b dispatch.DeadLetter) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
	return all[:min(len(all), limit)], nil
}

// fitting is a filter in SQL.
func fitting(fits dispatch.DeadFilter) (where string, arguments []any) {
	all := []string{"1 = 1"}
	add := func(given bool, condition string, values ...any) {
		if given {
			all, arguments = append(all, condition), append(arguments, values...)
		}
	}
	add(fits.Source != "", "source = ?", fits.Source)
	add(fits.Agent != "", "agent = ?", fits.Agent)
	add(fits.Reason != "", `LOWER(reason || ' ' || detail) LIKE ? ESCAPE '\'`, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(fits.Reason))+"%")
	add(!fits.Since.IsZero(), "at >= ?", millis(fits.Since))
	add(!fits.Until.IsZero(), "at < ?", millis(fits.Until))
	return strings.Join(all, " AND "), arguments
}

// DeadLetter gives one by its id.
func (s *Store) DeadLetter(ctx context.Context, id string) (dispatch.DeadLetter, error) {
	for _, kind := range dispatch.LetterKinds {
		var row letterRow
		err := s.Read().QueryRowContext(ctx, `SELECT * FROM (`+letters[kind]+`) AS letters WHERE id = ?`, id).Scan(row.fields()...)
		if err == nil {
			row.At = fromMillis(row.at)
			return row.DeadLetter, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return dispatch.DeadLetter{}, fmt.Errorf("looking for dead letter %q: %w", id, err)
		}
	}
	return dispatch.DeadLetter{}, fmt.Errorf("%q: %w", id, isThere(ctx, s.Read(), id))
}

// isThere tells what has an id and is no dead letter from what is not there.
func isThere(ctx context.Context, q sqldb.Querier, id string) error {
	var there bool
	err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM events WHERE id = ?1) OR EXISTS (SELECT 1 FROM runs WHERE id = ?1)
		OR EXISTS (SELECT 1 FROM callbacks WHERE id = ?1)`, id).Scan(&there)
	switch {
	case err != nil:
		return err
	case there:
		return dispatch.ErrNotDead
	}
	return dispatch.ErrNotFound
}

// CountDead counts all dead letters.
func (s *Store) CountDead(ctx context.Context) ([]dispatch.DeadCount, error) {
	counts := make([]dispatch.DeadCount, 0, len(dispatch.LetterKinds))
	for _, kind := range dispatch.LetterKinds {
		c, oldest := dispatch.DeadCount{Kind: kind}, sql.NullInt64{}
		if err := s.Read().QueryRowContext(ctx, `SELECT COUNT(*), MIN(at) FROM (`+letters[kind]+`) AS letters`).Scan(&c.Count, &oldest); err != nil {
			return nil, fmt.Errorf("counting dead letters: %w", err)
		}
		c.Oldest = fromMillis(oldest.Int64)
		counts = append(counts, c)
	}
	return counts, nil
}
