// Package cachetest holds every cache to what the guard asks of one.
package cachetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drawbridge/server/guard"
)

// Harness makes what the suite is run over.
type Harness struct {
	// Nodes gives caches that share what they keep, as those of several nodes do: one, if
	// nothing can be shared. They are empty, and take answers of Result bytes at most.
	Nodes func(t testing.TB) []guard.Cache
	// Result is how large an answer may be.
	Result int
}

// Run holds the caches of h to the contract.
func Run(t *testing.T, h Harness) {
	t.Run("what was kept is found, whole", h.kept)
	t.Run("what is too large is not kept", h.large)
	t.Run("a change drops what its family has, and no other's", h.dropped)
	t.Run("an answer that a change has overtaken is not found", h.overtaken)
	t.Run("nothing is kept while an effect may be still to come", h.unsettled)
	t.Run("no read gives what is older than a write before it", h.RunReadsAndWrites)
}

const long = time.Hour

func key(text string) (k guard.CacheKey) {
	copy(k[:], text)
	return k
}

// keep has an answer kept, as a read does that nothing disturbs.
func keep(t testing.TB, c guard.Cache, family, name, answer string) {
	t.Helper()
	_, _, mark := c.Find(t.Context(), family, key(name))
	if mark == "" {
		t.Fatalf("nothing of %s may be kept", family)
	}
	c.Keep(t.Context(), family, key(name), mark, guard.Kept{Output: []byte(answer), At: began}, long)
}

var began = time.UnixMilli(1_790_000_000_123)

func found(t testing.TB, c guard.Cache, family, name string) string {
	t.Helper()
	kept, ok, _ := c.Find(t.Context(), family, key(name))
	if !ok {
		return "nothing"
	}
	return string(kept.Output)
}

func (h Harness) kept(t *testing.T) {
	nodes := h.Nodes(t)
	answer := `{"name":"Ada \u00e9","n":1.0}`
	keep(t, nodes[0], "crm", "a", answer)
	for i, c := range nodes {
		kept, ok, mark := c.Find(t.Context(), "crm", key("a"))
		if !ok || !bytes.Equal(kept.Output, []byte(answer)) || !kept.At.Equal(began) || mark == "" {
			t.Errorf("node %d finds %s of %s (%t)", i, kept.Output, kept.At, ok)
		}
		if got := found(t, c, "crm", "b"); got != "nothing" {
			t.Errorf("node %d finds %s under another key", i, got)
		}
		keep(t, c, "crm", "a", `{"node":true}`)
		if got := found(t, nodes[0], "crm", "a"); got != `{"node":true}` {
			t.Errorf("what node %d kept later is not found, but %s", i, got)
		}
		keep(t, c, "crm", "a", answer)
	}
}

func (h Harness) large(t *testing.T) {
	c := h.Nodes(t)[0]
	fits := strings.Repeat("x", h.Result)
	keep(t, c, "crm", "fits", fits)
	keep(t, c, "crm", "large", fits+"x")
	if found(t, c, "crm", "fits") != fits || found(t, c, "crm", "large") != "nothing" {
		t.Errorf("the bound is not %d bytes", h.Result)
	}
}

func (h Harness) dropped(t *testing.T) {
	nodes := h.Nodes(t)
	for i, writer := range nodes {
		keep(t, nodes[0], "crm", "a", "old")
		keep(t, nodes[0], "email", "m", "mail")
		done := writer.Change(t.Context(), "crm", time.Minute)
		for _, c := range nodes {
			if got := found(t, c, "crm", "a"); got != "nothing" {
				t.Errorf("node %d writes, and %s is found", i, got)
			}
		}
		done(t.Context(), true)
		for _, c := range nodes {
			if got := found(t, c, "crm", "a"); got != "nothing" {
				t.Errorf("node %d has written, and %s is found", i, got)
			}
			if got := found(t, c, "email", "m"); got != "mail" {
				t.Errorf("node %d has written in another family, and %s is found", i, got)
			}
		}
		keep(t, writer, "crm", "a", "new")
		if got := found(t, nodes[0], "crm", "a"); got != "new" {
			t.Errorf("behind the change of node %d %s is found", i, got)
		}
	}
}

func (h Harness) overtaken(t *testing.T) {
	nodes := h.Nodes(t)
	reader, writer := nodes[0], nodes[len(nodes)-1]
	_, _, before := reader.Find(t.Context(), "crm", key("a"))
	done := writer.Change(t.Context(), "crm", time.Minute)
	_, _, amid := reader.Find(t.Context(), "crm", key("b"))
	done(t.Context(), true)
	for name, mark := range map[string]guard.Mark{"a": before, "b": amid} {
		if mark != "" {
			reader.Keep(t.Context(), "crm", key(name), mark, guard.Kept{Output: []byte("old"), At: began}, long)
		}
		if got := found(t, reader, "crm", name); got != "nothing" {
			t.Errorf("%s is found of a read that was begun before the change was done", got)
		}
	}
}

func (h Harness) unsettled(t *testing.T) {
	nodes := h.Nodes(t)
	keep(t, nodes[0], "crm", "a", "old")
	nodes[0].Change(t.Context(), "crm", time.Minute)(t.Context(), false)
	for i, c := range nodes {
		if _, ok, mark := c.Find(t.Context(), "crm", key("a")); ok || mark != "" {
			t.Errorf("node %d finds %t, and may keep under %q", i, ok, mark)
		}
	}
	nodes[0].Change(t.Context(), "crm", time.Minute)(t.Context(), true)
	nodes[0].Change(t.Context(), "email", time.Minute)(t.Context(), true)
	keep(t, nodes[0], "email", "m", "mail")
}

// RunReadsAndWrites carries reads and writes in steps, in any order of them. It holds for
// caches as well that share no answers, and tell each other of changes only.
func (h Harness) RunReadsAndWrites(t *testing.T) {
	nodes, round := h.Nodes(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		family := fmt.Sprintf("family %d", round)
		w := &steps{nodes: nodes, family: family, t: t, completed: -1}
		rt.Repeat(map[string]func(*rapid.T){
			"begin a read":  w.beginRead,
			"answer a read": w.answerRead,
			"end a read":    w.endRead,
			"read":          w.read,
			"begin a write": w.beginWrite,
			"take effect":   w.effect,
			"end a write":   w.endWrite,
		})
	})
}

// steps is a backend with one value, its version, and calls of it under way.
type steps struct {
	t         testing.TB
	nodes     []guard.Cache
	family    string
	version   int // that the backend has
	completed int // the newest that a write has put there which came to its end
	reads     []*reading
	writes    []*writing
}

type reading struct {
	cache guard.Cache
	key   guard.CacheKey
	mark  guard.Mark
	got   int // -1 until the backend answers
}

type writing struct {
	done    func(context.Context, bool)
	version int // -1 until it took effect
}

func (w *steps) node(rt *rapid.T) guard.Cache {
	return w.nodes[rapid.IntRange(0, len(w.nodes)-1).Draw(rt, "node")]
}

func (w *steps) beginRead(rt *rapid.T) {
	r := &reading{cache: w.node(rt), key: key(w.family + rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key")), got: -1}
	kept, ok, mark := r.cache.Find(w.t.Context(), w.family, r.key)
	if ok {
		var version int
		if _, err := fmt.Sscan(string(kept.Output), &version); err != nil || version < w.completed {
			rt.Fatalf("a read finds %q, and %d was written before it began (%v)", kept.Output, w.completed, err)
		}
		return
	}
	r.mark = mark
	w.reads = append(w.reads, r)
}

func (w *steps) answerRead(rt *rapid.T) {
	if i := pick(rt, w.reads); i >= 0 {
		w.answer(w.reads[i])
	}
}

func (w *steps) answer(r *reading) {
	if r.got < 0 {
		r.got = w.version
	}
}

func (w *steps) endRead(rt *rapid.T) {
	i := pick(rt, w.reads)
	if i < 0 {
		return
	}
	r := w.reads[i]
	w.answer(r)
	if r.mark != "" {
		r.cache.Keep(w.t.Context(), w.family, r.key, r.mark, guard.Kept{Output: fmt.Append(nil, r.got), At: began}, long)
	}
	w.reads = slices.Delete(w.reads, i, i+1)
}

// read is one that nothing comes in between of.
func (w *steps) read(rt *rapid.T) {
	before := len(w.reads)
	w.beginRead(rt)
	if len(w.reads) == before {
		return
	}
	r := w.reads[before]
	w.answer(r)
	if r.mark != "" {
		r.cache.Keep(w.t.Context(), w.family, r.key, r.mark, guard.Kept{Output: fmt.Append(nil, r.got), At: began}, long)
	}
	w.reads = w.reads[:before]
}

func (w *steps) beginWrite(rt *rapid.T) {
	w.writes = append(w.writes, &writing{w.node(rt).Change(w.t.Context(), w.family, time.Minute), -1})
}

func (w *steps) effect(rt *rapid.T) {
	if i := pick(rt, w.writes); i >= 0 && w.writes[i].version < 0 {
		w.version++
		w.writes[i].version = w.version
	}
}

func (w *steps) endWrite(rt *rapid.T) {
	i := pick(rt, w.writes)
	if i < 0 {
		return
	}
	w.writes[i].done(w.t.Context(), true)
	w.completed = max(w.completed, w.writes[i].version)
	w.writes = slices.Delete(w.writes, i, i+1)
}

// pick gives the place of one of those under way, -1 if there is none.
func pick[T any](rt *rapid.T, all []*T) int {
	if len(all) == 0 {
		return -1
	}
	return rapid.IntRange(0, len(all)-1).Draw(rt, "which")
}
