package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bench is the built program, serving an agent with all built-in tools.
type bench struct {
	base, model   string // URLs
	pid, modelPID int
	client        *http.Client
}

func startBench(b *testing.B) *bench {
	b.Helper()
	model, modelPID := startBenchModel(b)
	folder, address := b.TempDir(), freeAddress(b)
	binary, file := filepath.Join(folder, "drawbridge"), filepath.Join(folder, "drawbridge.yaml")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	text := fmt.Sprintf(`
store: {url: "sqlite://%s"}
server: {listen: %s}
model: {base_url: %q, name: bench}
chat: {requests_per_minute: 0, concurrent: 0}
agents: {desk: {tools: ["*"], budget: {turns: 1000, calls: 1000, tokens: 100000000}}}
log: {level: warn}
`, filepath.Join(folder, "d.db"), address, model)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(binary, "serve", "-c", file)
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY=")
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil || said.Len() > 0 {
			b.Errorf("the server ended with %v and said %s", err, said.String())
		}
	})
	s := &bench{base: "http://" + address, model: model, pid: cmd.Process.Pid, modelPID: modelPID,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2048}}}
	ready, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	if err := poll(ready, func() (bool, error) {
		response, err := s.client.Get(s.base + "/readyz")
		if err != nil {
			return false, nil // it does not listen yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	}); err != nil {
		b.Fatal(err)
	}
	return s
}

// benchIDs number the runs of a process.
var benchIDs atomic.Int64

// talk has one conversation, streamed. It gives how long the first words took from
// the beginning of the request, and how long after the model sent them they came.
func (s *bench) talk(url string, delay time.Duration, turns int) (first, behind time.Duration, err error) {
	body := fmt.Sprintf(`{"model":"desk","stream":true,"messages":[{"role":"user","content":%q}]}`, question(fmt.Sprintf("r%d", benchIDs.Add(1)), delay, turns))
	begun := time.Now()
	response, err := s.client.Post(url+"/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadString('\n')
		if _, words, found := strings.Cut(line, `"content":"at `); found && first == 0 {
			now := time.Now()
			var sent int64
			if _, err := fmt.Sscan(words, &sent); err != nil {
				return 0, 0, err
			}
			first, behind = now.Sub(begun), now.Sub(time.Unix(0, sent))
		}
		switch {
		case err == io.EOF && first > 0:
			return first, behind, nil
		case err != nil:
			return 0, 0, fmt.Errorf("answered %s without words: %w", response.Status, err)
		}
	}
}

// atOnce keeps n conversations going, begun evenly over spread, until ctx ends. done is
// told of each that is over.
func (s *bench) atOnce(ctx context.Context, b *testing.B, n int, spread time.Duration, delay time.Duration, turns int, done func()) *sync.WaitGroup {
	var all sync.WaitGroup
	var failed sync.Once // one error says enough
	for i := range n {
		all.Go(func() {
			select {
			case <-time.After(spread * time.Duration(i) / time.Duration(n)):
			case <-ctx.Done():
			}
			for ctx.Err() == nil {
				if _, _, err := s.talk(s.base+"/v1", delay, turns); err != nil {
					failed.Do(func() { b.Error(err) })
					return
				}
				done()
			}
		})
	}
	return &all
}

// BenchmarkWaiting keeps 1,000 runs waiting at once on a model that takes 2 s, all
// begun through the chat door. The model would allow 500 runs a second; pace is the
// share of that which is reached over the steady part. Memory is the resident set of
// the serving process (everything: stacks, heap with what the collector has not taken
// yet, SQLite's cache) above that of the same process before, for each run. CPU is
// in cores, of the two processes apart; the client's share is not in it.
func BenchmarkWaiting(b *testing.B) {
	const (
		runs   = 1000
		takes  = 2 * time.Second
		settle = 3 * takes
		steady = 5 * takes
	)
	s := startBench(b)
	for range 50 {
		if _, _, err := s.talk(s.base+"/v1", 0, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for range b.N {
		before := ofProcess(b, s.pid, "VmRSS")
		ctx, stop := context.WithCancel(b.Context())
		var over atomic.Int64
		all := s.atOnce(ctx, b, runs, takes, takes, 1, func() { over.Add(1) })
		time.Sleep(settle)
		begun, had, ours, models := time.Now(), over.Load(), cpuOf(b, s.pid), cpuOf(b, s.modelPID)
		resident := 0.0
		for time.Since(begun) < steady {
			time.Sleep(takes / 4)
			resident = max(resident, ofProcess(b, s.pid, "VmRSS"))
		}
		elapsed := time.Since(begun)
		pace := float64(over.Load()-had) / elapsed.Seconds()
		b.ReportMetric(pace, "runs/s")
		b.ReportMetric(100*pace/(runs/takes.Seconds()), "%pace")
		b.ReportMetric((resident-before)/runs, "KiB/run")
		b.ReportMetric((cpuOf(b, s.pid)-ours).Seconds()/elapsed.Seconds(), "cores")
		b.ReportMetric((cpuOf(b, s.modelPID)-models).Seconds()/elapsed.Seconds(), "model-cores")
		stop()
		all.Wait()
	}
}

// BenchmarkTurn measures what a turn costs besides the model: from the last byte of an
// answer that calls a tool, until the next question has arrived at the model whole. In
// it are the journal's commits, the call through the guard with its audit row, and
// the question of some 30 KB. The model takes the longer the more runs there are, so
// that it is the turn that is measured, and not a queue for two cores.
func BenchmarkTurn(b *testing.B) {
	for _, load := range []struct {
		runs  int
		takes time.Duration
	}{{1, time.Millisecond}, {32, 100 * time.Millisecond}, {256, time.Second}} {
		b.Run(fmt.Sprintf("at-once=%d", load.runs), func(b *testing.B) {
			s := startBench(b)
			const turns = 6
			b.ResetTimer()
			for range b.N {
				ctx, stop := context.WithCancel(b.Context())
				all := s.atOnce(ctx, b, load.runs, load.takes, load.takes, turns, func() {})
				time.Sleep(2 * time.Second)
				takeGaps(b, s.model)
				time.Sleep(6 * time.Second)
				gaps := takeGaps(b, s.model)
				stop()
				all.Wait()
				b.ReportMetric(quantile(gaps, 0.5), "ms/turn-p50")
				b.ReportMetric(quantile(gaps, 0.99), "ms/turn-p99")
				b.ReportMetric(float64(len(gaps))/6, "turns/s")
			}
		})
	}
}

// BenchmarkFirstByte compares the first words of a stream through the chat door with
// those of the model itself, asked by turns by the same client. added is the
// difference of the medians, from the beginning of the request: in it are a durable
// run and a question with 30 functions. relay is that of the words alone, from the
// moment they left the model.
func BenchmarkFirstByte(b *testing.B) {
	s := startBench(b)
	const pause = 20 * time.Millisecond // until the model's first words
	var door, direct struct{ first, behind []time.Duration }
	b.ResetTimer()
	for range max(b.N, 100) {
		first, behind, err := s.talk(s.base+"/v1", pause, 1)
		if err != nil {
			b.Fatal(err)
		}
		door.first, door.behind = append(door.first, first), append(door.behind, behind)
		if first, behind, err = s.talk(s.model, pause, 1); err != nil {
			b.Fatal(err)
		}
		direct.first, direct.behind = append(direct.first, first), append(direct.behind, behind)
	}
	b.ReportMetric(quantile(door.first, 0.5), "ms/door")
	b.ReportMetric(quantile(direct.first, 0.5), "ms/direct")
	b.ReportMetric(quantile(door.first, 0.5)-quantile(direct.first, 0.5), "ms/added")
	b.ReportMetric(quantile(door.behind, 0.5)-quantile(direct.behind, 0.5), "ms/relay")
}

// quantile is that of some durations, in milliseconds.
func quantile(of []time.Duration, q float64) float64 {
	if len(of) == 0 {
		return math.NaN()
	}
	slices.Sort(of)
	return of[min(len(of)-1, int(float64(len(of))*q))].Seconds() * 1000
}
