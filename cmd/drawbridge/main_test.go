package main

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"drawbridge/bridge"
	"drawbridge/config"
	"drawbridge/store/postgres/postgrestest"
)

// programVariable, when set, makes the test binary be drawbridge itself, so that
// tests can start, signal and kill a real process.
const programVariable = "DRAWBRIDGE_TEST_IS_PROGRAM"

func TestMain(m *testing.M) {
	if point := os.Getenv(dieVariable); point != "" {
		dieAt(bridge.Point(point))
	}
	if point := os.Getenv(stopVariable); point != "" {
		stopAt(bridge.Point(point))
	}
	if os.Getenv(askVariable) != "" {
		askAlways()
	}
	if how := os.Getenv(parentVariable); how != "" {
		beParent(how)
	}
	if file := os.Getenv(recordVariable); file != "" {
		beRecorder(file)
	}
	if os.Getenv(programVariable) != "" {
		main()
	}
	if os.Getenv(benchModelVariable) != "" {
		beBenchModel()
	}
	if n, err := strconv.Atoi(os.Getenv(benchSenderVariable)); err == nil {
		beBenchSender(n)
	}
	// Those that say they may go on beside others wait for programs, leases and pauses, mostly:
	// three times as many as there are processors cost nobody anything. go test -parallel says otherwise.
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"drawbridge": main})
}

// TestStories runs the whole program as a person would: each file of
// testdata/script is one story.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			return atRest(env)
		},
	})
}

// TestStoriesOnPostgres are those of testdata/postgres, each with a database of its own.
func TestStoriesOnPostgres(t *testing.T) {
	files, err := filepath.Glob("testdata/postgres/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no stories (%v)", err)
	}
	for _, file := range files {
		database := postgrestest.Database(t)
		testscript.Run(t, testscript.Params{
			Files:               []string{file},
			UpdateScripts:       *update,
			RequireExplicitExec: true,
			Setup: func(env *testscript.Env) error {
				env.Setenv("DATABASE_URL", database)
				return atRest(env)
			},
		})
	}
}

// atRest sets what every story's programs find around them.
func atRest(env *testscript.Env) error {
	env.Setenv("OPENAI_API_KEY", "") // whoever runs the tests may have one
	env.Setenv("NO_COLOR", "1")
	env.Setenv("GORACE", os.Getenv("GORACE")) // how long the race detector looks on at the end
	return nil
}

// temporary gives a copy of the settings with a store of the test's own.
func temporary(t testing.TB, cfg *config.Config) *config.Config {
	t.Helper()
	mine := *cfg
	mine.Store.URL = config.Secret("sqlite://" + filepath.Join(t.TempDir(), "drawbridge.db"))
	if t, is := t.(*testing.T); is {
		t.Cleanup(func() { replaysAll(t, &mine) })
	}
	return &mine
}
