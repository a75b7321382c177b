package guard

import (
	"bytes"
	"cmp"
	"sync"
	"time"

	"drawbridge/tools"
)

// guarded is a tool with all that is worked out about it once.
type guarded struct {
	tools.Tool
	input   func() *input
	output  func() *input // of a built-in tool, for its results; nil if that does not compile
	timeout time.Duration

	// Of a cache, all zero without one.
	family     string        // whose values a call drops, or finds; "" if nothing of it is kept
	ttl        time.Duration // how long answers are kept, 0 for not at all
	definition string        // its hash, of a tool with a ttl
}

// lookup is the tool of that name, nil if there is none.
func (g *Guard) lookup(name string) *guarded { return (*g.tools.Load())[name] }

// follow takes over what the catalog has now. A call under way keeps the tool that
// it began with.
func (g *Guard) follow() {
	g.following.Lock() // changes may overlap: the last one to come sees the newest
	defer g.following.Unlock()
	before, now := *g.tools.Load(), map[string]*guarded{}
	for _, tool := range g.catalog.All() {
		now[tool.Name] = g.guard(tool, before[tool.Name])
	}
	g.options.Caching.prepare(now)
	g.tools.Store(&now)
}

// guard readies a tool. A schema that did not change since before is not compiled
// anew, so that a mount which lists the same tools again costs nothing.
func (g *Guard) guard(tool tools.Tool, before *guarded) *guarded {
	ready := &guarded{Tool: tool, timeout: cmp.Or(tool.Timeout, g.options.Timeout)}
	ready.output = sync.OnceValue(func() *input {
		result := tool
		result.Input = tool.Output
		in, _ := compileOwn(result)
		return in
	})
	switch {
	case before != nil && bytes.Equal(before.Input, tool.Input):
		ready.input = before.input
	case tool.Mounted:
		ready.input = sync.OnceValue(func() *input { return compileMounted(tool, g.options.Log) })
	default:
		in := mustCompile(tool)
		ready.input = func() *input { return in }
	}
	return ready
}

// problems says what is wrong with the arguments.
func (t *guarded) problems(arguments any) []problem {
	if t.Mounted {
		return t.input().checkMounted(arguments)
	}
	return t.input().check(arguments)
}

// prepare notes which answers are kept, and which calls drop them.
func (c Caching) prepare(all map[string]*guarded) {
	if c.Cache == nil {
		return
	}
	families := map[string]bool{}
	for name, t := range all {
		if !Cacheable(t.Tool) {
			continue
		}
		if t.ttl = c.TTL(name); t.ttl > 0 {
			t.definition = definition(t.Tool)
			families[Family(t.Tool)] = true
		}
	}
	for _, t := range all {
		if family := Family(t.Tool); families[family] {
			t.family = family
		}
	}
}
