package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/server/dispatch"
)

// BenchmarkRuns measures whole runs of 3 turns with 2 calls each and a last answer,
// against a model that answers at once, in a process of its own: all the time and the
// processor time is Drawbridge's, and that of four exchanges over HTTP.
//
// Two others play the same script by turns with ours: bare is a loop that keeps nothing
// (go-openai, and the same tools' results from a plain mcp-go server in this process),
// http the four exchanges alone, with the bodies that the bare loop sent. ms is the
// time of one run after another, or divided by how many there are at once; cpu-ms the
// processor time of this process; xbare is ours divided by the bare loop's.
func BenchmarkRuns(b *testing.B) {
	onBothStores(b, func(b *testing.B, store benchStore) {
		for _, atOnce := range []int{1, 32} {
			b.Run(fmt.Sprintf("at-once=%d", atOnce), func(b *testing.B) { benchRuns(b, store, atOnce) })
		}
	})
}

func benchRuns(b *testing.B, store benchStore, atOnce int) {
	model := startScripted(b)
	a := benchRunsApp(b, store, model, atOnce)
	bare := newBareLoop(b, a, model.url)
	contenders := map[string]func(n int) spent{
		"":      func(n int) spent { return carryRuns(b, a, model, n) },
		"bare-": func(n int) spent { return side(b, n, atOnce, bare.run) },
		"http-": func(n int) spent { return side(b, n, atOnce, bare.exchanges) },
	}
	names := []string{"", "bare-", "http-"}
	for _, name := range names {
		contenders[name](2 * atOnce) // connections, statements, lists of tools
	}
	all := map[string]spent{}
	models := cpuOf(b, model.pid)
	b.ResetTimer()
	for n := range inTurns(b.N) {
		for _, name := range names {
			all[name] = all[name].plus(contenders[name](n))
		}
	}
	b.StopTimer()
	runs := float64(b.N)
	for _, name := range names {
		b.ReportMetric(all[name].wall.Seconds()*1000/runs, name+"ms/run")
		b.ReportMetric(all[name].cpu.Seconds()*1000/runs, name+"cpu-ms/run")
	}
	b.ReportMetric(runs/all[""].wall.Seconds(), "runs/s")
	b.ReportMetric(runs*float64(len(benchTurns))/all[""].wall.Seconds(), "turns/s")
	b.ReportMetric(all[""].wall.Seconds()/all["bare-"].wall.Seconds(), "xbare")
	b.ReportMetric(all[""].cpu.Seconds()/all["bare-"].cpu.Seconds(), "xbare-cpu")
	b.ReportMetric((cpuOf(b, model.pid)-models).Seconds()*1000/runs/float64(len(names)), "model-cpu-ms/run")
	b.ReportMetric(quantile(fsyncs(b, 200), 0.5), "ms/fsync")
	b.ReportMetric(0, "ns/op") // of three contenders: it means nothing
}

// inTurns gives n in up to ten shares.
func inTurns(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		turns := max(1, min(10, n/50))
		for turn := range turns {
			if !yield((turn+1)*n/turns - turn*n/turns) {
				return
			}
		}
	}
}

// benchRunsApp is an app that works, with an agent that has all tools.
func benchRunsApp(b *testing.B, store benchStore, model scriptedModel, atOnce int) *app {
	b.Helper()
	a, _ := benchApp(b, func(c *config.Config) {
		c.Store.URL = store.url(b)
		withBenchAgent(c, model, atOnce)
	}, true)
	return a
}

// withBenchAgent adds the agent a, which has all tools and the scripted model.
func withBenchAgent(c *config.Config, model scriptedModel, atOnce int) {
	agent := config.DefaultAgent()
	agent.Tools = []string{"*"}
	agent.Budget.Wall = config.Duration(time.Hour)
	c.Agents = map[string]config.Agent{"a": agent}
	c.Model = config.Model{BaseURL: model.url + "/v1", Name: "bench", Timeout: c.Model.Timeout}
	c.Workers.Runs = atOnce
}

// spent is what something took: time, and processor time of this process.
type spent struct{ wall, cpu time.Duration }

func (s spent) plus(other spent) spent { return spent{s.wall + other.wall, s.cpu + other.cpu} }

// spending measures do.
func spending(do func()) spent {
	begun, used := time.Now(), ownCPU()
	do()
	return spent{time.Since(begun), ownCPU() - used}
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// carryRuns has the app carry n runs, and measures from when the model begins to answer,
// with all of them in the store, to the end of the last.
func carryRuns(b *testing.B, a *app, model scriptedModel, n int) spent {
	b.Helper()
	model.holds(b)
	for range n {
		if err := a.store.Start(b.Context(), dispatch.NewRun{ID: dispatch.NewID("run_"), Agent: "a", Source: "cli", Prompt: "go"}); err != nil {
			b.Fatal(err)
		}
	}
	return spending(func() {
		model.goesOn(b)
		awaitEmpty(b, a, n)
	})
}

// awaitEmpty waits until no event and no run has anything left to do, and wants the last n to have
// succeeded.
func awaitEmpty(b *testing.B, a *app, n int) {
	b.Helper()
	ticker := time.NewTicker(10 * time.Millisecond) // to look costs something
	defer ticker.Stop()
	for left := true; left; <-ticker.C {
		left = false
		for _, kind := range []dispatch.Kind{dispatch.EventJob, dispatch.RunJob} { // the one ends as the other begins
			if len(a.cfg.Webhooks) == 0 && kind == dispatch.EventJob {
				continue
			}
			_, some, err := a.store.NextDue(b.Context(), kind)
			if err != nil {
				b.Fatal(err)
			}
			left = left || some
		}
	}
	runs, err := a.store.Runs(b.Context(), "", n)
	if err != nil {
		b.Fatal(err)
	}
	for _, run := range runs {
		if run.State != dispatch.Succeeded {
			b.Fatalf("run %s: %s %s", run.State, run.Reason, run.Answer)
		}
	}
}

// side has n runs done, so many at once.
func side(b *testing.B, n, atOnce int, run func(context.Context) error) spent {
	b.Helper()
	return spending(func() {
		places := make(chan struct{}, atOnce)
		var all sync.WaitGroup
		for range n {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				if err := run(b.Context()); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// fsyncs measures how long the disk takes for 4 KiB more of a file, n times.
func fsyncs(b *testing.B, n int) []time.Duration {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "fsync"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	page, took := slices.Repeat([]byte{1}, 4096), make([]time.Duration, n)
	for i := range took {
		begun := time.Now()
		_, err := file.Write(page)
		if err == nil {
			err = file.Sync()
		}
		if err != nil {
			b.Fatal(err)
		}
		took[i] = time.Since(begun)
	}
	return took
}
