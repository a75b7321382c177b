package postgres_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/store/postgres"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// skewed is a database whose clock is the server's and as much more as it is set to.
func skewed(t *testing.T) (url string, set func(interval string)) {
	t.Helper()
	url = migrated(t)
	db, err := postgres.OpenDB(t.Context(), url, state.Beside)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	exec := func(statement string) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TABLE skew (by INTERVAL)`)
	exec(`INSERT INTO skew VALUES ('0 s')`)
	exec(`CREATE FUNCTION clock_timestamp() RETURNS TIMESTAMPTZ LANGUAGE SQL AS 'SELECT pg_catalog.clock_timestamp() + by FROM public.skew'`)
	exec(`DO 'BEGIN EXECUTE format(''ALTER DATABASE %I SET search_path = public, pg_catalog'', current_database()); END'`)
	return url, func(interval string) {
		t.Helper()
		exec(`UPDATE skew SET by = '` + interval + `'`)
	}
}

func TestNodeWithAWrongClockIsRefused(t *testing.T) {
	url, set := skewed(t)
	for interval, want := range map[string]string{"0 s": "", "1 s": "", "1 minute": " behind ", "-1 minute": " ahead of "} {
		set(interval)
		s, err := postgres.Open(t.Context(), url, state.Owned, state.Options{})
		if err == nil {
			_ = s.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("a server %s later: %v, want %q", interval, err, want)
		}
		beside, err := postgres.Open(t.Context(), url, state.Beside, state.Options{})
		if err != nil {
			t.Errorf("a command, with a server %s later: %v", interval, err)
			continue
		}
		_ = beside.Close()
	}
}

// told passes on what is logged.
type told struct{ messages chan string }

func (h told) Enabled(context.Context, slog.Level) bool { return true }
func (h told) Handle(_ context.Context, r slog.Record) error {
	h.messages <- r.Message
	return nil
}
func (h told) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h told) WithGroup(string) slog.Handler      { return h }

func TestNodeTellsOfAClockThatGoesWrong(t *testing.T) {
	url, set := skewed(t)
	s := node(t, url)
	log := told{make(chan string, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() {
		s.Engine.(dispatch.JobEngine).Work(ctx, map[dispatch.Kind]dispatch.Worker{dispatch.RunJob: {Slots: 1, Do: func() error { return nil }}}, slog.New(log))
	})
	defer working.Wait()
	defer cancel()
	for _, step := range []struct{ interval, want string }{{"1 minute", "the clock is wrong"}, {"0 s", "the clock is right again"}} {
		set(step.interval)
		if got := within(t, 30*time.Second, log.messages, "word about the clock"); got != step.want {
			t.Errorf("with a server %s later the log says %q, want %q", step.interval, got, step.want)
		}
	}
}
