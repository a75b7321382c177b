package sqldb_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	_ "modernc.org/sqlite" // the driver

	"drawbridge/tools/sqldb"
)

// of makes a component of the given migrations, name by text.
func of(name string, files map[string]string) sqldb.Schema {
	folder := fstest.MapFS{}
	for file, text := range files {
		folder["migrations/"+file] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
	}
	return sqldb.Schema{Name: name, Files: folder}
}

func empty(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

var (
	stockOne   = map[string]string{"00001_stock.sql": "CREATE TABLE stock (id TEXT, color TEXT);"}
	stockThree = map[string]string{
		"00001_stock.sql":     stockOne["00001_stock.sql"],
		"00002_colour.sql":    "ALTER TABLE stock ADD COLUMN colour TEXT;",
		"00003_old_color.sql": "-- contract of 2: nobody has read stock.color since\nALTER TABLE stock DROP COLUMN color;",
	}
)

func TestPlanNamesWhatIsPendingAndWhoMayGoOn(t *testing.T) {
	db, newest := empty(t), of("stock", stockThree)
	for _, step := range []struct {
		at      sqldb.Schema // brought to this first
		pending string
		beside  bool
	}{
		{sqldb.Schema{}, "1 stock, 2 colour, 3 old_color (2)", false},
		{of("stock", stockOne), "2 colour, 3 old_color (2)", false},
		{of("stock", map[string]string{"00001_stock.sql": stockOne["00001_stock.sql"], "00002_colour.sql": stockThree["00002_colour.sql"]}), "3 old_color (2)", true},
		{newest, "", true},
	} {
		if step.at.Name != "" {
			if err := sqldb.Migrate(t.Context(), db, sqldb.SQLite, step.at); err != nil {
				t.Fatal(err)
			}
		}
		got, err := sqldb.Stand(t.Context(), db, sqldb.SQLite, newest)
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if pending := pendingOf(got[0]); pending != step.pending || got[0].Newest != 3 || got[0].Beside() != step.beside {
			t.Errorf("at %d of %d: pending %q, beside %v; want %q, %v", got[0].At, got[0].Newest, pending, got[0].Beside(), step.pending, step.beside)
		}
	}
}

func pendingOf(s sqldb.Standing) string {
	var names []string
	for _, step := range s.Pending {
		name := strings.TrimLeft(string(rune('0'+step.Version)), "0") + " " + step.Name
		if step.Contract > 0 {
			name += " (" + string(rune('0'+step.Contract)) + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func TestNothingIsMigratedIfOneComponentIsNewer(t *testing.T) {
	db := empty(t)
	if err := sqldb.Migrate(t.Context(), db, sqldb.SQLite, of("stock", stockThree)); err != nil {
		t.Fatal(err)
	}
	other := of("orders", map[string]string{"00001_orders.sql": "CREATE TABLE orders (id TEXT);"})
	err := sqldb.Migrate(t.Context(), db, sqldb.SQLite, other, of("stock", stockOne))
	var newer *sqldb.NewerError
	if !errors.As(err, &newer) || newer.Component != "stock" || newer.At != 3 || newer.Newest != 1 {
		t.Fatalf("got %v, want a NewerError of stock", err)
	}
	if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM orders`).Scan(new(int)); err == nil {
		t.Error("orders were made all the same")
	}
}

func TestFileWithoutAnUpOrOutsideOfATransactionIsRefused(t *testing.T) {
	for _, text := range []string{
		"CREATE TABLE stock (id TEXT);",
		"-- +goose Down\nDROP TABLE stock;",
		"-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE stock (id TEXT);",
	} {
		schema := sqldb.Schema{Name: "stock", Files: fstest.MapFS{"migrations/00001_stock.sql": {Data: []byte(text)}}}
		if err := sqldb.Migrate(t.Context(), empty(t), sqldb.SQLite, schema); err == nil || !strings.Contains(err.Error(), "00001_stock.sql") {
			t.Errorf("%q: got %v, want an error that names the file", text, err)
		}
	}
}

func TestFileThatFailsIsUndoneAndNamed(t *testing.T) {
	db := empty(t)
	err := sqldb.Migrate(t.Context(), db, sqldb.SQLite, of("stock", map[string]string{"00001_stock.sql": "CREATE TABLE stock (id TEXT);\nCREATE NONSENSE;"}))
	if err == nil || !strings.Contains(err.Error(), "00001_stock.sql") {
		t.Errorf("got %v, want an error that names the file", err)
	}
	if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM stock`).Scan(new(int)); err == nil {
		t.Error("half of the file was kept")
	}
}

func TestPlanRefusesAMarkOfNoEarlierVersion(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"its own version": {"00002_x.sql": "-- contract of 2: no\nSELECT 1;"},
		"no number":       {"x.sql": "SELECT 1;"},
		"nothing":         {},
	} {
		if _, err := sqldb.Stand(t.Context(), empty(t), sqldb.SQLite, of("stock", files)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
