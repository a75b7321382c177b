package mcpmount_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/mcpmount/mcpmounttest"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// library is a server made with mcp-go: a tool that works, one that asks and one
// that adds another.
func library() *server.MCPServer {
	s := server.NewMCPServer("library", "1", server.WithToolCapabilities(true), server.WithElicitation())
	s.AddTool(mcp.NewTool("greet", mcp.WithString("name")), func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText("hello " + r.GetString("name", "")), nil
	})
	s.AddTool(mcp.NewTool("grow"), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		s.AddTool(mcp.NewTool("grown"), nil)
		return mcp.NewToolResultText("grown"), nil
	})
	s.AddTool(mcp.NewTool("ask"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		result, err := s.RequestElicitation(ctx, mcp.ElicitationRequest{Params: mcp.ElicitationParams{
			Message: "Sure?", RequestedSchema: map[string]any{"type": "object"},
		}})
		if err != nil {
			return nil, err
		}
		return mcp.NewToolResultText(string(result.Action)), nil
	})
	return s
}

func at(url string) mcpmount.Settings {
	return mcpmount.Settings{
		Name: "shop", URL: url, TrustChanges: true,
		Headers:      map[string]string{"Authorization": "Bearer hunter2-hunter2"},
		StartTimeout: 5 * time.Second, CallTimeout: 5 * time.Second, MaxMessage: 1 << 20,
	}
}

func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return s.URL
}

func TestStreamableHTTPServerIsMounted(t *testing.T) {
	handler := server.NewStreamableHTTPServer(library(), server.WithStateful(true))
	w := start(t, at(serve(t, handler)), mcpmount.Options{}).ready()
	tryLibrary(t, w)
	questions := make(chan tools.Question, 1)
	raw, err := w.tool("shop__ask").Call(answering(t, questions, tools.Reply{Action: tools.Decline}, nil), nil)
	if err != nil || !strings.Contains(string(raw), "decline") {
		t.Errorf("asking over HTTP: %s, %v", raw, err)
	}
}

func TestSSEServerIsMounted(t *testing.T) {
	mux := http.NewServeMux()
	address := serve(t, mux)
	sse := server.NewSSEServer(library(), server.WithBaseURL(address))
	mux.Handle("/sse", sse.SSEHandler())
	mux.Handle("/message", sse.MessageHandler())
	t.Cleanup(sse.CloseSessions)
	w := start(t, at(address+"/sse"), mcpmount.Options{}).ready()
	tryLibrary(t, w)
	if s := w.Status(); s.Server != "library" {
		t.Errorf("status %+v", s)
	}
}

func tryLibrary(t *testing.T, w world) {
	t.Helper()
	raw, err := w.tool("shop__greet").Call(t.Context(), json.RawMessage(`{"name":"Ada"}`))
	if err != nil || !strings.Contains(string(raw), "hello Ada") {
		t.Errorf("greeting: %s, %v", raw, err)
	}
	if _, err := w.tool("shop__grow").Call(t.Context(), nil); err != nil {
		t.Error(err)
	}
	w.eventually("the new tool is offered", func() bool { return strings.Contains(w.names(), "shop__grown") })
}

func TestStatusesOfACallSayWhatIsKnownOfIt(t *testing.T) {
	s := newScript()
	settings := at(serve(t, s))
	settings.Effects = map[string]tools.Effect{"look": tools.Read}
	w := start(t, settings, mcpmount.Options{}).ready()
	for status, want := range map[int][2]tools.Code{
		http.StatusTooManyRequests:       {tools.RateLimited, tools.RateLimited},
		http.StatusConflict:              {tools.Unavailable, tools.Unavailable},
		http.StatusForbidden:             {tools.Denied, tools.Denied},
		http.StatusInternalServerError:   {tools.OutcomeUnknown, tools.Unavailable},
		http.StatusRequestTimeout:        {tools.OutcomeUnknown, tools.Unavailable},
		http.StatusPermanentRedirect:     {tools.Unavailable, tools.Unavailable},
		http.StatusOK:                    {tools.OutcomeUnknown, tools.Unavailable}, // and no answer in it
		http.StatusRequestEntityTooLarge: {tools.Unavailable, tools.Unavailable},
	} {
		s.calls(func(w http.ResponseWriter, _ json.RawMessage) { w.WriteHeader(status) })
		w.refuses("shop__act", "x", want[0])
		w.refuses("shop__look", "x", want[1])
	}
	s.calls(func(w http.ResponseWriter, id json.RawMessage) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"jsonrpc\":")
	})
	w.refuses("shop__act", "x", tools.OutcomeUnknown)
	s.calls(func(w http.ResponseWriter, id json.RawMessage) {
		reply(w, id, `{"content":[],"x":"`+strings.Repeat("x", 2<<20)+`"}`)
	})
	w.refuses("shop__act", "x", tools.OutcomeUnknown)
	s.calls(func(w http.ResponseWriter, id json.RawMessage) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"bad"}}`, id)
	})
	w.refuses("shop__act", "x", tools.Invalid)
}

func TestListWithoutBoundsIsRefused(t *testing.T) {
	s := newScript()
	s.on["tools/list"] = func(w http.ResponseWriter, id, _ json.RawMessage) {
		reply(w, id, `{"tools":[`+strings.Repeat(`{"name":"x"},`, 5000)+`{"name":"y"}]}`)
	}
	w := start(t, at(serve(t, s)), mcpmount.Options{})
	<-w.Settled()
	if got := w.Status(); !strings.Contains(got.LastError, "more than 5000") {
		t.Errorf("status %+v", got)
	}
}

func TestToolThatTakesAnothersNameIsLeftOut(t *testing.T) {
	s := newScript()
	taken := strings.TrimPrefix(mcpmount.OfferedName("shop", "a b"), "shop__")
	s.on["tools/list"] = func(w http.ResponseWriter, id, _ json.RawMessage) {
		reply(w, id, `{"tools":[{"name":"a b"},{"name":"`+taken+`"}]}`)
	}
	w := start(t, at(serve(t, s)), mcpmount.Options{}).ready()
	if out := w.Status().LeftOut; w.names() != "shop__"+taken || len(out) != 1 || out[0].Tool != "a b" {
		t.Errorf("it offers %q and leaves out %v", w.names(), out)
	}
}

func TestExpiredSessionIsRenewedAndTheCallMadeOnce(t *testing.T) {
	for how, gone := range map[string]func(http.ResponseWriter){
		"as the protocol has it": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"as many servers have it": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID"}}`)
		},
	} {
		t.Run(how, func(t *testing.T) { expireOnce(t, gone) })
	}
}

func expireOnce(t *testing.T, gone func(http.ResponseWriter)) {
	s := newScript()
	var calls atomic.Int32
	s.calls(func(w http.ResponseWriter, id json.RawMessage) {
		if calls.Add(1) == 1 {
			gone(w)
			return
		}
		reply(w, id, `{"content":[]}`)
	})
	w := start(t, at(serve(t, s)), mcpmount.Options{}).ready()
	if _, err := w.call(t.Context(), "shop__act", "x"); err != nil || calls.Load() != 2 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.seen[len(s.seen)-1]
	if !strings.HasPrefix(last.Get("Mcp-Session-Id"), "session-") || last.Get("Mcp-Session-Id") == "session-1" ||
		last.Get("Mcp-Protocol-Version") != "2025-06-18" || last.Get("Authorization") != "Bearer hunter2-hunter2" {
		t.Errorf("headers of the second call: %v", last)
	}
}

// TestCallUnderWayIsUnknownWhenAnotherEndsTheConnection: that the server turned one
// call away says nothing of another that it was working on.
func TestCallUnderWayIsUnknownWhenAnotherEndsTheConnection(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusUnauthorized} {
		s := newScript()
		working, ended := make(chan struct{}), make(chan struct{})
		var made atomic.Int32
		s.on["tools/call"] = func(w http.ResponseWriter, id, params json.RawMessage) {
			switch {
			case !strings.Contains(string(params), "slow"):
				w.WriteHeader(status)
			case made.Add(1) == 1:
				close(working)
				<-ended
			default:
				reply(w, id, `{"content":[]}`)
			}
		}
		w := start(t, at(serve(t, s)), mcpmount.Options{}).ready()
		slow := make(chan error, 1)
		go func() {
			_, err := w.call(t.Context(), "shop__act", "slow")
			slow <- err
		}()
		<-working
		w.refuses("shop__act", "be turned away", tools.Unavailable)
		err := <-slow
		close(ended)
		if tools.CodeOf(err) != tools.OutcomeUnknown || made.Load() != 1 {
			t.Errorf("after status %d of another, the call was made %d times: %v", status, made.Load(), err)
		}
	}
}

func TestForbiddenCallEndsNothingElse(t *testing.T) {
	s := newScript()
	s.calls(func(w http.ResponseWriter, _ json.RawMessage) { w.WriteHeader(http.StatusForbidden) })
	w := start(t, at(serve(t, s)), mcpmount.Options{}).ready()
	w.refuses("shop__act", "x", tools.Denied)
	s.calls(func(w http.ResponseWriter, id json.RawMessage) { reply(w, id, `{"content":[]}`) })
	if _, err := w.call(t.Context(), "shop__look", "x"); err != nil || w.Status().Restarts != 0 {
		t.Errorf("the next call: %v; status %+v", err, w.Status())
	}
}

// TestEachStreamsQuestionGoesToItsOwnCall: over HTTP the response says which call a
// question belongs to, even of several at once.
func TestEachStreamsQuestionGoesToItsOwnCall(t *testing.T) {
	s := newScript()
	answers := map[string]chan string{"a": make(chan string, 1), "b": make(chan string, 1)}
	var both sync.WaitGroup
	both.Add(2)
	s.on["tools/call"] = func(w http.ResponseWriter, id, params json.RawMessage) {
		var p struct{ Arguments struct{ Do string } }
		_ = json.Unmarshal(params, &p)
		both.Done()
		both.Wait() // until both are under way
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"elicitation/create\",\ndata: \"params\":{\"message\":\"%[1]s?\",\"requestedSchema\":{}}}\n\n", p.Arguments.Do)
		fmt.Fprintf(w, ": a comment\nid: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s,\"progress\":1}}\n\n", id)
		w.(http.Flusher).Flush()
		fmt.Fprintf(w, "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[],\"structuredContent\":{\"said\":%s}}}\r\n\r\n", id, <-answers[p.Arguments.Do])
	}
	s.on[""] = func(w http.ResponseWriter, id, _ json.RawMessage) {
		answers[strings.Trim(string(id), `"`)] <- `"thanks"`
		w.WriteHeader(http.StatusAccepted)
	}
	w := start(t, at(serve(t, s)), mcpmount.Options{}).ready()
	var all sync.WaitGroup
	for _, who := range []string{"a", "b"} {
		all.Go(func() {
			questions, reports := make(chan tools.Question, 1), make(chan tools.Progress, 1)
			ctx := tools.WithProgress(answering(t, questions, tools.Reply{Action: tools.Accept}, nil), func(p tools.Progress) { reports <- p })
			raw, err := w.call(ctx, "shop__act", who)
			if q := <-questions; err != nil || !strings.Contains(raw, "thanks") || !strings.HasSuffix(q.Message, " "+who+"?") || len(reports) != 1 {
				t.Errorf("call %s: %s, %v; it was asked %q, %d reports", who, raw, err, q.Message, len(reports))
			}
		})
	}
	all.Wait()
}

func TestResponseThatBrokeOffIsTakenUpAgain(t *testing.T) {
	s := newScript()
	var call atomic.Value
	s.calls(func(w http.ResponseWriter, id json.RawMessage) {
		call.Store(string(id))
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: e1\nretry: 20\ndata:\n\nid: never finished")
	})
	streams := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after := r.Header.Get("Last-Event-ID")
		if r.Method != http.MethodGet || after == "" {
			s.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		switch after {
		case "e1":
			fmt.Fprint(w, "id: e2\ndata:\n\n")
		case "e2":
			fmt.Fprintf(w, "id: e3\ndata: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[]}}\n\n", call.Load())
		}
	})
	w := start(t, at(serve(t, streams)), mcpmount.Options{}).ready()
	if raw, err := w.call(t.Context(), "shop__act", "x"); err != nil {
		t.Errorf("%s, %v", raw, err)
	}
	s.calls(func(w http.ResponseWriter, _ json.RawMessage) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: nothing follows\nretry: 20\ndata:\n\n")
	})
	if said := w.refuses("shop__act", "x", tools.OutcomeUnknown); !strings.Contains(said, "ended without the answer") {
		t.Error(said)
	}
}

func TestPageToVisitFirstIsShownAndTheCallTurnedAway(t *testing.T) {
	s := newScript()
	s.calls(func(w http.ResponseWriter, id json.RawMessage) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32042,"message":"sign in","data":{"elicitations":[{"mode":"url","url":"https://example.com/in","message":"Sign in"}]}}}`, id)
	})
	w := start(t, at(serve(t, s)), mcpmount.Options{}).ready()
	questions := make(chan tools.Question, 1)
	_, err := w.call(answering(t, questions, tools.Reply{Action: tools.Accept}, nil), "shop__act", "x")
	if q := <-questions; tools.CodeOf(err) != tools.Conflict || q.URL != "https://example.com/in" {
		t.Errorf("visited: %v; question %+v", err, q)
	}
	w.refuses("shop__act", "x", tools.Denied)
}

func TestRefusedCredentialsAreSaidAndNotTriedAgainAndAgain(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		s := newScript()
		s.on["initialize"] = func(w http.ResponseWriter, _, _ json.RawMessage) { w.WriteHeader(status) }
		book := mcpmounttest.NewBook()
		hash, err := mcpmount.HashOf(`{"name":"act"}`)
		if err == nil {
			err = book.Keep(t.Context(), "shop", []mcpmount.Definition{{Tool: "act", Hash: hash, JSON: []byte(`{"name":"act"}`)}}, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		w := start(t, at(serve(t, s)), mcpmount.Options{Book: book})
		<-w.Settled()
		if got := w.Status(); !strings.Contains(got.LastError, "refused our credentials") || strings.Contains(w.log.String(), "hunter2") {
			t.Errorf("status %+v", got)
		}
		if !strings.Contains(w.log.String(), "retry_in=1h0m0s") {
			t.Errorf("it tries again too soon: %s", w.log)
		}
		if said := w.refuses("shop__act", "x", tools.Unavailable); !strings.Contains(said, "credentials") {
			t.Errorf("a call meanwhile: %s", said)
		}
	}
}

func TestRedirectToAnotherHostIsNotFollowed(t *testing.T) {
	var leaked atomic.Bool
	thief := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Store(true) }))
	s := newScript()
	w := start(t, at(serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			s.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, "/moved", http.StatusPermanentRedirect)
	}))), mcpmount.Options{}).ready()
	s.calls(func(w http.ResponseWriter, _ json.RawMessage) {
		w.Header().Set("Location", thief)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	w.refuses("shop__act", "x", tools.Unavailable)
	if leaked.Load() {
		t.Error("the other host was called")
	}
}

func TestSSEServerCannotSendOurMessagesElsewhere(t *testing.T) {
	var leaked atomic.Bool
	thief := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Store(true) }))
	w := start(t, at(serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "event: endpoint\ndata: %s/take\n\n", thief)
	}))), mcpmount.Options{})
	<-w.Settled()
	if s := w.Status(); leaked.Load() || !strings.Contains(s.LastError, "another host") {
		t.Errorf("status %+v", s)
	}
}

func TestServerThatIsNotThereIsUnavailable(t *testing.T) {
	s := httptest.NewServer(newScript())
	settings := at(s.URL + "/?token=hunter2") // too short to be found in texts by itself
	settings.CallTimeout = 100 * time.Millisecond
	settings.Effects = map[string]tools.Effect{"look": tools.Read}
	w := start(t, settings, mcpmount.Options{}).ready()
	s.CloseClientConnections()
	s.Close()
	if said := w.refuses("shop__look", "x", tools.Unavailable); strings.Contains(said, "hunter2") {
		t.Error(said)
	}
	// Until the last idle connection is found dead, nobody knows.
	w.eventually("a call is known not to have left", func() bool {
		_, err := w.call(t.Context(), "shop__act", "x")
		return tools.CodeOf(err) == tools.Unavailable
	})
	w.eventually("it waits", func() bool { return w.Status().State == mcpmount.Waiting })
	if s := w.Status(); strings.Contains(s.LastError, "hunter2") || !strings.Contains(s.LastError, "refused") {
		t.Errorf("status %+v", s)
	}
}
