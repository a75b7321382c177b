package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

// Tool is one callable function with everything a door, the guard and a model
// need to know about it. Make one with [Define], or with [Mounted] of somebody
// else's definition.
type Tool struct {
	// Name is the family, then the verb: crm_search_customers. At most 64
	// characters of [a-z0-9_]. A mounted tool's begins with its mount, see [Mounted].
	Name string
	// Title is for people; Description is for the model that decides whether to
	// call, and says when to use the tool and when not to.
	Title, Description string
	Effect             Effect
	// Idempotent: the backend honours an idempotency key, so that a repeated
	// call with the same key takes effect once and returns the first result.
	// Reads are always idempotent.
	Idempotent bool
	// Destructive: the effect overwrites or ends something and cannot simply be
	// undone by another call.
	Destructive bool
	// Taints: the output carries text written by outsiders (mail bodies, ticket text,
	// names that customers gave themselves), or notes that a run which had read such text
	// may have written down. None of it must ever be taken for instructions.
	Taints bool
	// OpenWorld: the tool reaches beyond the systems configured here.
	OpenWorld bool
	// ForClients: the tool is for those who may talk to agents. An agent's run, and a
	// principal that may talk to none, neither sees it nor may call it.
	ForClients bool
	// OfCaller: what the tool gives depends on which run calls, and not on the arguments and
	// the caller's name alone.
	OfCaller bool
	// Unknown is what to do about a call whose outcome nobody knows; "" for what follows
	// from the rest, see [Tool.WhenUnknown]. Check needs LookUp.
	Unknown Policy
	// LookUp tells whether a call took effect; nil if there is no such thing.
	LookUp *LookUp
	// Inward: what a call reads or changes is rows of the store that keeps the caller's
	// journal, so that of both what was written later is never on disk without what was
	// written before. See [Inward].
	Inward bool
	// Timeout is how long a call may take, 0 for as long as the guard lets any.
	Timeout time.Duration
	// Input and Output are JSON Schemas (2020-12) of objects. Those of a mounted
	// tool are what its server sent, whatever that is.
	Input, Output json.RawMessage
	// Mounted: the tool is another MCP server's. Its result is a whole
	// CallToolResult, see [Mounted].
	Mounted bool
	// Definition is a hash of all that a mounted tool's server says of it, what is not shown
	// here included; "" for a tool of our own.
	Definition string

	call func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error)
}

// Spec is what Define cannot read from the types.
type Spec struct {
	Name, Title, Description string
	Effect                   Effect
	Idempotent               bool
	Destructive              bool
	Taints                   bool
	OpenWorld                bool
	ForClients               bool
	OfCaller                 bool
	Unknown                  Policy
	LookUp                   *LookUp
}

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Define makes a tool of a typed function. In and Out must be structs; their
// schemas come from the fields:
//
//	Email string `json:"email" jsonschema:"The customer's address." format:"email" maxLength:"254"`
//
// A field without omitempty or omitzero is required. The text of the jsonschema
// tag is the description. Further tags bound the value: enum (comma separated),
// minimum, maximum, minLength, maxLength, minItems, maxItems, pattern, format,
// default, example. Unknown keys are refused by the schema.
//
// A mistake in the spec or the types is the programmer's: Define panics.
func Define[In, Out any](spec Spec, fn func(ctx context.Context, in In) (Out, error)) Tool {
	switch {
	case !nameRule.MatchString(spec.Name):
		panic(fmt.Sprintf("tools: name %q is not 1 to 64 characters of [a-z0-9_], beginning with a letter", spec.Name))
	case spec.Description == "" || spec.Title == "":
		panic(fmt.Sprintf("tools: %s needs a title and a description", spec.Name))
	case !spec.Effect.Valid():
		panic(fmt.Sprintf("tools: %s has no valid effect: %q", spec.Name, spec.Effect))
	case !sound(spec.Unknown, spec.LookUp):
		panic(fmt.Sprintf("tools: %s says %q about unknown outcomes, and how to look up does not go with it", spec.Name, spec.Unknown))
	}
	return Tool{
		Name:        spec.Name,
		Title:       spec.Title,
		Description: spec.Description,
		Effect:      spec.Effect,
		Idempotent:  spec.Idempotent || spec.Effect == Read,
		Destructive: spec.Destructive,
		Taints:      spec.Taints,
		OpenWorld:   spec.OpenWorld,
		ForClients:  spec.ForClients,
		OfCaller:    spec.OfCaller,
		Unknown:     spec.Unknown,
		LookUp:      spec.LookUp,
		Input:       mustSchema[In](spec.Name),
		Output:      mustSchema[Out](spec.Name),
		call: func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
			var in In
			if len(bytes.TrimSpace(arguments)) > 0 {
				if err := json.Unmarshal(arguments, &in); err != nil {
					return nil, Errorf(Invalid, "arguments: %v", err)
				}
			}
			out, err := fn(ctx, in)
			if err != nil {
				return nil, err
			}
			raw, err := json.Marshal(out)
			if err != nil {
				return nil, fmt.Errorf("encoding the result of %s: %w", spec.Name, err)
			}
			return raw, nil
		},
	}
}

// Call runs the tool on arguments that were already validated against Input. The
// result is a JSON object that fits Output, or a CallToolResult if the tool is
// mounted. An error that is not an *Error is a fault of the tool, to be hidden from
// the model.
func (t Tool) Call(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
	return t.call(ctx, arguments)
}
