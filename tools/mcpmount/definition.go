package mcpmount

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Book keeps the definitions a person has accepted, across restarts. It is safe
// for concurrent use, also by several processes.
type Book interface {
	// Definitions gives everything kept for a mount, in no order.
	Definitions(ctx context.Context, mount string) ([]Definition, error)
	// Keep inserts or replaces definitions, by tool, and removes others, in one
	// transaction. To remove what is not there is no error.
	Keep(ctx context.Context, mount string, add []Definition, remove []string) error
}

// Definition is a tool as its server listed it.
type Definition struct {
	// Tool is the server's own name of it.
	Tool string
	// Hash is over what a model or a guard acts on, in hex.
	Hash string
	// JSON is the tool as listed, byte for byte.
	JSON json.RawMessage
	// AcceptedAt is when it was taken on trust or accepted by a person.
	AcceptedAt time.Time
}

// listed is a tool of a server's list. Its fields are read by their exact names:
// encoding/json would take "Description" for a description, and the hash would not.
type listed struct {
	name, title, description string
	input, output            json.RawMessage
	hints                    hints
	raw                      json.RawMessage
	hash                     string
	call                     func(context.Context, json.RawMessage) (json.RawMessage, error) // of a [Source]'s; else nil
}

// hints are what the server says of a tool (MCP 2025-11-25, ToolAnnotations).
type hints struct {
	title                             string
	readOnly, destructive, idempotent bool
}

func readTool(raw json.RawMessage) (listed, error) {
	t := listed{raw: raw}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return t, fmt.Errorf("its definition is no JSON object")
	}
	for name, target := range map[string]*string{"name": &t.name, "title": &t.title, "description": &t.description} {
		if value, ok := fields[name]; ok && json.Unmarshal(value, target) != nil {
			return t, fmt.Errorf("its %s is no text", name)
		}
	}
	if t.name == "" {
		return t, fmt.Errorf("it has no name")
	}
	t.input, t.output = schema(fields["inputSchema"]), schema(fields["outputSchema"])
	t.hints = readHints(fields["annotations"])
	var err error
	t.hash, err = hashOf(fields)
	return t, err
}

// schema is a schema as received, nil if there is none.
func schema(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

// readHints takes what it can read. The defaults are the protocol's.
func readHints(raw json.RawMessage) hints {
	h := hints{destructive: true}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return h
	}
	read := func(name string, target any) { _ = json.Unmarshal(fields[name], target) }
	read("title", &h.title)
	read("readOnlyHint", &h.readOnly)
	read("destructiveHint", &h.destructive)
	read("idempotentHint", &h.idempotent)
	return h
}

// hashed are the fields that a model, a guard or a client acts on. Others (icons,
// _meta) may change from list to list.
var hashed = []string{"name", "title", "description", "inputSchema", "outputSchema", "annotations"}

// hashOf is over canonical JSON: keys in order, no white space, numbers as sent.
func hashOf(fields map[string]json.RawMessage) (string, error) {
	canonical := map[string]any{}
	for _, name := range hashed {
		raw := schema(fields[name])
		if raw == nil {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return "", fmt.Errorf("its %s cannot be read: %w", name, err)
		}
		canonical[name] = value
	}
	text, err := json.Marshal(canonical)
	if err != nil {
		return "", fmt.Errorf("its definition cannot be written: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
