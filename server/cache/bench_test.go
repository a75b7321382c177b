package cache_test

import (
	"crypto/rand"
	"testing"
	"time"

	"drawbridge/server/cache"
	"drawbridge/server/cache/redistest"
	"drawbridge/server/guard"
)

func BenchmarkFind(b *testing.B) {
	answer := guard.Kept{Output: make([]byte, 2000), At: time.Now()}
	_, _ = rand.Read(answer.Output)
	s := redistest.Start(b)
	for name, c := range map[string]guard.Cache{"memory": newMemory(b, cache.Bounds{}, nil), "redis": newRedis(b, s, func(o *cache.RedisSettings) { o.Bounds = cache.Bounds{} })} {
		_, _, mark := c.Find(b.Context(), "crm", one)
		c.Keep(b.Context(), "crm", one, mark, answer, time.Hour)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, ok, _ := c.Find(b.Context(), "crm", one); !ok {
					b.Fatal("nothing is found")
				}
			}
		})
	}
}
