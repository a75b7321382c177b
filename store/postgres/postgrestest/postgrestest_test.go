package postgrestest_test

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"drawbridge/store/postgres/postgrestest"
)

func query(t *testing.T, url, text string) string {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var got string
	if err := db.QueryRowContext(t.Context(), text).Scan(&got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return got
}

// fill makes table a with a row.
func fill(ctx context.Context, url, b string) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, `CREATE TABLE a (b TEXT)`); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO a VALUES ($1)`, b)
	return err
}

func TestDatabasesAreTheTestsOwnAndDurable(t *testing.T) {
	build := func(ctx context.Context, url string) error {
		return fill(ctx, url, "built")
	}
	one := postgrestest.Copy(t, "a", build)
	two := postgrestest.Copy(t, "a", func(ctx context.Context, url string) error {
		if os.Getenv(postgrestest.Env) == "" {
			t.Error("it was built twice")
		}
		return build(ctx, url)
	})
	query(t, one, `UPDATE a SET b = 'changed' RETURNING b`)
	if got := query(t, two, `SELECT b FROM a`); got != "built" {
		t.Errorf("the other test's database has %q", got)
	}
	empty := postgrestest.Database(t)
	for setting, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "server_encoding": "UTF8"} {
		if got := query(t, empty, `SELECT current_setting('`+setting+`')`); got != want {
			t.Errorf("%s is %q, not %q", setting, got, want)
		}
	}
	if got := query(t, empty, `SELECT datcollate FROM pg_database WHERE datname = current_database()`); got != "C" {
		t.Errorf("texts are compared by %q", got)
	}
}

func TestServerOfATestIsKilledAndComesBackWithWhatWasCommitted(t *testing.T) {
	s := postgrestest.Start(t, postgrestest.Options{TCP: true, Settings: []string{"work_mem=5MB"}})
	url, err := s.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, url, `SELECT current_setting('work_mem')`); got != "5MB" {
		t.Errorf("work_mem is %q", got)
	}
	if err := fill(t.Context(), url, "kept"); err != nil {
		t.Fatal(err)
	}
	for _, act := range []func() error{s.Kill, s.Start, s.Restart} {
		if err := act(); err != nil {
			t.Fatal(err)
		}
	}
	if got := query(t, url, `SELECT b FROM a`); got != "kept" {
		t.Errorf("after being killed it has %q", got)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	db, _ := sql.Open("pgx", url)
	defer func() { _ = db.Close() }()
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a stopped server answered")
	}
}

// TestMain is also the process that dies without a word in
// TestServerEndsWithTheProcessThatStartedIt.
func TestMain(m *testing.M) {
	if os.Getenv("POSTGRESTEST_DIE") != "" {
		s, err := postgrestest.Launch(postgrestest.Options{})
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(s.Log())
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {}
	}
	os.Exit(m.Run())
}

func TestServerEndsWithTheProcessThatStartedIt(t *testing.T) {
	postgrestest.Start(t, postgrestest.Options{}).Close() // or there is none to be had
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "POSTGRESTEST_DIE=1")
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("the process was not killed")
	}
	folder := strings.TrimSuffix(string(out), "/log")
	if folder == "" {
		t.Fatalf("it said nothing: %v", err)
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for { // go test's own time limit is the bound
		if _, err := os.Stat(folder); os.IsNotExist(err) {
			return
		}
		<-look.C
	}
}
