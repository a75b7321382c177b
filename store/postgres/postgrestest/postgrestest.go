// Package postgrestest gives tests a real PostgreSQL.
//
// The server is started when the first test asks, from the programs found in PATH or
// where Debian has them: files and socket in a temporary folder, no TCP unless asked
// for, fsync on, and never as root. All tests of a binary share it, each with a database
// of its own. It ends with the test binary, however that ends: a shell that holds the
// other end of a pipe notices. [Env] names another server to use instead.
//
// Where there is no PostgreSQL the tests that want it are skipped, and say so; with
// CI=true that is a failure.
package postgrestest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// Env is the environment variable with the URL of a server to use, as a user that may
// create databases. What tests make there they drop.
const Env = "DRAWBRIDGE_TEST_POSTGRES"

// ErrMissing: there is no PostgreSQL on this machine, or none that could be started.
var ErrMissing = errors.New("no PostgreSQL found: install Debian's postgresql, or have initdb, pg_ctl and postgres in PATH, or set " + Env)

// shared is the server of this test binary.
var shared struct {
	once      sync.Once
	server    *Server // never closed: it ends with the binary. Kept, or the collector would close its pipe.
	url       string  // of its first database
	err       error
	mu        sync.Mutex
	templates map[string]template
}

type template struct {
	name string
	err  error
}

// serial numbers the databases, and the process its: a server may be shared by several.
var serial atomic.Int64

// Database makes an empty database for the test and gives its URL.
func Database(t testing.TB) string {
	t.Helper()
	return create(t, sharedURL(t), "")
}

// Copy makes a database as build left one: build is called once for a name, and its
// database copied for each test, which is quicker than migrating. On a server that [Env]
// names it is called for each test, so that nothing is left there.
func Copy(t testing.TB, name string, build func(ctx context.Context, url string) error) string {
	t.Helper()
	server := sharedURL(t)
	if os.Getenv(Env) != "" { // nobody would drop what was copied from
		url := create(t, server, "")
		if err := build(t.Context(), url); err != nil {
			t.Fatalf("making the database %s: %v", name, err)
		}
		return url
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	made, known := shared.templates[name]
	if !known {
		made.name, made.err = newDatabase(t.Context(), server, "")
		if made.err == nil {
			made.err = build(t.Context(), withDatabase(server, made.name))
		}
		if shared.templates == nil {
			shared.templates = map[string]template{}
		}
		shared.templates[name] = made
	}
	if made.err != nil {
		t.Fatalf("making the database %s that tests copy: %v", name, made.err)
	}
	return create(t, server, made.name)
}

// create makes a database that goes with the test.
func create(t testing.TB, server, from string) string {
	t.Helper()
	name, err := newDatabase(t.Context(), server, from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), server, `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Logf("dropping the database of the test: %v", err)
		}
	})
	return withDatabase(server, name)
}

func newDatabase(ctx context.Context, server, from string) (string, error) {
	name := fmt.Sprintf("drawbridge_test_%d_%d", os.Getpid(), serial.Add(1))
	// Made of template0, it sorts by bytes whatever the server was set up with.
	like := `TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`
	if from != "" {
		like = `TEMPLATE ` + from
	}
	return name, execute(ctx, server, `CREATE DATABASE `+name+` `+like)
}

func execute(ctx context.Context, server, statement string) error {
	db, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// sharedURL is the server that the tests of this binary share.
func sharedURL(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.url = os.Getenv(Env); shared.url != "" {
			return
		}
		if shared.server, shared.err = Launch(Options{Memory: true}); shared.err == nil {
			shared.url = shared.server.URL("postgres")
		}
	})
	if shared.err != nil {
		missing(t, shared.err)
	}
	return shared.url
}

// missing skips a test that has no server, or fails it where there has to be one.
func missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") != "true" && errors.Is(err, ErrMissing) {
		t.Skipf("not run on PostgreSQL: %v", err)
	}
	t.Fatalf("starting PostgreSQL: %v", err)
}

// Start starts a server for this test alone, which may stop it and start it again.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Launch(o)
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(s.Close)
	return s
}

// Database makes an empty database on the server and gives its URL.
func (s *Server) Database(ctx context.Context) (string, error) {
	name, err := newDatabase(ctx, s.URL("postgres"), "")
	return s.URL(name), err
}

var database = regexp.MustCompile(`^[a-z0-9_]+$`)

// withDatabase is the URL of another database of the same server.
func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil || !database.MatchString(name) || !strings.HasPrefix(u.Scheme, "postgres") {
		panic(Env + " is not the URL of a PostgreSQL server")
	}
	u.Path = "/" + name
	return u.String()
}
