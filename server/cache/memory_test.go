package cache_test

import (
	"fmt"
	"testing"
	"time"

	"drawbridge/server/cache"
	"drawbridge/server/cache/cachetest"
	"drawbridge/server/guard"
)

func newMemory(t testing.TB, b cache.Bounds, now func() time.Time) *cache.Memory {
	m := cache.NewMemory(b, now)
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestMemoryConforms(t *testing.T) {
	cachetest.Run(t, cachetest.Harness{Result: 1000, Nodes: func(t testing.TB) []guard.Cache {
		return []guard.Cache{newMemory(t, cache.Bounds{Result: 1000}, nil)}
	}})
}

func TestMemoryKeepsAgainOnceTheDoubtIsOver(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	m := newMemory(t, cache.Bounds{}, func() time.Time { return now })
	m.Change(t.Context(), "crm", time.Minute)(t.Context(), false)
	for after, may := range map[time.Duration]bool{0: false, 59 * time.Second: false, time.Minute: true} {
		now = time.UnixMilli(1_790_000_000_000).Add(after)
		if _, _, mark := m.Find(t.Context(), "crm", guard.CacheKey{1}); (mark != "") != may {
			t.Errorf("after %s it may keep under %q", after, mark)
		}
	}
}

func TestMemoryIsBoundedInBytes(t *testing.T) {
	m := newMemory(t, cache.Bounds{Bytes: 1 << 20, Result: 100 << 10}, nil)
	answer := make([]byte, 50<<10)
	name := func(i int) (key guard.CacheKey) {
		copy(key[:], fmt.Sprint(i))
		return key
	}
	for i := range 200 {
		_, _, mark := m.Find(t.Context(), "crm", name(i))
		m.Keep(t.Context(), "crm", name(i), mark, guard.Kept{Output: answer}, time.Hour)
	}
	m.Settle()
	kept := 0
	for i := range 200 {
		if _, ok, _ := m.Find(t.Context(), "crm", name(i)); ok {
			kept++
		}
	}
	if kept == 0 || kept*len(answer) > 1<<20 {
		t.Errorf("%d answers of %d bytes are kept in a mebibyte", kept, len(answer))
	}
}

func TestDroppedMemoryFindsNothingAndKeepsAgain(t *testing.T) {
	m := newMemory(t, cache.Bounds{}, nil)
	key := guard.CacheKey{1}
	put := func() {
		_, _, mark := m.Find(t.Context(), "crm", key)
		m.Keep(t.Context(), "crm", key, mark, guard.Kept{Output: []byte("x")}, time.Hour)
	}
	put()
	m.Drop()
	if _, ok, _ := m.Find(t.Context(), "crm", key); ok {
		t.Error("what was dropped is found")
	}
	put()
	if _, ok, _ := m.Find(t.Context(), "crm", key); !ok {
		t.Error("nothing is kept behind it")
	}
	if s := m.Status(); s.Hits != 1 || s.Misses != 3 || s.Where != "memory" || s.Away != "" {
		t.Errorf("it counts %+v", s)
	}
}
