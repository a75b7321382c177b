package state

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"drawbridge/server/audit"
	"drawbridge/server/dispatch"
	"drawbridge/server/export"
	"drawbridge/tools/sqldb"
)

var _ export.Store = (*Store)(nil)

// part is how one kind of line is read: a query in the order of an index, so that nothing
// is sorted and the first row comes at once, and what a row of it is. A column behind a +
// or a NOT is not looked for in other indexes; SQLite joins in the order of a CROSS JOIN.
type part struct {
	what  export.What
	query string // up to its conditions
	at    string // the column of its time
	// source is a condition on where it goes back to.
	source string
	order  string
	read   func(rows *sql.Rows) (export.Line, error)
}

var parts = []part{
	{export.Events, `SELECT id, source, event_key, weak, status, status_at, note, received_at, provider_at, last_seen_at, verified_by, duplicates, replay,
		COALESCE(delivery, ''), successor, edited_from, edited_by, emptied_at, content_type, headers, body FROM events`, "received_at", "NOT (source <> ?)", "received_at, id", readEvent},
	{export.Events, `SELECT id, source, received_at, body FROM deliveries`, "received_at", "source = ?", "id", readDelivery},
	{export.Runs, `SELECT id, agent, owner, source, COALESCE(event, ''), via, replay, state, reason, dead, tainted, attempts, priority, subject, turns, calls, prompt_tokens,
		completion_tokens, cached_tokens, reasoning_tokens, cost_micros, currency, worked_ms, created_at, started_at, finished_at, start_at, metadata, callback_url, route,
		successor, successor_of, edited_by, emptied_at, prompt, answer FROM runs`, "created_at", "source = ?", "created_at, id", readRun},
	{export.Journal, `SELECT j.run, j.seq, j.kind, j.at, j.body FROM runs CROSS JOIN journal j WHERE j.run = runs.id`, "+runs.created_at", "NOT (runs.source <> ?)",
		"runs.id, j.seq", readEntry},
	{export.Callbacks, `SELECT c.id, c.run, c.endpoint, c.state, c.attempts, c.last_status, c.last_reason, c.created_at, c.last_at, c.body
		FROM callbacks c CROSS JOIN runs WHERE runs.id = c.run`, "c.created_at", "runs.source = ?", "c.seq", readCallback},
	{export.Callbacks, `SELECT a.callback, a.n, a.at, a.manual, a.state, a.status, a.reason, a.latency_us, a.remote, a.excerpt
		FROM callbacks c CROSS JOIN runs CROSS JOIN callback_attempts a WHERE runs.id = c.run AND a.callback = c.id`, "c.created_at", "runs.source = ?", "c.seq, a.n", readAttempt},
	{export.Audit, `SELECT ` + headFields + ` FROM audit_heads`, "at", "? = ''", "last, id", readHead},
	{export.Audit, `SELECT ` + auditFields + ` FROM audit`, "at",
		"EXISTS (SELECT 1 FROM runs WHERE id = audit.run AND source = ?)", "id", readCall},
	{export.Rejections, `SELECT at, source, remote, status, reason, header_names, excerpt FROM rejections`, "at", "source = ?", "id", readRejection},
}

// sql is the whole query for a selection.
func (p part) sql(s export.Selection) (string, []any) {
	var conditions []string
	var args []any
	add := func(given bool, condition string, value any) {
		if given {
			conditions, args = append(conditions, condition), append(args, value)
		}
	}
	add(!s.Since.IsZero(), p.at+" >= ?", millis(s.Since))
	add(!s.Until.IsZero(), p.at+" < ?", millis(s.Until))
	add(s.Source != "", p.source, s.Source)
	query := p.query
	for i, condition := range conditions {
		if i == 0 && !strings.Contains(p.query, " WHERE ") {
			query += " WHERE " + condition
		} else {
			query += " AND " + condition
		}
	}
	return query + " ORDER BY " + p.order, args
}

// Export hands out what is selected, all of it as of the moment of its first row. The
// journal of the database grows while it goes on: it cannot be begun anew meanwhile.
func (s *Store) Export(ctx context.Context, selected export.Selection, write func(export.Line) error) error {
	s.settleAudit(ctx)
	tx, err := s.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, p := range parts {
		if !selected.Has(p.what) {
			continue
		}
		if err := p.export(ctx, tx, selected, write); err != nil {
			return fmt.Errorf("exporting %s: %w", p.what, err)
		}
	}
	return nil
}

func (p part) export(ctx context.Context, q sqldb.Querier, selected export.Selection, write func(export.Line) error) error {
	query, args := p.sql(selected)
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		line, err := p.read(rows)
		if err != nil {
			return err
		}
		if err := write(line); err != nil {
			return err
		}
	}
	return rows.Err()
}

func at(ms int64) *export.Time { return export.At(fromMillis(ms)) }

func readEvent(rows *sql.Rows) (export.Line, error) {
	e := &export.Event{Kind: "event"}
	var statusAt, received, provider, seen, emptied int64
	var headers, body sql.RawBytes
	err := rows.Scan(&e.ID, &e.Source, &e.Key, &e.WeakKey, &e.Status, &statusAt, &e.Note, &received, &provider, &seen, &e.VerifiedBy, &e.Duplicates, &e.Replays,
		&e.Delivery, &e.Successor, &e.EditedFrom, &e.EditedBy, &emptied, &e.ContentType, &headers, &body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(headers, &e.Headers); err != nil {
		return nil, fmt.Errorf("reading headers of event %q: %w", e.ID, err)
	}
	e.StatusAt, e.ReceivedAt, e.ProviderAt, e.LastSeenAt, e.EmptiedAt = at(statusAt), at(received), at(provider), at(seen), at(emptied)
	e.Body, e.Encoding = export.Text(body)
	return e, nil
}

func readDelivery(rows *sql.Rows) (export.Line, error) {
	d := &export.Delivery{Kind: "delivery"}
	var received int64
	var body sql.RawBytes
	err := rows.Scan(&d.ID, &d.Source, &received, &body)
	d.ReceivedAt = at(received)
	d.Body, d.Encoding = export.Text(body)
	return d, err
}

func readRun(rows *sql.Rows) (export.Line, error) {
	r := &export.Run{Kind: "run"}
	var rank int
	var created, started, finished, startAt, emptied int64
	var metadata, prompt, answer []byte
	var url, route string
	u := &r.Usage
	err := rows.Scan(&r.ID, &r.Agent, &r.Owner, &r.Source, &r.Event, &r.Via, &r.Replay, &r.State, &r.Reason, &r.Dead, &r.Tainted, &r.Attempts, &rank, &r.Subject,
		&u.Turns, &u.Calls, &u.PromptTokens, &u.CompletionTokens, &u.CachedTokens, &u.ReasoningTokens, &u.CostMicros, &u.Currency, &r.Worked,
		&created, &started, &finished, &startAt, &metadata, &url, &route, &r.Successor, &r.SuccessorOf, &r.EditedBy, &emptied, &prompt, &answer)
	if err != nil {
		return nil, err
	}
	r.Priority = (dispatch.High + dispatch.Priority(rank)).String()
	r.CreatedAt, r.StartedAt, r.FinishedAt, r.StartAt, r.EmptiedAt = at(created), at(started), at(finished), at(startAt), at(emptied)
	if len(metadata) > 0 {
		r.Metadata = export.JSON(metadata)
	}
	if r.Callback = route; url != "" {
		r.Callback = export.Host(url)
	}
	r.Prompt, r.PromptAs = export.Text(prompt)
	r.Answer, r.AnswerAs = export.Text(answer)
	return r, nil
}

func readEntry(rows *sql.Rows) (export.Line, error) {
	e := &export.Entry{Kind: "entry"}
	var when int64
	var data []byte
	err := rows.Scan(&e.Run, &e.Seq, &e.Entry, &when, &data)
	e.At, e.Data = at(when), export.JSON(data)
	return e, err
}

func readCallback(rows *sql.Rows) (export.Line, error) {
	c := &export.Callback{Kind: "callback"}
	var created, last int64
	var body []byte
	err := rows.Scan(&c.ID, &c.Run, &c.Endpoint, &c.State, &c.Attempts, &c.LastStatus, &c.LastReason, &created, &last, &body)
	c.Endpoint, c.CreatedAt, c.LastAt = export.Host(c.Endpoint), at(created), at(last)
	c.Body, c.Encoding = export.Text(body)
	return c, err
}

func readAttempt(rows *sql.Rows) (export.Line, error) {
	a := &export.Attempt{Kind: "attempt"}
	var when, latency int64
	var excerpt []byte
	err := rows.Scan(&a.Callback, &a.N, &when, &a.Manual, &a.State, &a.Status, &a.Reason, &latency, &a.Remote, &excerpt)
	a.At, a.Latency = at(when), float64(latency)/1000
	a.Excerpt, a.Encoding = export.Text(excerpt)
	return a, err
}

func readCall(rows *sql.Rows) (export.Line, error) {
	var r audit.Record
	if err := rows.Scan(recordFields(&r)...); err != nil {
		return nil, err
	}
	c := &export.Call{Kind: "audit", ID: r.ID, At: at(r.At), Principal: r.Principal, Door: r.Door, Tool: r.Tool, Effect: r.Effect, Arguments: export.JSON([]byte(r.Arguments)),
		Decision: r.Decision, Rule: r.Rule, Outcome: r.Outcome, Duration: r.Micros, Run: r.Run, Key: r.Key, Tainted: r.Tainted, DryRun: r.DryRun,
		Approval: r.Approval, Policy: r.Policy, Prev: hex.EncodeToString(r.Prev), Hash: hex.EncodeToString(r.Hash)}
	var written bytes.Buffer // the encoder takes blanks out
	if json.Compact(&written, c.Arguments) != nil || written.String() != r.Arguments {
		c.Text = &r.Arguments
	}
	return c, nil
}

func readHead(rows *sql.Rows) (export.Line, error) {
	var h audit.Head
	err := rows.Scan(fieldsOfHead(&h)...)
	return &export.Head{JSON: json.RawMessage(h.Line())}, err
}

func readRejection(rows *sql.Rows) (export.Line, error) {
	r := &export.Rejection{Kind: "rejection"}
	var when int64
	var names, excerpt []byte
	err := rows.Scan(&when, &r.Source, &r.Remote, &r.Status, &r.Reason, &names, &excerpt)
	r.At, r.HeaderNames = at(when), export.JSON(names)
	r.Excerpt, r.Encoding = export.Text(excerpt)
	return r, err
}
