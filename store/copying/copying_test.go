package copying_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/store/copying"
	"drawbridge/tools/sqldb"
)

// animal is a row of the zoo, as it is put in.
type animal struct {
	id, parent, keeper, weight, tame, photo, note any
}

var allBytes = func() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}()

// animals have every value that a column can have in both engines. One comes before the
// one that it refers to.
var animals = []animal{
	{"b", nil, "ada", int64(math.MaxInt64), int64(1), allBytes, "ä, 🦊, \ufffd and \"quoted\", 'so'\nin \\two\t lines"},
	{"a", "b", "ada", int64(math.MinInt64), int64(0), []byte{}, ""},
	{"c", "c", nil, nil, nil, nil, nil},
	{"", "a", "", int64(0), int64(1), []byte("text"), strings.Repeat("long ", 100_000)},
	{"Z", "", nil, int64(-1), nil, []byte{0}, `\N`},
}

func fillZoo(t *testing.T, e engine, place string) {
	t.Helper()
	e.with(t, place, func(db *sql.DB) {
		places := "?, ?, ?, ?, ?, ?, ?"
		if e.dialect == sqldb.Postgres {
			places = "$1, $2, $3, $4, $5, $6, $7"
		}
		exec(t, db, `INSERT INTO keepers VALUES ('ada'), (''), ('bob')`)
		for _, a := range animals { // those that come too early are bound afterwards
			exec(t, db, `INSERT INTO animals (id, parent, keeper, weight, tame, photo, note) VALUES (`+places+`)`, a.id, nil, a.keeper, a.weight, a.tame, a.photo, a.note)
		}
		exec(t, db, `UPDATE animals SET parent = CASE id WHEN 'a' THEN 'b' WHEN 'c' THEN 'c' WHEN '' THEN 'a' WHEN 'Z' THEN '' END`)
		exec(t, db, `INSERT INTO visits (id, animal) VALUES (1, 'a'), (7, 'b')`)
		exec(t, db, `UPDATE prices SET cents = 1500 WHERE ticket = 'day'`)
	})
}

// zooIn reads what a store has, without the package under test.
func zooIn(t *testing.T, e engine, place string) (all []string) {
	t.Helper()
	e.with(t, place, func(db *sql.DB) {
		for _, query := range []string{`SELECT id, parent, keeper, weight, tame, photo, note FROM animals ORDER BY id`, `SELECT name FROM keepers ORDER BY name`,
			`SELECT id, animal FROM visits ORDER BY id`, `SELECT ticket, cents FROM prices ORDER BY ticket`} {
			all = append(all, rowsOf(t, db, query)...)
		}
	})
	return all
}

func rowsOf(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			switch v := v.(type) {
			case bool: // what SQLite's driver makes of a BOOLEAN
				values[i] = map[bool]int64{true: 1}[v]
			case []byte:
				values[i] = fmt.Sprintf("%x", v)
			}
		}
		all = append(all, fmt.Sprintf("%#v", values))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// The tables come from the schema: the zoo's, of which the copying knows nothing, arrive
// with every value that they hold, and what a migration put there is replaced.
func TestNewTableIsCopiedThoughNobodyNamedIt(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to engine) {
		source, target := from.made(t), to.place(t)
		fillZoo(t, from, source)
		want := zooIn(t, from, source)
		results, err := carry(t, from, to, source, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, zooIn(t, to, target)); diff != "" || len(want) != len(animals)+3+2+2 {
			t.Errorf("(-from +to):\n%.3000s", diff)
		}
		named := map[string]int64{}
		for _, r := range results {
			named[r.Table] = r.From.Rows
		}
		for table, rows := range map[string]int64{"animals": 5, "keepers": 3, "visits": 2, "prices": 2, "runs": 0, "journal": 0, "tool_effects": 0, "arrivals": 1} {
			if got, there := named[table]; !there || got != rows {
				t.Errorf("%s: %d rows (there: %v), want %d", table, got, there, rows)
			}
		}
		if diff := cmp.Diff(want, zooIn(t, from, source)); diff != "" {
			t.Errorf("the source was changed:\n%.3000s", diff)
		}
		if again, err := carry(t, from, to, source, target, nil); err == nil || !strings.Contains(err.Error(), "the target is not empty: it has rows in animals (5), keepers (3), prices (2), visits (2)") {
			t.Errorf("into a target that is full: %v, %v", again, err)
		}
	})
}

// A number that is counted up goes on behind those that were copied.
func TestNumbersGoOnBehindTheHighest(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to engine) {
		source, target := from.made(t), to.place(t)
		fillZoo(t, from, source)
		if _, err := carry(t, from, to, source, target, nil); err != nil {
			t.Fatal(err)
		}
		to.with(t, target, func(db *sql.DB) {
			exec(t, db, `INSERT INTO visits (animal) VALUES ('c')`)
			if got := rowsOf(t, db, `SELECT id FROM visits WHERE animal = 'c'`); len(got) != 1 || got[0] != "[]interface {}{8}" {
				t.Errorf("the next visit has the number %v, want 8", got)
			}
		})
	})
}

// A target that was made, and never used, is as good as none.
func TestTargetThatWasOnlyMadeIsEmpty(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to engine) {
		source, target := from.made(t), to.made(t)
		fillZoo(t, from, source)
		if _, err := carry(t, from, to, source, target, nil); err != nil {
			t.Fatal(err)
		}
		if got := zooIn(t, to, target); len(got) != 12 {
			t.Errorf("the target has %d rows", len(got))
		}
	})
}

// spoiler is a target that does something wrong with one table.
type spoiler struct {
	copying.Target
	after func(ctx context.Context, to copying.Target) error
}

func (s spoiler) Insert(ctx context.Context, t copying.Table, rows *copying.Rows) error {
	err := s.Target.Insert(ctx, t, rows)
	if err == nil && t.Name == "visits" {
		err = s.after(ctx, s.Target)
	}
	return err
}

// What does not arrive as it was is found, whatever it is, and nothing is kept.
func TestDifferenceIsFoundAndNothingIsKept(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to engine) {
		for name, wrong := range map[string]struct{ statement, table string }{
			"a row less":        {`DELETE FROM visits WHERE id = 7`, "visits"},
			"a row more":        {`INSERT INTO visits (id, animal) VALUES (8, 'a')`, "visits"},
			"another number":    {`UPDATE animals SET weight = weight - 1 WHERE id = 'b'`, "animals"},
			"another reference": {`UPDATE visits SET animal = 'c' WHERE id = 7`, "visits"},
			"nothing for none":  {`UPDATE animals SET note = '' WHERE id = 'c'`, "animals"},
			"none for nothing":  {`UPDATE animals SET photo = NULL WHERE id = 'a'`, "animals"},
			"one byte":          {`UPDATE animals SET note = replace(note, 'lines', 'Lines') WHERE id = 'b'`, "animals"},
			"two swapped":       {`UPDATE visits SET animal = CASE animal WHEN 'a' THEN 'b' ELSE 'a' END`, "visits"},
		} {
			source, target := from.made(t), to.place(t)
			fillZoo(t, from, source)
			spoil := func(target copying.Target) copying.Target {
				return spoiler{target, func(ctx context.Context, target copying.Target) error {
					rows, err := target.Querier().QueryContext(ctx, wrong.statement)
					if err != nil {
						return err
					}
					rows.Next()
					return errors.Join(rows.Err(), rows.Close())
				}}
			}
			results, err := carry(t, from, to, source, target, spoil)
			var different *copying.DifferentError
			if !errors.As(err, &different) || len(different.Tables) != 1 || different.Tables[0] != wrong.table {
				t.Fatalf("%s: got %v, want a difference in %s", name, err, wrong.table)
			}
			for _, r := range results {
				if r.Same() == (r.Table == wrong.table) {
					t.Errorf("%s: %s is the same: %v", name, r.Table, r.Same())
				}
			}
			if name != "a row less" {
				continue // once is enough
			}
			if _, err := carry(t, from, to, source, target, nil); err != nil {
				t.Errorf("copying again: %v", err)
			}
		}
	})
}

func TestInterruptedCopyLeavesNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to engine) {
		source, target := from.made(t), to.place(t)
		fillZoo(t, from, source)
		broken := errors.New("broken")
		_, err := carry(t, from, to, source, target, func(target copying.Target) copying.Target {
			return spoiler{target, func(context.Context, copying.Target) error { return broken }}
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		if _, err := carry(t, from, to, source, target, nil); err != nil {
			t.Errorf("copying again: %v", err)
		}
	})
}

func TestStoresOfDifferentTablesAreNotCopied(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to engine) {
		for statement, want := range map[string]string{
			`CREATE TABLE keys (name TEXT)`:            "only the source has the table keys",
			`DROP TABLE visits`:                        "only the target has the table visits",
			`ALTER TABLE keepers ADD COLUMN born TEXT`: "the columns of keepers are not the same",
			`CREATE TABLE clocks (at REAL)`:            "column clocks.at is of type \"", // of no kind that both know
		} {
			source, target := from.made(t), to.place(t)
			from.with(t, source, func(db *sql.DB) { exec(t, db, statement) })
			if _, err := carry(t, from, to, source, target, nil); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", statement, err, want)
			}
		}
	})
}

// SQLite puts into a column whatever it is given.
func TestValueOfNoKindIsRefusedByName(t *testing.T) {
	from := engines[0]
	source := from.made(t)
	from.with(t, source, func(db *sql.DB) { exec(t, db, `INSERT INTO animals (id, weight) VALUES ('heavy', 1.5)`) })
	if _, err := carry(t, from, from, source, from.place(t), nil); err == nil || !strings.Contains(err.Error(), "reading animals: column weight: a float64 where a number belongs") {
		t.Errorf("got %v", err)
	}
}
