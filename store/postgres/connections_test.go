package postgres_test

import (
	"net/url"
	"strings"
	"testing"

	"drawbridge/store/postgres"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// A node that could not have its connections does not start, for whatever reason it may
// not: commands need fewer.
func TestServerWithTooFewConnectionsIsRefused(t *testing.T) {
	server := postgrestest.Start(t, postgrestest.Options{Memory: true, Settings: []string{"max_connections=27"}})
	address, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Trim(u.Path, "/")
	db, err := postgres.OpenDB(t.Context(), server.URL("postgres"), state.Beside)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	exec := func(statement string) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE ROLE app LOGIN`)
	exec(`ALTER DATABASE ` + name + ` OWNER TO app`)
	u.User = url.User("app")
	for _, c := range []struct{ before, want string }{
		{"", ""}, // 27 without the three of the superuser
		{`ALTER ROLE app CONNECTION LIMIT 23`, "allows 23 connections"},
		{`ALTER ROLE app CONNECTION LIMIT 24`, ""},
		{`ALTER DATABASE ` + name + ` CONNECTION LIMIT 9`, "allows 9 connections"},
	} {
		if c.before != "" {
			exec(c.before)
		}
		for mode, want := range map[state.Mode]string{state.Owned: c.want, state.Beside: ""} {
			node, err := postgres.OpenDB(t.Context(), u.String(), mode)
			if err == nil {
				_ = node.Close()
			}
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("after %q, mode %v: %v, want %q", c.before, mode, err, want)
			}
		}
	}

}

// A URL of several servers, of which the one is meant that can be written to, is as good
// for those who only read.
func TestServerIsFoundThatCanBeWrittenTo(t *testing.T) {
	address := migrated(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("target_session_attrs", "read-write")
	u.RawQuery = q.Encode()
	for _, mode := range []state.Mode{state.Owned, state.Beside, state.ReadOnly} {
		s, err := postgres.Open(t.Context(), u.String(), mode, state.Options{})
		if err != nil {
			t.Errorf("mode %v: %v", mode, err)
			continue
		}
		_ = s.Close()
	}
}
