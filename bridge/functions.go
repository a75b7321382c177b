package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"drawbridge/bridge/convert"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

// A function's name on OpenAI's API: 1 to 64 of these characters.
var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// A tool's name in MCP: 1 to 128 of these (2025-11-25, server/tools, "Tool Names").
var toolName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)

// functions are all tools of a session as functions: what there is to offer a
// model, and the way back from a function to its tool.
type functions struct {
	byName  map[string]*function
	index   *selection.Index
	leftOut []LeftOut
	hash    string // of all definitions, to the last byte
	foreign bool   // some are described by outsiders
	claimed bool   // the server notes the keys of calls before it makes them, where need be

	reported sync.Once

	offers shared
}

// function is one tool as a model may be shown it.
type function struct {
	Tool
	converted  *convert.Function
	definition openai.Function
}

// LeftOut is a tool that no model is offered, and why.
type LeftOut struct {
	Tool, Why string
}

// converted keeps what definitions were converted to. It is shared by all sessions:
// those of several agents list the same tools, and a list that changed is mostly
// what it was.
var converted = convert.NewCache(20_000)

// functionsOf makes functions of tools. The same set of tools gives the same
// functions, byte for byte, whatever order they came in. A tool that cannot be
// offered is left out and harms no other.
func functionsOf(tools []Tool) *functions {
	tools = slices.Clone(tools)
	slices.SortStableFunc(tools, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	f := &functions{byName: make(map[string]*function, len(tools))}
	all := make([]string, len(tools))
	for i, tool := range tools {
		all[i] = tool.Name
	}
	names := convert.Names(all, readResultName, selection.FindToolsName)
	seen := make(map[string]bool, len(tools))
	for _, tool := range tools {
		f.claimed, f.foreign = f.claimed || tool.Claims, f.foreign || tool.Foreign
		if seen[tool.Name] {
			f.leave(tool.Name, errors.New("another tool of the list has the same name"))
			continue
		}
		seen[tool.Name] = true
		f.add(names[tool.Name], tool)
	}
	f.seal()
	return f
}

func (f *functions) leave(tool string, why error) {
	f.leftOut = append(f.leftOut, LeftOut{Tool: tool, Why: why.Error()})
}

func (f *functions) add(name string, tool Tool) {
	made, err := converted.Convert(convert.Tool{Name: tool.Name, Title: tool.Title, Description: tool.Description, Input: tool.Input})
	if err != nil {
		f.leave(tool.Name, err)
		return
	}
	f.byName[name] = &function{Tool: tool, converted: made, definition: openai.Function{
		Name: name, Description: made.Description, Parameters: made.Parameters, Strict: made.Strict,
	}}
}

// seal makes what is made of the whole list once: its hash, and the index by which
// a request's functions are chosen.
func (f *functions) seal() {
	sum := sha256.New()
	entries := make([]selection.Entry, 0, len(f.byName))
	for _, name := range f.names() {
		fn := f.byName[name]
		definition := written(fn.definition)
		sum.Write(definition)
		entries = append(entries, selection.Entry{Name: name, Tool: fn.Name, Title: fn.Title, Description: fn.Description,
			Parameters: fn.Input, Definition: definition})
	}
	f.hash = hex.EncodeToString(sum.Sum(nil))
	f.index = selection.New(entries)
}

// written is a definition as it stands in a request. Its parameters are compact
// already: encoding/json would read all of them again to find that out.
func written(f openai.Function) []byte {
	out := append([]byte(`{"name":`), encode(f.Name)...)
	out = append(append(out, `,"description":`...), encode(f.Description)...)
	out = append(append(out, `,"parameters":`...), f.Parameters...)
	return append(strconv.AppendBool(append(out, `,"strict":`...), f.Strict), '}')
}

// Converted is a list of tools as functions, for those who want to see it. Names
// goes from function to tool; Notes say, by tool, what its function cannot carry
// but in words, and what was wrong with its schema.
type Converted struct {
	Functions []openai.Function
	Names     map[string]string
	LeftOut   []LeftOut
	Notes     map[string][]string
}

// Convert makes functions of tools, as a run would offer them, sorted by name.
func Convert(tools []Tool) Converted {
	f := functionsOf(tools)
	out := Converted{Names: map[string]string{}, LeftOut: f.leftOut, Notes: map[string][]string{}}
	for _, name := range f.names() {
		fn := f.byName[name]
		out.Functions = append(out.Functions, fn.definition)
		out.Names[name] = fn.Name
		if len(fn.converted.Notes) > 0 {
			out.Notes[fn.Name] = fn.converted.Notes
		}
	}
	return out
}

// report logs, once a list, what could not be offered to anybody.
func (f *functions) report(ctx context.Context, log *slog.Logger) {
	f.reported.Do(func() {
		for _, left := range f.leftOut {
			log.WarnContext(ctx, "tool left out: it cannot be made a function", "tool", left.Tool, "reason", left.Why)
		}
	})
}

// tool is the tool that a function stands for, or what was taken for a function.
func (f *functions) tool(function string) string {
	if fn := f.byName[function]; fn != nil {
		return fn.Name
	}
	return function
}

// reads reports whether there is a tool of the name that only reads.
func (f *functions) reads(tool string) bool {
	fn := f.of(tool)
	return fn != nil && fn.Effect == Read
}

// taints reports whether the tool's output carries text of outsiders.
func (f *functions) taints(tool string) bool {
	fn := f.of(tool)
	return fn == nil || fn.Taints
}

// of is the function that stands for a tool, nil if there is none.
func (f *functions) of(tool string) *function {
	for _, fn := range f.byName {
		if fn.Name == tool {
			return fn
		}
	}
	return nil
}

// names lists all functions, sorted.
func (f *functions) names() []string { return slices.Sorted(maps.Keys(f.byName)) }

// close gives the names of functions most like one that does not exist.
func (f *functions) close(name string) []string {
	const most = 3
	type near struct {
		name     string
		distance int
	}
	var found []near
	for _, offered := range append(f.names(), readResultName) {
		if d := convert.Distance(strings.ToLower(name), strings.ToLower(offered)); d <= max(len(offered), len(name))/3 {
			found = append(found, near{offered, d})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.distance - b.distance })
	var out []string
	for _, n := range found[:min(most, len(found))] {
		out = append(out, n.name)
	}
	return out
}
