package bridge

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"drawbridge/bridge/openai"
)

// A function's name on OpenAI's API: 1 to 64 of these characters.
var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// A tool's name in MCP: 1 to 128 of these (2025-11-25, server/tools, "Tool Names").
var toolName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)

// functions is what a run offers the model, and the way back from a function's
// name to the tool behind it.
type functions struct {
	offered []openai.Function
	tools   map[string]Tool // by function name
	dropped []string        // tools whose name another tool of the list has
	hash    string          // of offered, to the last byte
}

// convert makes functions of tools. The same set of tools gives the same
// functions in the same order, byte for byte, whatever order they came in: a
// provider's prompt cache holds the list only as long as nothing in it moves.
func convert(tools []Tool) functions {
	tools = slices.Clone(tools)
	slices.SortStableFunc(tools, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	f := functions{offered: []openai.Function{readResult}, tools: map[string]Tool{}}
	names := nameAll(tools)
	seen := map[string]bool{}
	for _, tool := range tools {
		if seen[tool.Name] {
			f.dropped = append(f.dropped, tool.Name)
			continue
		}
		seen[tool.Name] = true
		name := names[tool.Name]
		f.tools[name] = tool
		f.offered = append(f.offered, openai.Function{
			Name:        name,
			Description: tool.Description,
			Parameters:  parameters(tool.Input),
		})
	}
	sum := sha256.Sum256(encode(f.offered))
	f.hash = hex.EncodeToString(sum[:])
	return f
}

// nameAll gives every tool a function name of its own. Names that are legal stay;
// the others are made legal and told apart by a hash of the original, so that a
// tool keeps its function name whatever other tools come and go.
func nameAll(tools []Tool) map[string]string {
	names := map[string]string{}
	taken := map[string]bool{}
	for _, tool := range tools {
		if functionName.MatchString(tool.Name) && tool.Name != readResultName {
			names[tool.Name] = tool.Name
			taken[tool.Name] = true
		}
	}
	for _, tool := range tools {
		if names[tool.Name] != "" {
			continue
		}
		name := legalName(tool.Name, 8)
		for digits := 9; taken[name]; digits++ {
			name = legalName(tool.Name, digits)
		}
		names[tool.Name] = name
		taken[name] = true
	}
	return names
}

var illegal = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// legalName keeps what it can of a name, and adds digits of its hash.
func legalName(name string, digits int) string {
	const longest = 64
	sum := sha256.Sum256([]byte(name))
	tail := "_" + hex.EncodeToString(sum[:])[:min(digits, longest-1)]
	head := illegal.ReplaceAllString(name, "_")
	return head[:min(len(head), longest-len(tail))] + tail
}

// parameters is the schema as the server sent it, but for what OpenAI insists on
// at the root and what goes without saying for arguments: that they are an
// object, and that it lists its properties, if only none.
func parameters(schema json.RawMessage) json.RawMessage {
	var root map[string]json.RawMessage
	if json.Unmarshal(schema, &root) != nil || root == nil {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	var missing []string
	if root["type"] == nil {
		missing = append(missing, `"type":"object"`)
	}
	if root["properties"] == nil {
		missing = append(missing, `"properties":{}`)
	}
	if missing == nil {
		return schema
	}
	rest := bytes.TrimPrefix(bytes.TrimSpace(schema), []byte("{"))
	added := "{" + strings.Join(missing, ",")
	if len(root) > 0 {
		added += ","
	}
	return append(json.RawMessage(added), rest...)
}

// names lists the offered functions, for the brief.
func (f functions) names() []string {
	out := make([]string, len(f.offered))
	for i, function := range f.offered {
		out[i] = function.Name
	}
	return out
}

// close gives the offered names most like one that does not exist.
func (f functions) close(name string) []string {
	const most = 3
	type near struct {
		name     string
		distance int
	}
	var found []near
	for _, offered := range f.names() {
		if d := distance(strings.ToLower(name), strings.ToLower(offered)); d <= max(len(offered), len(name))/3 {
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

// distance counts the letters to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	const longest = 128 // a hostile name must not cost more than a real one
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
