package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

// Keys in _meta that a Drawbridge server and its clients use between them.
const (
	MetaEffect     = "drawbridge/effect"     // of a tool: read, write, message or money
	MetaIdempotent = "drawbridge/idempotent" // of a tool: it honours an idempotency key
	MetaTaints     = "drawbridge/taints"     // of a tool: its output carries outsiders' text
	MetaForeign    = "drawbridge/foreign"    // of a tool: its description is outsiders' text
	MetaUnknown    = "drawbridge/unknown"    // of a tool: the Policy for calls whose outcome is not known
	MetaClaims     = "drawbridge/claims"     // of a tool: its server notes the key of a call before it makes it
	MetaInward     = "drawbridge/inward"     // of a tool: it works on the store that keeps the runs
	metaApproval   = "drawbridge/approval"   // of a result: {"id", "expires_at", "state"}, where it waits for people
	metaError      = "error"                 // of a result: {"code", "retryable", "inconclusive"}, where it is an error
	// MetaInput is of a tool whose input schema the list could not hold as it is: that
	// schema, as a text.
	MetaInput = "drawbridge/input-schema"
	MetaKey   = "drawbridge/idempotency-key"
)

// Effect is what a call may change. Read is the one that matters here: reads run
// side by side and may be repeated.
type Effect string

const (
	Read    Effect = "read"
	Write   Effect = "write"
	Message Effect = "message"
	Money   Effect = "money"
)

// Tool is one tool as its server lists it.
type Tool struct {
	Name        string
	Title       string // for people; may be empty
	Description string
	Input       json.RawMessage // JSON Schema, byte for byte as sent
	Effect      Effect
	// Idempotent: repeating a call under the same key takes effect once.
	Idempotent bool
	// Taints: the output carries text written by outsiders.
	Taints bool
	// Foreign: its description is text written by outsiders.
	Foreign bool
	// Policy is what the tool says about calls whose outcome is not known; "" if nothing.
	Policy Policy
	// Claimed: the server notes the key of a call before it makes it, and makes no call of
	// that key a second time: it gives the first result again, or says that the outcome is
	// not known.
	Claimed bool
	// Claims: the server says of its tools whether they are Claimed. One that it does not
	// list, or no more, takes effect once a key as well.
	Claims bool
	// Inward: the tool works on the store that keeps the journal, and on nothing else.
	Inward bool
}

// CallResult is what a tool returned.
type CallResult struct {
	// Content is the structured result as JSON text if there is one, else the
	// text. Of an error it is the text, which was written to be read.
	Content string
	IsError bool
	// Unknown: it is an error which says that nobody knows whether the call took effect.
	Unknown bool
	// Fault: it is an error of the server or what is behind it, not an answer to the call.
	Fault bool
	// Inconclusive: it is an error of a call that did not get through, which tells nothing of
	// an earlier one under the same key. Passing: it may get through later.
	Inconclusive, Passing bool
	// Parts are the images and documents among the result, as content parts of the chat API.
	Parts []json.RawMessage
	// Approval, of an error which says that people have to agree to the call first, is what
	// it waits for.
	Approval *Approval
	// Code is set by a [Recording] only: what a bridge had to say of the result then.
	Code ResultCode
}

// Refusal is a server's answer that it did not carry out a call as asked:
// a JSON-RPC error instead of a result.
type Refusal struct {
	// Untouched: nothing was done (the tool is unknown, the request malformed).
	// Otherwise the tool broke on the way, and nobody said how far it got.
	Untouched bool
	Message   string
}

func (r *Refusal) Error() string { return r.Message }

// Session is a connection to one MCP server on behalf of one caller. It is safe
// for concurrent use, also by several runs, as long as the server would list the
// same tools to all of them: the list is read once and kept until the server says
// that it has changed.
type Session struct {
	client    *client.Client
	direct    direct    // a way beside the client for calls, if there is one
	recording Recording // in place of a client, see [Recorded]
	recorded  []Tool

	mu      sync.Mutex
	changes int        // how often the server said that its list changed
	list    *functions // nil: to be read
}

// Connect starts the transport and agrees on a protocol version with the server.
// The values in the context of a later call reach an in-process server.
func Connect(ctx context.Context, t transport.Interface) (*Session, error) {
	c := client.NewClient(listen(t))
	if err := c.Start(ctx); err != nil {
		return nil, fmt.Errorf("connecting to the tool server: %w", err)
	}
	hello := mcp.InitializeRequest{}
	hello.Params.ClientInfo = mcp.Implementation{Name: "drawbridge", Version: "1"}
	if _, err := c.Initialize(ctx, hello); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to the tool server: %w", err), c.Close())
	}
	s := &Session{client: c}
	s.direct, _ = t.(direct)
	c.OnNotification(func(n mcp.JSONRPCNotification) {
		if n.Method == mcp.MethodNotificationToolsListChanged {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changes, s.list = s.changes+1, nil
		}
	})
	return s, nil
}

// functions are the server's tools, as they can be offered to a model.
func (s *Session) functions(ctx context.Context) (*functions, error) {
	s.mu.Lock()
	changes, list := s.changes, s.list
	s.mu.Unlock()
	if list != nil {
		return list, nil
	}
	tools, unreadable, err := s.Tools(ctx)
	if err != nil {
		return nil, err
	}
	fresh := functionsOf(tools)
	fresh.leftOut = append(fresh.leftOut, unreadable...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes == changes { // else it changed while we read
		s.list = fresh
	}
	return fresh, nil
}

// Close ends the session and its transport.
func (s *Session) Close() error {
	if s.client == nil {
		return nil
	}
	return s.client.Close()
}

// maxPages bounds a tool list, against a server whose cursors never end.
const maxPages = 1000

// Tools lists every tool, page by page, in the server's order, and those that
// could not be read.
func (s *Session) Tools(ctx context.Context) ([]Tool, []LeftOut, error) {
	if s.client == nil {
		return s.recorded, nil, nil
	}
	var out []Tool
	var leftOut []LeftOut
	request := mcp.ListToolsRequest{}
	for range maxPages {
		var raw json.RawMessage
		if _, err := s.client.ListToolsByPage(overhear(ctx, &raw), request); err != nil && raw == nil {
			return nil, nil, fmt.Errorf("listing tools: %w", err)
		}
		// Whatever mcp-go made of it: one odd tool, and it gives up the whole page.
		tools, unreadable, err := ParseTools(raw)
		if err != nil {
			return nil, nil, fmt.Errorf("listing tools: %w", err)
		}
		for i := range tools {
			tools[i].Inward = tools[i].Inward && s.inProcess() // another program's store is not ours
		}
		out, leftOut = append(out, tools...), append(leftOut, unreadable...)
		if request.Params.Cursor = nextPage(raw); request.Params.Cursor == "" {
			return out, leftOut, nil
		}
	}
	return nil, nil, fmt.Errorf("listing tools: more than %d pages", maxPages)
}

// nextPage is the cursor of the page behind a readable one, "" if it was the last.
func nextPage(raw json.RawMessage) mcp.Cursor {
	var page struct {
		NextCursor mcp.Cursor `json:"nextCursor"`
	}
	_ = json.Unmarshal(raw, &page) // a cursor that is no text leads nowhere
	return page.NextCursor
}

// ParseTools reads the result of tools/list. A tool that cannot be read harms no
// other: it is among the left out.
func ParseTools(raw json.RawMessage) ([]Tool, []LeftOut, error) {
	var page map[string]json.RawMessage
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &page); err != nil || page["tools"] == nil {
		return nil, nil, errors.New(`reading the list of tools: want {"tools": [...]}, as tools/list gives it`)
	}
	if err := json.Unmarshal(page["tools"], &list); err != nil {
		return nil, nil, errors.New(`reading the list of tools: "tools" is no list`)
	}
	tools := make([]Tool, 0, len(list))
	var leftOut []LeftOut
	for i, one := range list {
		tool, err := ParseTool(one)
		if err != nil {
			leftOut = append(leftOut, LeftOut{Tool: cmp.Or(tool.Name, fmt.Sprintf("tools[%d]", i)), Why: err.Error()})
			continue
		}
		tools = append(tools, tool)
	}
	return tools, leftOut, nil
}

// ParseTool reads one tool of a list. Its fields go by their exact names, which
// encoding/json would not insist on.
func ParseTool(raw json.RawMessage) (Tool, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return Tool{}, errors.New("reading the tool: it is no JSON object")
	}
	var t Tool
	for name, into := range map[string]*string{"name": &t.Name, "title": &t.Title, "description": &t.Description} {
		if value, ok := fields[name]; ok && json.Unmarshal(value, into) != nil {
			return Tool{}, fmt.Errorf("reading the tool: its %s is no text", name)
		}
	}
	if t.Name == "" {
		return Tool{}, errors.New("reading the tool: it has no name")
	}
	var hints, meta map[string]json.RawMessage
	json.Unmarshal(fields["annotations"], &hints) // absent or odd: nothing is hinted at
	json.Unmarshal(fields["_meta"], &meta)
	if t.Title == "" {
		json.Unmarshal(hints["title"], &t.Title)
	}
	t.Input = fields["inputSchema"]
	t.judge(hints, meta)
	return t, nil
}

// judge trusts our own word on the effect first. A server that does not know it is
// taken at its hint for reads; everything else could be anything.
func (t *Tool) judge(hints, meta map[string]json.RawMessage) {
	json.Unmarshal(meta[MetaEffect], &t.Effect) // absent or odd: judged below
	switch t.Effect {
	case Read, Write, Message, Money:
		json.Unmarshal(meta[MetaIdempotent], &t.Idempotent)
		json.Unmarshal(meta[MetaUnknown], &t.Policy)
		json.Unmarshal(meta[MetaInward], &t.Inward)
		t.Claims = json.Unmarshal(meta[MetaClaims], &t.Claimed) == nil
	default:
		var reads bool
		json.Unmarshal(hints["readOnlyHint"], &reads)
		t.Effect = Write
		if reads {
			t.Effect = Read
		}
	}
	t.Idempotent = t.Idempotent || t.Effect == Read
	json.Unmarshal(meta[MetaTaints], &t.Taints)
	json.Unmarshal(meta[MetaForeign], &t.Foreign)
	var exact string
	if json.Unmarshal(meta[MetaInput], &exact) == nil && json.Valid([]byte(exact)) {
		t.Input = json.RawMessage(exact)
	}
}

// Call makes one call. The arguments are a JSON object; the key, if any, makes
// repetitions of this call count once. An error is a *[Refusal] when the server
// answered with one, else the answer was lost on the way.
func (s *Session) Call(ctx context.Context, name string, arguments json.RawMessage, key string) (CallResult, error) {
	if s.client == nil {
		return s.recording.Call(ctx, name, arguments, key)
	}
	request := mcp.CallToolRequest{}
	request.Params.Name = name
	request.Params.Arguments = arguments
	if key != "" {
		request.Params.Meta = mcp.NewMetaFromMap(map[string]any{MetaKey: key})
	}
	if s.direct != nil {
		return callDirectly(ctx, s.direct, request)
	}
	var raw json.RawMessage
	_, err := s.client.CallTool(overhear(ctx, &raw), request)
	if result, readable := returned(raw); readable {
		return result, nil // mcp-go gives up a result for one block of a kind it does not know
	}
	if err == nil {
		err = errNoResult
	}
	return CallResult{}, refusal(err)
}

// inProcess reports whether the server is in this process, so that a call reaches it with
// its context.
func (s *Session) inProcess() bool { return s.direct != nil }

var errNoResult = errors.New("the tool server answered with something that is no tool result")

// refusal makes a server's own error a *Refusal and leaves others as they are.
func refusal(err error) error {
	var lost *transport.Error
	if errors.As(err, &lost) {
		return err
	}
	untouched := false
	for _, code := range []error{mcp.ErrInvalidParams, mcp.ErrMethodNotFound, mcp.ErrInvalidRequest, mcp.ErrParseError} {
		untouched = untouched || errors.Is(err, code)
	}
	return &Refusal{Untouched: untouched, Message: err.Error()}
}
