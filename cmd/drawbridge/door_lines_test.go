package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// doorLine is a client at a door of the built program, at the level of messages: it sees
// what a library would hide, such as an answer that nobody waits for.
type doorLine struct {
	send   func(t *testing.T, id int, message string) // answers come as they come
	cancel func(t *testing.T, id int)
	store  string // path of the program's store
	silent bool   // no answer comes for a request that was cancelled

	answers chan string
}

const (
	helloLine  = `{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
)

func toolCall(id int, tool, thing, meta string) string {
	if meta != "" {
		meta = "," + meta
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{"id":%q}%s}}`, id, tool, thing, meta)
}

func cancelNotice(id int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, id)
}

// answer gives the answer to the request of that id, and those that came before it.
func (l *doorLine) answer(t *testing.T, id int) (answer string, before []string) {
	t.Helper()
	for message := range l.answers {
		var m struct {
			ID     any
			Method string
		}
		if json.Unmarshal([]byte(message), &m) != nil {
			t.Fatalf("no message: %.300q", message)
		}
		if n, is := m.ID.(float64); is && m.Method == "" {
			if int(n) == id {
				return message, before
			}
			before = append(before, message)
		}
	}
	t.Fatal("the door closed")
	return "", nil
}

// call makes a call.
func (l *doorLine) call(t *testing.T, id int, tool, thing, meta string) {
	t.Helper()
	l.send(t, id, toolCall(id, tool, thing, meta))
}

// post sends a message over HTTP and hands on what comes back.
func (l *doorLine) post(ctx context.Context, address, message string, headers ...string) (http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(message))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		l.events(response.Body)
		return response.Header, nil
	}
	body, err := io.ReadAll(response.Body)
	if len(body) > 0 {
		l.answers <- string(body)
	}
	return response.Header, err
}

// events hands on the messages of a stream until it ends.
func (l *doorLine) events(stream io.Reader) {
	for lines := bufio.NewReader(stream); ; {
		line, err := lines.ReadString('\n')
		if data, is := strings.CutPrefix(line, "data:"); is {
			l.answers <- strings.TrimSpace(data)
		}
		if err != nil {
			return
		}
	}
}

// sessionLine is streamable HTTP before protocol 2026-07-28.
func sessionLine(t *testing.T, base string) *doorLine {
	l := &doorLine{answers: make(chan string, 100)}
	header, err := l.post(t.Context(), base+"/mcp", helloLine)
	if err != nil {
		t.Fatal(err)
	}
	<-l.answers
	session := header.Get("Mcp-Session-Id")
	l.send = func(t *testing.T, _ int, message string) {
		go func() { _, _ = l.post(t.Context(), base+"/mcp", message, "Mcp-Session-Id", session) }()
	}
	l.cancel = func(t *testing.T, id int) {
		if _, err := l.post(t.Context(), base+"/mcp", cancelNotice(id), "Mcp-Session-Id", session); err != nil {
			t.Error(err)
		}
	}
	return l
}

// statelessLine is streamable HTTP since then: to close the stream is to cancel.
func statelessLine(t *testing.T, base string) *doorLine {
	l := &doorLine{answers: make(chan string, 100), silent: true}
	var mu sync.Mutex
	open := map[int]context.CancelFunc{}
	l.send = func(t *testing.T, id int, message string) {
		ctx, cancel := context.WithCancel(t.Context())
		mu.Lock()
		open[id] = cancel
		mu.Unlock()
		var m struct{ Params struct{ Name string } }
		_ = json.Unmarshal([]byte(message), &m)
		go func() {
			_, _ = l.post(ctx, base+"/mcp", message, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", m.Params.Name)
		}()
	}
	l.cancel = func(_ *testing.T, id int) {
		mu.Lock()
		defer mu.Unlock()
		open[id]()
	}
	return l
}

// streamLine is HTTP+SSE.
func streamLine(t *testing.T, base string) *doorLine {
	l := &doorLine{answers: make(chan string, 100)}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/sse", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	go func() { defer close(l.answers); l.events(response.Body) }()
	address := base + <-l.answers
	post := func(t *testing.T, message string) {
		if _, err := l.post(t.Context(), address, message); err != nil {
			t.Error(err)
		}
	}
	l.send = func(t *testing.T, _ int, message string) { post(t, message) }
	l.cancel = func(t *testing.T, id int) { post(t, cancelNotice(id)) }
	post(t, helloLine)
	<-l.answers
	return l
}

// stdioLine is the program as a child of its client.
func stdioLine(t *testing.T, settings, tool string) (*doorLine, *assistant) {
	a := startAssistant(t, settings)
	a.begin(t, tool)
	l := &doorLine{answers: make(chan string, 100), store: a.store, silent: true}
	go func() {
		defer close(l.answers)
		for {
			line, err := a.lines.ReadString('\n')
			if err != nil {
				return
			}
			l.answers <- line
		}
	}()
	l.send = func(t *testing.T, _ int, message string) { a.say(t, message+"\n") }
	l.cancel = func(t *testing.T, id int) { a.say(t, cancelNotice(id)+"\n") }
	return l, a
}
