package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

func TestReadersKeepTheirStatementsAndNoMoreThanABound(t *testing.T) {
	db, err := OpenDB(t.Context(), filepath.Join(t.TempDir(), "d.db"), state.Owned)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i := range mostPrepared + 10 {
		for range 2 {
			var got int
			if err := db.Read().QueryRowContext(t.Context(), fmt.Sprintf("SELECT %d + ?", i), 1).Scan(&got); err != nil || got != i+1 {
				t.Fatalf("got %d, %v", got, err)
			}
		}
	}
	if n := len(db.reads.prepared); n != mostPrepared {
		t.Errorf("%d statements are kept, want %d", n, mostPrepared)
	}
	if _, err := db.Read().QueryContext(t.Context(), "SELECT nonsense"); err == nil {
		t.Error("nonsense was read")
	}
}

func TestLimitsMeanTheSame(t *testing.T) {
	db, err := OpenDB(t.Context(), filepath.Join(t.TempDir(), "d.db"), state.Owned)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const rows = `SELECT value FROM json_each('[1,2,3]') ORDER BY value LIMIT ?2 OFFSET ?1`
	count := func(q sqldb.Querier, skip, most int) (n int) {
		found, err := q.QueryContext(t.Context(), rows, skip, most)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = found.Close() }()
		for found.Next() {
			n++
		}
		return n
	}
	for _, c := range []struct{ skip, most, want int }{{0, 2, 2}, {2, 2, 1}, {0, -1, 3}, {0, 0, 0}} {
		if got := count(db.Read(), c.skip, c.most); got != c.want {
			t.Errorf("reading %+v gave %d rows", c, got)
		}
		if err := db.Write(t.Context(), func(tx sqldb.Tx) error {
			if got := count(tx, c.skip, c.most); got != c.want {
				t.Errorf("%+v in a write gave %d rows", c, got)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPatternsMeanTheSame(t *testing.T) {
	db, err := OpenDB(t.Context(), filepath.Join(t.TempDir(), "d.db"), state.Owned)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const rows = `SELECT COUNT(*) FROM json_each('["mug","MUG","m%g","jar",null]') WHERE value LIKE ? ESCAPE '\'`
	for _, c := range []struct {
		pattern any
		want    int
	}{{"mug", 2}, {"m%", 3}, {`m\%g`, 1}, {"%", 4}, {"", 0}, {nil, 0}} {
		var got int
		if err := db.Read().QueryRowContext(t.Context(), rows, c.pattern).Scan(&got); err != nil || got != c.want {
			t.Errorf("%v fits %d, %v; want %d", c.pattern, got, err, c.want)
		}
	}
}

// What a statement with a pattern costs once it is compiled.
func BenchmarkSearching(b *testing.B) {
	db, err := OpenDB(b.Context(), filepath.Join(b.TempDir(), "d.db"), state.Owned)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var n int
	for b.Loop() {
		if err := db.Read().QueryRowContext(b.Context(), `SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE ? ESCAPE '\'`, "x%").Scan(&n); err != nil {
			b.Fatal(err)
		}
	}
}

// What a statement costs once it is compiled: to compile one anew is some 50 us.
func BenchmarkClaimingNothing(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "d.db"), state.Owned, state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for b.Loop() {
		if _, err := s.ClaimRuns(b.Context(), 1, time.Second); err != nil {
			b.Fatal(err)
		}
	}
}
