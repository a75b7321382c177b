package cache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// Processes of one machine share no answers; but a write of one drops those of the other.
func TestMemoriesBesideEachOtherSeeTheirWrites(t *testing.T) {
	file := filepath.Join(t.TempDir(), "marks")
	nodes := func(t testing.TB) []guard.Cache {
		var all []guard.Cache
		for range 2 {
			m := newMemory(t, cache.Bounds{}, nil)
			m.Beside(file)
			all = append(all, m)
		}
		return all
	}
	cachetest.Harness{Nodes: nodes}.RunReadsAndWrites(t)
	both := nodes(t)
	for _, c := range both {
		if !put(t, c, "old") {
			t.Fatal("nothing is kept")
		}
	}
	both[0].Change(t.Context(), "crm", time.Minute)(t.Context(), true)
	for i, c := range both {
		if got := get(t, c); got != "nothing" {
			t.Errorf("process %d finds %q behind a write of the first", i, got)
		}
	}
	if !put(t, both[1], "new") {
		t.Error("nothing is kept behind it")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() > 1024 {
		t.Errorf("the file is %+v (%v)", info, err)
	}
}

func TestMemoryWhoseFileCannotBeUsedFindsNothingAndSaysSo(t *testing.T) {
	m := newMemory(t, cache.Bounds{}, nil)
	m.Beside(filepath.Join(t.TempDir(), "missing", "marks"))
	if put(t, m, "x") || !strings.Contains(m.Status().Away, "marks") {
		t.Errorf("something is kept, away: %q", m.Status().Away)
	}
	m.Change(t.Context(), "crm", time.Minute)(t.Context(), true)
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
