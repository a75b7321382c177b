package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/server/audit"
	"drawbridge/server/guard"
	"drawbridge/server/retention"
	"drawbridge/tools"
	"drawbridge/tools/sqldb"
)

// chained is what a store has for its audit, and what somebody has who can write to its
// database.
type chained interface {
	audit.Book
	WholeAudit(ctx context.Context, read func(audit.Source) error) error
	SearchAudit(ctx context.Context, f audit.Filter, limit int) ([]audit.Record, error)
	Write(ctx context.Context, fn func(tx sqldb.Tx) error) error
}

func chainOf(h Harness) chained { return h.Store().(chained) }

func tamper(t rapid.TB, h Harness, statement string, args ...any) {
	t.Helper()
	err := chainOf(h).Write(context.Background(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(context.Background(), statement, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// settle has all rows chained, and a head made.
func settle(t rapid.TB, h Harness) {
	t.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = chainOf(h).ChainAudit(context.Background(), 5); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := chainOf(h).HeadAudit(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func verify(t rapid.TB, h Harness, more ...audit.Head) (report audit.Report) {
	t.Helper()
	err := chainOf(h).WholeAudit(context.Background(), func(from audit.Source) (err error) {
		report, err = audit.Verify(context.Background(), from, nil, more)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func recordsOf(t rapid.TB, h Harness) (all []audit.Record) {
	t.Helper()
	err := chainOf(h).WholeAudit(context.Background(), func(from audit.Source) error {
		return from.Rows(context.Background(), func(r *audit.Record) error {
			all = append(all, *r)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// anyRow draws a row; texts are of any kind, those that some engine does not keep too.
func anyRow(t *rapid.T, h Harness) guard.Row {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "crm_get_customer", "a\x00b", "\xff", "%_*", "key:desk"}))
	return guard.Row{At: h.Now().Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "at")) * time.Millisecond), Principal: text.Draw(t, "principal"), Door: text.Draw(t, "door"),
		Tool: text.Draw(t, "tool"), Effect: rapid.SampledFrom([]tools.Effect{"", tools.Read, tools.Money}).Draw(t, "effect"), Arguments: []byte(text.Draw(t, "arguments")),
		Decision: rapid.SampledFrom([]guard.Decision{guard.Allowed, guard.Refused, guard.Repeated}).Draw(t, "decision"), Rule: text.Draw(t, "rule"), Outcome: text.Draw(t, "outcome"),
		Duration: time.Duration(rapid.IntRange(0, 9999).Draw(t, "micros")) * time.Microsecond, Run: text.Draw(t, "run"), Key: text.Draw(t, "key"),
		Tainted: rapid.Bool().Draw(t, "tainted"), DryRun: rapid.Bool().Draw(t, "dry"), Approval: text.Draw(t, "approval"), Policy: text.Draw(t, "policy")}
}

// columns of a row, with a value that none of anyRow's has.
var columns = map[string]any{"at": 7, "principal": "x'", "door": "x'", "tool": "x'", "effect": "x'", "arguments": "x'", "decision": "x'", "rule": "x'", "outcome": "x'",
	"duration_us": 12345, "run": "x'", "idempotency_key": "x'", "tainted": 2, "dry_run": 2, "approval": "x'", "policy": "x'", "prev": []byte("p"), "hash": []byte("h")}

// tamperingIsFound: whatever somebody does to some row of some table, it is named.
func tamperingIsFound(t *testing.T, h Harness) {
	names := make([]string, 0, len(columns))
	for name := range columns {
		names = append(names, name)
	}
	slices.Sort(names)
	rapid.Check(t, func(rt *rapid.T) {
		tamper(rt, h, `DELETE FROM audit`)
		tamper(rt, h, `DELETE FROM audit_heads`)
		n := rapid.IntRange(2, 9).Draw(rt, "rows")
		for range n {
			if err := h.Store().Record(context.Background(), anyRow(rt, h), nil); err != nil {
				rt.Fatal(err)
			}
		}
		settle(rt, h)
		if r := verify(rt, h); r.Break != nil || r.Rows != int64(n) || r.Heads != 1 || r.Behind != 0 {
			rt.Fatalf("before anybody did anything: %+v %+v", r, r.Break)
		}
		rows := recordsOf(rt, h)
		one := rows[rapid.IntRange(0, n-1).Draw(rt, "one")]
		other := rows[(int(one.ID-rows[0].ID)+rapid.IntRange(1, n-1).Draw(rt, "other"))%n]
		first, second := min(one.ID, other.ID), max(one.ID, other.ID)
		var at []int64 // where it may be noticed
		var fault audit.Fault
		switch how := rapid.SampledFrom([]string{"column", "number", "lost hash", "drop", "drop tail", "swap", "copy", "rewrite"}).Draw(rt, "how"); how {
		case "column":
			name := rapid.SampledFrom(names).Draw(rt, "column")
			tamper(rt, h, `UPDATE audit SET `+name+` = ? WHERE id = ?`, columns[name], one.ID)
			at, fault = []int64{one.ID}, audit.Changed
		case "number":
			tamper(rt, h, `UPDATE audit SET id = ? WHERE id = ?`, rows[n-1].ID+1000, one.ID)
			at = []int64{one.ID + 1, rows[n-1].ID + 1000}
		case "lost hash":
			tamper(rt, h, `UPDATE audit SET hash = NULL WHERE id = ?`, one.ID)
			at, fault = []int64{one.ID}, audit.Changed
		case "drop":
			tamper(rt, h, `DELETE FROM audit WHERE id = ?`, one.ID)
			at, fault = []int64{one.ID + 1}, audit.Missing
			if one.ID == rows[n-1].ID {
				at, fault = []int64{one.ID - 1}, audit.Truncated
			}
		case "drop tail":
			tamper(rt, h, `DELETE FROM audit WHERE id >= ?`, second)
			at, fault = []int64{second - 1}, audit.Truncated
		case "swap":
			swap(rt, h, first, second)
			at, fault = []int64{first}, audit.Reordered
		case "copy":
			tamper(rt, h, `INSERT INTO audit (id, `+restOf+`) SELECT id + 1000, `+restOf+` FROM audit WHERE id = ?`, one.ID)
			at, fault = []int64{one.ID + 1000}, audit.Inserted
		case "rewrite":
			rewrite(rt, h, rows, one.ID)
			at, fault = []int64{rows[n-1].ID}, audit.Rewritten
		}
		b := verify(rt, h).Break
		if b == nil || !slices.Contains(at, b.Row) || fault != "" && b.Fault != fault {
			rt.Fatalf("%d rows from %d, did it to %d and %d: found %+v, want %s at one of %v", n, rows[0].ID, one.ID, other.ID, b, fault, at)
		}
	})
}

// restOf are all columns but the number.
const restOf = `at, principal, door, tool, effect, arguments, decision, rule, outcome, duration_us, run, idempotency_key, tainted, dry_run, approval, policy, prev, hash`

func swap(t rapid.TB, h Harness, one, other int64) {
	t.Helper()
	tamper(t, h, `UPDATE audit SET id = -1 WHERE id = ?`, one)
	tamper(t, h, `UPDATE audit SET id = ? WHERE id = ?`, one, other)
	tamper(t, h, `UPDATE audit SET id = ? WHERE id = -1`, other)
}

// rewrite changes a row and makes it and all behind it anew, as who knows how may.
func rewrite(t rapid.TB, h Harness, rows []audit.Record, from int64) {
	t.Helper()
	prev := audit.Genesis
	for i := range rows {
		if r := &rows[i]; r.ID >= from {
			r.Principal = "somebody else'"
			r.Chain(prev)
			tamper(t, h, `UPDATE audit SET principal = ?, prev = ?, hash = ? WHERE id = ?`, r.Principal, r.Prev, r.Hash, r.ID)
		}
		prev = rows[i].Hash
	}
}

// eachColumnIsHeld: none is left out of the hash, of the columns that there are.
func eachColumnIsHeld(t *testing.T, h Harness) {
	for n := range 3 {
		record(t, h, n)
	}
	settle(t, h)
	rows := recordsOf(t, h)
	for name, value := range columns {
		for _, r := range rows {
			var was any
			err := chainOf(h).Write(t.Context(), func(tx sqldb.Tx) error {
				if err := tx.QueryRowContext(t.Context(), `SELECT `+name+` FROM audit WHERE id = ?`, r.ID).Scan(&was); err != nil {
					return err
				}
				_, err := tx.ExecContext(t.Context(), `UPDATE audit SET `+name+` = ? WHERE id = ?`, value, r.ID)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if b := verify(t, h).Break; b == nil || b.Row != r.ID || b.Fault != audit.Changed {
				t.Errorf("%s of row %d was changed: found %+v", name, r.ID, b)
			}
			tamper(t, h, `UPDATE audit SET `+name+` = ? WHERE id = ?`, was, r.ID)
		}
	}
	if r := verify(t, h); r.Break != nil {
		t.Errorf("put back, and still broken: %+v", r.Break)
	}
	if len(columns) != strings.Count(restOf, ",")+1 {
		t.Errorf("%d columns are tried of %q", len(columns), restOf)
	}
}

// headsOutliveTheDatabase: one that was kept elsewhere convicts who rewrote rows and heads.
func headsOutliveTheDatabase(t *testing.T, h Harness) {
	for n := range 4 {
		record(t, h, n)
	}
	settle(t, h)
	var kept []audit.Head
	if err := chainOf(h).WholeAudit(t.Context(), func(from audit.Source) (err error) {
		kept, err = from.Heads(t.Context())
		return err
	}); err != nil || len(kept) != 1 {
		t.Fatalf("heads %+v (%v)", kept, err)
	}
	rows := recordsOf(t, h)
	rewrite(t, h, rows, rows[1].ID)
	tamper(t, h, `DELETE FROM audit_heads`)
	settle(t, h)
	if b := verify(t, h).Break; b != nil {
		t.Fatalf("what is consistent in itself was found broken: %+v", b)
	}
	if b := verify(t, h, kept...).Break; b == nil || b.Fault != audit.Rewritten || b.Row != rows[3].ID {
		t.Errorf("with the head that was kept: %+v", b)
	}
}

// noHeadTakesThePlaceOfOneThatDoesNotHold: the keeper tells, and leaves the proof.
func noHeadTakesThePlaceOfOneThatDoesNotHold(t *testing.T, h Harness) {
	for n := range 4 {
		record(t, h, n)
	}
	settle(t, h)
	rows := recordsOf(t, h)
	tamper(t, h, `DELETE FROM audit WHERE id = ?`, rows[3].ID)
	for n := range 2 {
		record(t, h, 10+n)
		for chained := 1; chained > 0; {
			var err error
			if chained, err = chainOf(h).ChainAudit(t.Context(), 10); err != nil {
				t.Fatal(err)
			}
		}
		if head, err := chainOf(h).HeadAudit(t.Context()); err == nil {
			t.Errorf("made the head %+v over a row that is gone", head)
		}
	}
	if b := verify(t, h).Break; b == nil {
		t.Error("nothing was found")
	}
}

// chainSurvivesRetention: what is old goes, and what is left is proved to be all there is.
func chainSurvivesRetention(t *testing.T, h Harness) {
	for n := range 5 {
		record(t, h, n)
	}
	settle(t, h)
	h.Advance(10 * oneDay)
	for n := range 5 {
		record(t, h, 10+n)
	}
	steps(t, h, retention.Audit, retention.Due{Now: h.Now(), Before: h.Now().Add(-oneDay)}, 10)
	settle(t, h)
	rows := recordsOf(t, h)
	if r := verify(t, h); len(rows) != 5 || r.Break != nil || r.Rows != 5 {
		t.Fatalf("%d rows are left: %+v %+v", len(rows), r, r.Break)
	}
	for name, do := range map[string]func(){
		"the first that stays": func() { tamper(t, h, `DELETE FROM audit WHERE id = ?`, rows[0].ID) },
	} {
		if do(); verify(t, h).Break == nil {
			t.Errorf("%s was removed, and nothing found", name)
		}
	}
	// All may go; what comes after follows the last one that there was.
	other := h.Fresh(t)
	record(t, other, 1)
	other.Advance(10 * oneDay)
	steps(t, other, retention.Audit, retention.Due{Now: other.Now(), Before: other.Now().Add(-oneDay)}, 10)
	if r := verify(t, other); r.Break != nil || r.Rows != 0 {
		t.Fatalf("all were removed: %+v %+v", r, r.Break)
	}
	record(t, other, 2)
	settle(t, other)
	if r := verify(t, other); r.Break != nil || r.Rows != 1 || r.Behind != 0 {
		t.Errorf("and one came: %+v %+v", r, r.Break)
	}
}

// oldRowsAreChained: those from before there was a chain keep their numbers, and new ones
// that come meanwhile their turn.
func oldRowsAreChained(t *testing.T, h Harness) {
	const old = 12
	for n := range old {
		tamper(t, h, `INSERT INTO audit (id, at, principal, door, tool, effect, arguments, decision, rule, outcome, duration_us, run, idempotency_key)
			VALUES (?, 1, 'key:desk', 'http', 'look', 'read', '{}', 'allowed', '', 'ok', 1, '', ?)`, 10+2*n, fmt.Sprint(n))
	}
	record(t, h, 100)
	if r := verify(t, h); r.Break != nil || r.Pending != old+1 {
		t.Fatalf("before: %+v %+v", r, r.Break)
	}
	if n, err := chainOf(h).ChainAudit(t.Context(), 5); n != 5 || err != nil {
		t.Fatalf("a step chained %d (%v)", n, err)
	}
	if r := verify(t, h); r.Break != nil || r.Rows != 5 || r.Pending != old-4 {
		t.Fatalf("on the way: %+v %+v", r, r.Break)
	}
	record(t, h, 101)
	settle(t, h)
	r := verify(t, h)
	if r.Break != nil || r.Rows != old+2 || r.Pending != 0 || r.First != 10 {
		t.Fatalf("after: %+v %+v", r, r.Break)
	}
	var keys []string
	for _, row := range recordsOf(t, h)[old:] {
		keys = append(keys, row.Key)
	}
	if diff := cmp.Diff([]string{"key_100", "key_101"}, keys); diff != "" {
		t.Errorf("the new ones: %s", diff)
	}
}

// searchFinds: each condition by itself, the newest first.
func searchFinds(t *testing.T, h Harness) {
	base := guard.Row{At: h.Now(), Principal: "key:desk", Door: "http", Tool: "crm_get_customer", Effect: tools.Read, Arguments: []byte("{}"), Decision: guard.Allowed, Outcome: "ok"}
	vary := []func(*guard.Row){
		func(*guard.Row) {}, func(r *guard.Row) { r.Run = "run_1" }, func(r *guard.Row) { r.Tool = "crmXget" }, func(r *guard.Row) { r.Principal = "agent:desk" },
		func(r *guard.Row) { r.Decision = guard.Refused }, func(r *guard.Row) { r.Effect = tools.Money }, func(r *guard.Row) { r.Outcome = "denied" },
		func(r *guard.Row) { r.Tainted = true }, func(r *guard.Row) { r.DryRun = true }, func(r *guard.Row) { r.Approval = "apr_1" }, func(r *guard.Row) { r.At = h.Now().Add(time.Minute) },
		func(r *guard.Row) { r.Rule = guard.CacheRule + "3s old" }, func(r *guard.Row) { r.Rule, r.Decision = guard.CacheRule+"no", guard.Repeated },
	}
	for i, change := range vary {
		row := base
		row.Key = fmt.Sprint(i)
		change(&row)
		if err := h.Store().Record(t.Context(), row, nil); err != nil {
			t.Fatal(err)
		}
	}
	all := "12 11 10 9 8 7 6 5 4 3 2 1 0"
	for name, c := range map[string]struct {
		f    audit.Filter
		want string
	}{
		"all": {audit.Filter{}, all}, "run": {audit.Filter{Run: "run_1"}, "1"}, "tool": {audit.Filter{Tool: "crmXget"}, "2"}, "tools": {audit.Filter{Tool: "crm_*"}, strings.Replace(all, " 2", "", 1)},
		"principal": {audit.Filter{Principal: "agent:desk"}, "3"}, "principals": {audit.Filter{Principal: "agent:*"}, "3"}, "decision": {audit.Filter{Decision: "refused"}, "4"},
		"effect": {audit.Filter{Effect: "money"}, "5"}, "outcome": {audit.Filter{Outcome: "denied"}, "6"}, "tainted": {audit.Filter{Tainted: true}, "7"}, "dry run": {audit.Filter{DryRun: true}, "8"},
		"cached":   {audit.Filter{Cached: true}, "11"},
		"approval": {audit.Filter{Approval: "apr_1"}, "9"}, "since": {audit.Filter{Since: h.Now().Add(time.Second)}, "10"}, "until": {audit.Filter{Until: h.Now().Add(time.Second)}, strings.Replace(all, " 10", "", 1)},
		"two": {audit.Filter{Effect: "money", Tainted: true}, ""},
	} {
		found, err := chainOf(h).SearchAudit(t.Context(), c.f, 20)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, r := range found {
			keys = append(keys, r.Key)
		}
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
	if found, err := chainOf(h).SearchAudit(t.Context(), audit.Filter{}, 2); err != nil || len(found) != 2 {
		t.Errorf("found %d rows (%v), want 2", len(found), err)
	}
}
