package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"drawbridge/config"
)

// BenchmarkNodes measures the runs of [BenchmarkRuns] on 1, 2 and 3 nodes, each a process
// that carries 32 at once, on one PostgreSQL. All of them, the model and the database
// share the cores of this machine: cpu-ms is what the nodes use for a run.
func BenchmarkNodes(b *testing.B) {
	for nodes := 1; nodes <= 3; nodes++ {
		b.Run(fmt.Sprintf("store=postgres/nodes=%d", nodes), func(b *testing.B) { benchNodes(b, nodes) })
	}
}

func benchNodes(b *testing.B, nodes int) {
	const atOnce = 32
	model, url := startScripted(b), benchStores[1].url(b)
	// It puts the runs into the store, and carries none.
	a, _ := benchApp(b, func(c *config.Config) {
		c.Store.URL = url
		withBenchAgent(c, model, atOnce)
	}, false)
	text := fmt.Sprintf(`
store: {url: %q}
server: {listen: "127.0.0.1:0"}
model: {base_url: %q, name: bench}
agents: {a: {tools: ["*"], budget: {wall: 1h}}}
workers: {runs: %d}
log: {format: json}
`, url.Reveal(), model.url+"/v1", atOnce)
	file := filepath.Join(b.TempDir(), "drawbridge.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	var processes []*program
	for range nodes {
		processes = append(processes, serve(b, file))
	}
	carryRuns(b, a, model, 2*atOnce*nodes) // connections, statements, lists of tools
	used := func() (all time.Duration) {
		for _, p := range processes {
			all += cpuOf(b, p.cmd.Process.Pid)
		}
		return all
	}
	before, wall := used(), time.Duration(0)
	b.ResetTimer()
	for n := range inTurns(b.N) {
		wall += carryRuns(b, a, model, n).wall
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/wall.Seconds(), "runs/s")
	b.ReportMetric(float64(b.N*len(benchTurns))/wall.Seconds(), "turns/s")
	b.ReportMetric((used()-before).Seconds()*1000/float64(b.N), "cpu-ms/run")
	b.ReportMetric(quantile(fsyncs(b, 200), 0.5), "ms/fsync")
	b.ReportMetric(0, "ns/op")
	for _, p := range processes {
		p.stop(b)
	}
}
