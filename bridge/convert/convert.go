package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Tool is a tool as its MCP server lists it.
type Tool struct {
	Name, Title, Description string
	Input                    json.RawMessage // JSON Schema exactly as received; may be empty, null or nonsense
}

// Function is what a model is shown of a tool, with the way back. It does not
// change and is safe for concurrent use.
type Function struct {
	// Description is the tool's title and description, and what its schema cannot say
	// at the root.
	Description string
	// Parameters is compact JSON Schema: the same bytes for the same tool. It keeps
	// OpenAI's rules for any function, and those for strict ones if Strict.
	Parameters json.RawMessage
	Strict     bool
	// Notes tell people what strict could not carry and where, what was repaired, and
	// why a function is not strict.
	Notes []string

	plan *plan
}

// Convert makes a function of a tool. An error says, for people, why nobody could
// call it: its schema accepts nothing, or is no schema, or is too large to read.
func Convert(t Tool) (*Function, error) { return convert(t, &work{}) }

func convert(t Tool, w *work) (*Function, error) {
	n := &notes{}
	root, made, err := readSchema(t.Input, n)
	if err != nil {
		return nil, fmt.Errorf("converting the tool %q: %w", cut(t.Name, 100), err)
	}
	p, text, reason, err := makePlan(root, made, n, w)
	if err != nil {
		return nil, fmt.Errorf("converting the tool %q: %w", cut(t.Name, 100), err)
	}
	if reason != "" {
		n.add(&pointer{}, "not strict: %s", reason)
	}
	return &Function{
		Description: describeTool(t, p),
		Parameters:  text,
		Strict:      reason == "",
		Notes:       n.all(),
		plan:        p,
	}, nil
}

// readSchema reads a tool's schema. Servers that leave it out, or send null, mean a
// tool without arguments.
func readSchema(raw json.RawMessage, n *notes) (root *schema, made int, err error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		n.add(&pointer{}, "there is no schema; taken as no arguments")
		raw = json.RawMessage(`{"type":"object"}`)
	}
	v, twice, err := parse(raw, schemaLimits)
	if err != nil {
		return nil, 0, fmt.Errorf("reading its schema: %w", err)
	}
	if v.kind != kindObject && v.kind != kindBoolean {
		return nil, 0, errors.New("its schema is neither an object nor true or false")
	}
	for _, name := range twice {
		n.add(&pointer{}, "%s is given twice in one object; the last one counts", cut(quote(name), 80))
	}
	root, made = read(v, n)
	return root, made, nil
}

// describeTool is the function's description.
func describeTool(t Tool, p *plan) string {
	text := strings.TrimSpace(t.Description)
	title := strings.TrimSpace(t.Title)
	if title != "" && !strings.Contains(strings.ToLower(text), strings.ToLower(title)) && !isSpelling(title, t.Name) {
		text = strings.TrimSpace(title + "\n" + text)
	}
	var sentences []string
	if !p.wrapped {
		sentences = append(sentences, p.root.words...)
	}
	if p.marks {
		sentences = append(sentences, `For arguments marked Nullable, null leaves out and "<null>" sets to null.`)
	}
	return join(text, sentences)
}

// isSpelling reports whether a title is no more than the name in other letters.
func isSpelling(title, name string) bool {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(" _-.:/", r) {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	return plain(title) == plain(name)
}
