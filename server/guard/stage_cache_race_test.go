package guard_test

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// Readers and writers, all at once: nobody gets what is older than the last write that had
// its answer before the read began.
func TestNoReadGetsWhatIsOlderThanTheLastWriteBeforeIt(t *testing.T) {
	w := newWorld(t, guard.Options{Caching: caching(newKept(t))})
	var version, completed atomic.Int64
	w.do = func(ctx context.Context, in order) (receipt, error) { return receipt{Amount: version.Load()}, nil }
	catalog := tools.NewCatalog([]tools.Tool{
		tools.Define(tools.Spec{Name: "shop_quote", Title: "x", Description: "x", Effect: tools.Read}, w.do),
		tools.Define(tools.Spec{Name: "shop_set", Title: "x", Description: "x", Effect: tools.Write}, func(context.Context, order) (receipt, error) {
			return receipt{Amount: version.Add(1)}, nil
		}),
	})
	w.Guard = guard.New(catalog, forgetful{}, guard.Options{Caching: caching(newKept(t))})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 300 {
				if i < 2 && n%10 == 0 {
					var did receipt
					if err := json.Unmarshal(w.Call(context.Background(), callFor("shop_set", goodOrder, "")).Output, &did); err != nil {
						t.Error(err)
					}
					for was := completed.Load(); was < did.Amount && !completed.CompareAndSwap(was, did.Amount); was = completed.Load() {
					}
					continue
				}
				before := completed.Load()
				result := w.Call(context.Background(), quote(desk))
				var got receipt
				if err := json.Unmarshal(result.Output, &got); err != nil || got.Amount < before {
					t.Errorf("a read gets %d, and %d was written before it (%v)", got.Amount, before, err)
				}
			}
		})
	}
	all.Wait()
	w.Call(t.Context(), quote(desk))
	if got := w.Call(t.Context(), quote(desk)); !got.Cached {
		t.Errorf("nothing was kept at all: %+v", got)
	}
}

func BenchmarkCachedRead(b *testing.B) {
	for _, test := range []struct {
		name string
		of   guard.Caching
	}{{"without a cache", guard.Caching{}}, {"answered from it", caching(newKept(b))}} {
		b.Run(test.name, func(b *testing.B) {
			w := newWorld(b, guard.Options{})
			w.Guard = guard.New(catalogOf(w), forgetful{}, guard.Options{Caching: test.of})
			b.ReportAllocs()
			for b.Loop() {
				w.Call(b.Context(), quote(desk))
			}
		})
	}
}
