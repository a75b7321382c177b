package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// keyMember is where a call carries its idempotency key.
const keyMember = "drawbridge/idempotency-key"

// nodeHeader says which node asks. Each node's settings have its own name there.
const nodeHeader = "X-Chaos-Node"

// callTimeout is how long the nodes wait for an answer of the far side.
const callTimeout = 3 * time.Second

// fate is how a call goes wrong on the way.
type fate int

const (
	fine      fate = iota
	slowly         // it takes more than a second
	cutBefore      // the connection breaks, and nothing was done
	cutAfter       // the connection breaks once it is done
	silent         // it is done, and the answer takes longer than anybody waits
)

// farSide is somebody else's MCP server: CRM, payments and mail.
type farSide struct {
	book *book
	mcp  http.Handler
	// calm: nothing goes wrong on the way any more.
	calm func() bool
	// doubles breaks the fake, to see that it is noticed: keys are not honoured.
	doubles bool
}

func newFarSide(b *book, calm func() bool) *farSide {
	f := &farSide{book: b, calm: calm}
	s := server.NewMCPServer("far side", "1", server.WithToolCapabilities(false))
	schema := json.RawMessage(`{"type":"object","properties":{"event":{"type":"string"},"step":{"type":"string"}},"required":["event","step"],"additionalProperties":false}`)
	for _, t := range append(slices.Clone(farTools), lookUp) {
		offered := mcp.NewToolWithRawSchema(t.name, t.text, schema)
		offered.Annotations = mcp.ToolAnnotation{ReadOnlyHint: new(t.reads()), IdempotentHint: new(t.keyed), DestructiveHint: new(false), OpenWorldHint: new(false)}
		s.AddTool(offered, func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return f.call(t, r)
		})
	}
	f.mcp = server.NewStreamableHTTPServer(s, server.WithStateLess(true))
	return f
}

// call does what a tool does. It does not look whether the caller is still there, as
// little as others do.
func (f *farSide) call(t tool, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	key := ""
	if r.Params.Meta != nil {
		key, _ = r.Params.Meta.AdditionalFields[keyMember].(string)
	}
	event, step := r.GetString("event", ""), r.GetString("step", "")
	answer := fmt.Sprintf("%s for %s, step %s: done", t.name, event, step)
	if t == lookUp {
		return mcp.NewToolResultText(fmt.Sprintf("done: %t", f.book.has(event, step))), nil
	}
	if t.reads() {
		return mcp.NewToolResultText(answer), nil
	}
	if f.doubles {
		t.keyed = false
	}
	return mcp.NewToolResultText(f.book.act(t, effect{Key: key, Event: event, Step: step, Tool: t.name, At: time.Now()}, answer)), nil
}

// asked is what of a JSON-RPC request matters here.
type asked struct {
	Method string `json:"method"`
	Params struct {
		Name      string            `json:"name"`
		Arguments map[string]string `json:"arguments"`
		Meta      map[string]any    `json:"_meta"`
	} `json:"params"`
}

// ServeHTTP stands before the MCP server, and makes connections go wrong.
func (f *farSide) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		f.mcp.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler) // the node is gone
	}
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	var call asked
	if json.Unmarshal(body, &call) != nil || call.Method != "tools/call" {
		f.mcp.ServeHTTP(w, r)
		return
	}
	node, event := r.Header.Get(nodeHeader), call.Params.Arguments["event"]
	f.book.enter(node, event)
	what := f.fateOf(call)
	defer func() { f.book.leave(node, event, what != fine && what != slowly, false) }()
	f.carryOut(w, r, what)
}

func (f *farSide) carryOut(w http.ResponseWriter, r *http.Request, what fate) {
	pause := time.Duration(5+rand.IntN(60)) * time.Millisecond
	if what == slowly {
		pause = time.Duration(500+rand.IntN(1000)) * time.Millisecond
	}
	time.Sleep(pause / 2)
	if what == cutBefore {
		panic(http.ErrAbortHandler)
	}
	answer := httptest.NewRecorder()
	f.mcp.ServeHTTP(answer, r)
	switch what {
	case cutAfter:
		panic(http.ErrAbortHandler)
	case silent:
		time.Sleep(callTimeout + time.Second)
	default:
		time.Sleep(pause / 2)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // a node that is gone does not hear it
}

// fateOf decides how a call goes. It follows from the key, and only the first call under
// one goes wrong: what is tried again succeeds.
func (f *farSide) fateOf(call asked) fate {
	key, _ := call.Params.Meta[keyMember].(string)
	if key == "" {
		key = strings.Join([]string{call.Params.Name, call.Params.Arguments["event"], call.Params.Arguments["step"]}, " ")
	}
	if f.book.again(key) > 0 || f.calm() {
		return fine
	}
	switch n := seeded(key).IntN(1000); {
	case n < 15:
		return cutBefore
	case n < 45:
		return cutAfter
	case n < 50:
		return silent
	case n < 90:
		return slowly
	}
	return fine
}
