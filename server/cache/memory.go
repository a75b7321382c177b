package cache

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"drawbridge/server/guard"
)

// Bounds are what a cache takes. The zero value takes what is the default.
type Bounds struct {
	// Bytes are all that is kept in this process, 64 MiB if zero.
	Bytes int64
	// Result is how large one answer may be, in bytes; 1 MiB if zero.
	Result int64
}

const (
	defaultBytes  = 64 << 20
	defaultResult = 1 << 20
	// overhead is what an entry takes besides its answer, roughly.
	overhead = 256
)

func (b Bounds) filled() Bounds {
	if b.Bytes <= 0 {
		b.Bytes = defaultBytes
	}
	if b.Result <= 0 {
		b.Result = defaultResult
	}
	return b
}

// doubtful is for how long nothing is kept of a family in which a write was made whose
// effect may still be to come.
const doubtful = time.Minute

// Memory keeps answers in this process. Other processes do not find them. Their writes drop
// nothing here, but for those that share its board: see [Memory.Beside].
type Memory struct {
	bounds Bounds
	now    func() time.Time
	kept   *otter.Cache[guard.CacheKey, entry]
	counts counts
	board  *board // nil without others
	broken atomic.Pointer[error]

	mu       sync.Mutex
	families map[string]*family
}

var _ guard.Cache = (*Memory)(nil)

type entry struct {
	mark guard.Mark
	kept guard.Kept
	ttl  time.Duration
}

// family is how things stand with what is kept of one.
type family struct {
	changes  uint64    // how often it was changed
	doubtful time.Time // until when nothing is kept of it
}

// NewMemory makes an empty one. Nil means time.Now.
func NewMemory(b Bounds, now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	b = b.filled()
	return &Memory{bounds: b, now: now, families: map[string]*family{}, kept: otter.Must(&otter.Options[guard.CacheKey, entry]{
		MaximumWeight:    uint64(b.Bytes),
		Weigher:          func(_ guard.CacheKey, e entry) uint32 { return uint32(len(e.kept.Output) + overhead) },
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[guard.CacheKey, entry]) time.Duration { return e.Value.ttl }),
	})}
}

// Beside has this cache and those of other processes at this machine, which work on the same
// systems, tell each other of their writes, by a small file at path. It comes before the first
// use. While the file cannot be used nothing is found.
func (m *Memory) Beside(path string) { m.board = &board{path: path} }

// Close lets go of everything.
func (m *Memory) Close() error {
	if m.board != nil {
		m.board.close()
	}
	m.kept.InvalidateAll()
	m.kept.StopAllGoroutines()
	return nil
}

// Find is guard.Cache's.
func (m *Memory) Find(_ context.Context, name string, key guard.CacheKey) (guard.Kept, bool, guard.Mark) {
	mark := m.mark(name)
	e, ok := m.kept.GetIfPresent(key)
	if !ok || mark == "" || e.mark != mark {
		m.counts.missed()
		return guard.Kept{}, false, mark
	}
	m.counts.hit()
	return e.kept, true, mark
}

// mark is that of the family now, "" while nothing is kept of it.
func (m *Memory) mark(name string) guard.Mark {
	others := ""
	if m.board != nil {
		var err error
		if others, err = m.board.mark(name); err != nil {
			m.broken.Store(&err)
			return ""
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.of(name)
	if !f.doubtful.IsZero() && m.now().Before(f.doubtful) {
		return ""
	}
	return guard.Mark(strconv.FormatUint(f.changes, 36) + " " + others)
}

// of is the family of that name. Whoever calls holds the lock.
func (m *Memory) of(name string) *family {
	f := m.families[name]
	if f == nil {
		f = &family{}
		m.families[name] = f
	}
	return f
}

// Keep is guard.Cache's.
func (m *Memory) Keep(_ context.Context, name string, key guard.CacheKey, mark guard.Mark, kept guard.Kept, ttl time.Duration) {
	if int64(len(kept.Output)) > m.bounds.Result || mark != m.mark(name) {
		return
	}
	m.kept.Set(key, entry{mark, kept, ttl})
}

// Change is guard.Cache's.
func (m *Memory) Change(_ context.Context, name string, _ time.Duration) func(context.Context, bool) {
	m.changed(name, true)
	return func(_ context.Context, settled bool) { m.changed(name, settled) }
}

func (m *Memory) changed(name string, settled bool) {
	if m.board != nil {
		if err := m.board.change(name); err != nil {
			m.broken.Store(&err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.of(name)
	f.changes++
	if !settled {
		f.doubtful = m.now().Add(doubtful)
	}
}

// Drop forgets all that is kept, of which nothing will be asked for any more.
func (m *Memory) Drop() { m.kept.InvalidateAll() }

// Status says how the cache stands.
func (m *Memory) Status() Status {
	away := ""
	if err := m.broken.Load(); err != nil {
		away = (*err).Error()
	}
	return m.counts.status("memory", away)
}

// Status is how a cache stands, for whoever looks after it.
type Status struct {
	Where  string // memory or redis
	Hits   int64  // reads that were answered, since the start
	Misses int64  // reads that were not
	// Away says why nothing is found or kept now; "" if all is well.
	Away string
}

// counts are how often something was found, and not.
type counts struct{ hits, misses atomic.Int64 }

func (c *counts) hit()    { c.hits.Add(1) }
func (c *counts) missed() { c.misses.Add(1) }

func (c *counts) status(where, away string) Status {
	return Status{Where: where, Hits: c.hits.Load(), Misses: c.misses.Load(), Away: away}
}
