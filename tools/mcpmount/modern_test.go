package mcpmount_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

// stateless is a server that knows the protocol of 2026-07-28 only.
func stateless() *script {
	s := newScript()
	s.on["initialize"] = func(w http.ResponseWriter, id, _ json.RawMessage) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32022,"message":"unsupported","data":{"supported":["2026-07-28"]}}}`, id)
	}
	s.on["server/discover"] = func(w http.ResponseWriter, id, _ json.RawMessage) {
		reply(w, id, `{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"new","version":"3"}}}`)
	}
	s.on["tools/list"] = func(w http.ResponseWriter, id, _ json.RawMessage) {
		reply(w, id, `{"resultType":"complete","tools":[
			{"name":"act","inputSchema":{"type":"object","properties":{"do":{"type":"string","x-mcp-header":"Do"}}}},
			{"name":"bad","inputSchema":{"type":"object","properties":{"do":{"type":"object","x-mcp-header":"Do"}}}}]}`)
	}
	s.on["tools/call"] = func(w http.ResponseWriter, id, params json.RawMessage) {
		if !strings.Contains(string(params), "inputResponses") {
			reply(w, id, `{"resultType":"input_required","requestState":"s1","inputRequests":{"sure":{"method":"elicitation/create","params":{"message":"Sure?","requestedSchema":{}}}}}`)
			return
		}
		reply(w, id, `{"resultType":"complete","content":[],"structuredContent":`+string(params)+`}`)
	}
	s.on["subscriptions/listen"] = func(w http.ResponseWriter, id, _ json.RawMessage) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 20 {
			fmt.Fprint(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n")
		}
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32601,\"message\":\"enough\"}}\n\n", id)
	}
	return s
}

func TestStatelessServerIsMounted(t *testing.T) {
	s := stateless()
	w := start(t, at(serve(t, s)), mcpmount.Options{}).ready()
	if got := w.Status(); got.Protocol != "2026-07-28" || got.Server != "new" || w.names() != "shop__act" || len(got.LeftOut) != 1 {
		t.Errorf("status %+v; it offers %q", got, w.names())
	}
	questions := make(chan tools.Question, 1)
	raw, err := w.call(answering(t, questions, tools.Reply{Action: tools.Accept, Content: []byte(`{"n":1.0}`)}, nil), "shop__act", "it")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"inputResponses":{"sure":{"action":"accept","content":{"n":1.0}}}`, `"requestState":"s1"`, `"arguments":{"do":"it"}`, `"io.modelcontextprotocol/protocolVersion":"2026-07-28"`} {
		if !strings.Contains(raw, part) {
			t.Errorf("the second round was %s, without %s", raw, part)
		}
	}
	s.mu.Lock()
	var header http.Header // of the last call; lists go on beside it
	for _, seen := range s.seen {
		if seen.Get("Mcp-Method") == "tools/call" {
			header = seen
		}
	}
	s.mu.Unlock()
	if header.Get("Mcp-Name") != "act" || header.Get("Mcp-Param-Do") != "it" || header.Get("Mcp-Session-Id") != "" {
		t.Errorf("headers %v", header)
	}
}

func TestStatelessServerIsFollowed(t *testing.T) {
	s := stateless()
	listed := make(chan struct{}, 8)
	list := s.on["tools/list"]
	s.on["tools/list"] = func(w http.ResponseWriter, id, params json.RawMessage) {
		list(w, id, params)
		listed <- struct{}{}
	}
	w := prepare(t, at(serve(t, s)), mcpmount.Options{})
	w.RelistEvery(time.Hour)
	w.run()
	w.ready()
	<-listed
	<-listed // after the notifications
	for range 5 {
		if _, err := w.call(t.Context(), "shop__act", "x"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(listed); n > 0 {
		t.Errorf("it listed %d times more within the hour", n)
	}
}

func TestStatelessServerThatOnlyAsksIsGivenUp(t *testing.T) {
	s := stateless()
	s.calls(func(w http.ResponseWriter, id json.RawMessage) {
		reply(w, id, `{"resultType":"input_required","requestState":"again"}`)
	})
	w := start(t, at(serve(t, s)), mcpmount.Options{}).ready()
	w.refuses("shop__act", "x", tools.Failed)
	s.calls(func(w http.ResponseWriter, id json.RawMessage) {
		reply(w, id, `{"resultType":"input_required","inputRequests":{"x":{"method":"sampling/createMessage"}}}`)
	})
	if said := w.refuses("shop__act", "x", tools.Failed); !strings.Contains(said, "sampling/createMessage") {
		t.Error(said)
	}
}
