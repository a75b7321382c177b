package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"drawbridge/store/postgres"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/store/state"
	crm "drawbridge/tools/crm/builtin"
	"drawbridge/tools/email/outbox"
	payment "drawbridge/tools/payment/builtin"
	"drawbridge/tools/sqldb"
)

var schemas = []sqldb.Schema{state.Schema, sqldb.Effects, crm.Schema, payment.Schema, outbox.Schema}

func open(t *testing.T, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// lines gives what a query of one column says, sorted.
func lines(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, plain(line))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

var (
	anyOf   = regexp.MustCompile(`= any \(array\[([^\]]*)\]\)`)
	noise   = regexp.MustCompile(`::text|::bigint| collate "c"|[()]`)
	comment = regexp.MustCompile(`--[^\n]*`)
	spaces  = regexp.MustCompile(`\s+`)
)

// plain takes the two engines' spellings of an expression to one.
func plain(text string) string {
	text = strings.ToLower(comment.ReplaceAllString(text, ""))
	text = anyOf.ReplaceAllString(strings.ReplaceAll(text, "using btree ", ""), "in ($1)")
	text = noise.ReplaceAllString(text, " ")
	return strings.TrimSpace(strings.ReplaceAll(spaces.ReplaceAllString(text, " "), " ,", ","))
}

// The catalogues of both engines in the same words: name by name what there is.
var catalogues = []struct{ what, sqlite, postgres string }{
	{
		"columns",
		`SELECT m.name || '.' || c.name || CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN ' not null' ELSE '' END || COALESCE(' default ' || c.dflt_value, '')
			|| CASE upper(c.type) WHEN 'BLOB' THEN ' bytes' WHEN 'TEXT' THEN ' text' ELSE ' number' END
			FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'schema%'`,
		`SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END || COALESCE(' default ' || column_default, '')
			|| CASE data_type WHEN 'bytea' THEN ' bytes' WHEN 'text' THEN ' text' WHEN 'bigint' THEN ' number' ELSE data_type END
			FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'schema%'`,
	},
	{
		"indexes",
		`SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`,
		`SELECT replace(indexdef, ' ON public.', ' ON ') FROM pg_indexes i JOIN pg_class c ON c.relname = i.indexname
			WHERE i.schemaname = 'public' AND i.tablename NOT LIKE 'schema%' AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid)`,
	},
	{
		"keys",
		`SELECT m.name || ' ' || (SELECT group_concat(k.name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) k) FROM sqlite_master m JOIN pragma_index_list(m.name) i
			WHERE m.type = 'table' AND i.origin IN ('u', 'pk') AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'schema%'
			UNION ALL SELECT m.name || ' ' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk = 1 AND upper(c.type) = 'INTEGER'
				AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'schema%' AND (SELECT COUNT(*) FROM pragma_table_info(m.name) x WHERE x.pk > 0) = 1`,
		`SELECT k.conrelid::regclass::text || ' ' || (SELECT string_agg(a.attname, ',' ORDER BY u.n) FROM unnest(k.conkey) WITH ORDINALITY u(num, n)
			JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num)
			FROM pg_constraint k WHERE k.contype IN ('p', 'u') AND k.connamespace = 'public'::regnamespace AND k.conrelid::regclass::text NOT LIKE 'schema%'`,
	},
	{
		"references",
		`SELECT m.name || '.' || f."from" || ' to ' || f."table" || '.' || f."to" || CASE f.on_delete WHEN 'CASCADE' THEN ' cascade' ELSE '' END
			FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`,
		`SELECT k.conrelid::regclass::text || '.' || a.attname || ' to ' || k.confrelid::regclass::text || '.' || b.attname || CASE k.confdeltype WHEN 'c' THEN ' cascade' ELSE '' END
			FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
			JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1] WHERE k.contype = 'f'`,
	},
}

func TestBothEnginesHaveTheSameTables(t *testing.T) {
	lite := open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "a.db"))
	lite.SetMaxOpenConns(1)
	for _, schema := range schemas {
		if err := sqldb.Migrate(t.Context(), lite, sqldb.SQLite, schema); err != nil {
			t.Fatal(err)
		}
		one, err := schema.Newest(sqldb.SQLite)
		if err != nil {
			t.Fatal(err)
		}
		if other, err := schema.Newest(sqldb.Postgres); err != nil || other != one {
			t.Errorf("%s: SQLite comes to version %d, PostgreSQL to %d (%v): a migration has a file of the same number in both folders", schema.Name, one, other, err)
		}
	}
	pg := open(t, "pgx", postgrestest.Database(t))
	if err := postgres.Migrate(t.Context(), pg, schemas...); err != nil {
		t.Fatal(err)
	}
	for _, c := range catalogues {
		want := lines(t, lite, c.sqlite)
		if len(want) < 10 {
			t.Errorf("SQLite names only %d %s", len(want), c.what)
		}
		if diff := cmp.Diff(want, lines(t, pg, c.postgres)); diff != "" {
			t.Errorf("%s (-sqlite +postgres):\n%s", c.what, diff)
		}
	}
	// Texts are compared by bytes, as in SQLite, and not by what the server was set up with.
	if got := lines(t, pg, `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text'
		AND table_name NOT LIKE 'schema%' AND COALESCE(collation_name, '') <> 'C'`); len(got) > 0 {
		t.Errorf(`no COLLATE "C": %v`, got)
	}
}

func TestNodesThatStartTogetherMigrateOnce(t *testing.T) {
	url := postgrestest.Database(t)
	const nodes = 4
	var wg sync.WaitGroup
	problems := make(chan error, nodes)
	for range nodes {
		wg.Go(func() {
			db, err := sql.Open("pgx", url)
			if err == nil {
				err = postgres.Migrate(context.Background(), db, schemas...)
				_ = db.Close()
			}
			problems <- err
		})
	}
	wg.Wait()
	for range nodes {
		if err := <-problems; err != nil {
			t.Error(err)
		}
	}
	pg := open(t, "pgx", url)
	for _, schema := range schemas {
		standings, err := sqldb.Stand(t.Context(), pg, sqldb.Postgres, schema)
		if err != nil || standings[0].At == 0 || len(standings[0].Pending) > 0 {
			t.Errorf("%s is behind: %+v %v", schema.Name, standings, err)
		}
		if got := lines(t, pg, fmt.Sprintf(`SELECT version_id::text FROM schema_%s GROUP BY version_id HAVING COUNT(*) > 1`, schema.Name)); len(got) > 0 {
			t.Errorf("%s: versions %v were applied twice", schema.Name, got)
		}
	}
	if left := lines(t, pg, `SELECT objid::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); len(left) > 0 {
		t.Errorf("locks %v are still held", left)
	}
}
