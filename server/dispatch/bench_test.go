package dispatch_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// BenchmarkTalk tells how long it takes from a talk to the first word of a model
// that needs no time, and to its end, one talk at a time.
func BenchmarkTalk(b *testing.B) {
	w := newWorld(b)
	w.store.told = nil
	w.play(inOrder(says("Yes.")))
	d := w.serve()
	var first []time.Duration
	for b.Loop() {
		began := time.Now()
		x, err := d.Talk(b.Context(), ask(""))
		if err != nil {
			b.Fatal(err)
		}
		for {
			e, err := x.Next(b.Context())
			if err != nil {
				break
			}
			if e.Kind == bridge.Words {
				first = append(first, time.Since(began))
			}
		}
		x.Leave()
	}
	slices.Sort(first)
	b.ReportMetric(float64(first[len(first)/2].Microseconds()), "us-to-first-word-p50")
	b.ReportMetric(float64(first[len(first)*99/100].Microseconds()), "us-to-first-word-p99")
}

// BenchmarkWaiting has 1,000 runs wait at once on a model that takes 2 s, again and
// again. It tells how many end in a second, as a share of what the model allows, and
// the memory that a waiting run takes.
func BenchmarkWaiting(b *testing.B) {
	const runs, think = 1000, 2 * time.Second
	w := newWorld(b)
	w.store.told = nil
	asked := make(chan struct{}, runs)
	w.play(func(ctx context.Context, _ int, _ openai.Request) (openai.Answer, error) {
		asked <- struct{}{}
		time.Sleep(think)
		return says("Yes."), nil
	})
	d := w.serve()
	var share, memory float64
	for b.Loop() {
		before := inUse()
		began := time.Now()
		var all sync.WaitGroup
		for range runs {
			all.Go(func() {
				x, err := d.Talk(b.Context(), ask(""))
				if err != nil {
					b.Error(err)
					return
				}
				defer x.Leave()
				rest(b, x)
			})
		}
		for range runs {
			<-asked
		}
		memory = float64(inUse()-before) / runs / 1024
		all.Wait()
		share = think.Seconds() / time.Since(began).Seconds()
	}
	b.ReportMetric(100*share, "%-of-the-model's-pace")
	b.ReportMetric(memory, "KiB/waiting-run")
}

// inUse is the memory in use by heap and stacks, in bytes.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
