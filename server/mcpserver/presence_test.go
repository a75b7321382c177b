package mcpserver_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"go.uber.org/goleak"

	"drawbridge/server/mcpserver"
)

// untilDone makes the fixture's tools wait for their end.
func (f *fixture) untilDone() (began chan struct{}, finish chan struct{}) {
	began, finish = make(chan struct{}, 100), make(chan struct{})
	f.do = func(ctx context.Context, in note) (saved, error) {
		began <- struct{}{}
		select {
		case <-ctx.Done():
		case <-finish:
		}
		return saved{ID: "n1", Text: in.Text}, ctx.Err()
	}
	return began, finish
}

const cancelTwo = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}`

// TestNobodyCancelsAnothersCall: requests of protocol 2026-07-28 have no session, so that
// numbers of all clients meet.
func TestNobodyCancelsAnothersCall(t *testing.T) {
	modern := func(method string) []string {
		return []string{"Authorization", "Bearer " + shopKey, mcp.HeaderProtocolVersion, "2026-07-28", mcp.HeaderMethod, method}
	}
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	f := newFixture(t, mcpserver.Options{})
	began, finish := f.untilDone()
	answered := make(chan answer, 1)
	go func() {
		answered <- f.send(t, http.MethodPost, "/mcp", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"note_read","arguments":{"text":"x"},`+meta+`}}`,
			append(modern("tools/call"), "Authorization", "Bearer "+deskKey, mcp.HeaderName, "note_read")...)
	}()
	await(t, began, "the call")
	for _, notice := range []string{
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,` + meta + `}}`,
		`{"jsonrpc":"2.0","METHOD":"notifications\/cancelled","params":{"requestId":2,` + meta + `}}`,
	} {
		if a := f.send(t, http.MethodPost, "/mcp", notice, modern("notifications/cancelled")...); a.status != http.StatusAccepted || a.body != "" {
			t.Errorf("the notice: %+v", a)
		}
	}
	session := f.openSession(t, "Authorization", "Bearer "+shopKey)
	if a := f.send(t, http.MethodPost, "/mcp", cancelTwo, "Authorization", "Bearer "+shopKey, "Mcp-Session-Id", session); a.status != http.StatusAccepted {
		t.Errorf("the notice of a session: %+v", a)
	}
	close(finish)
	if a := await(t, answered, "the answer"); a.status != http.StatusOK || !strings.Contains(a.body, `"n1"`) {
		t.Errorf("got %+v", a)
	}
	if row := f.rows(t, 1)[0]; row.Outcome != "ok" {
		t.Errorf("row %+v", row)
	}
}

// TestReadEndsWithItsStream: over SSE its answer could go nowhere else.
func TestReadEndsWithItsStream(t *testing.T) {
	for tool, outcome := range map[string]string{"note_read": "unavailable", "note_send": "ok"} {
		t.Run(tool, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{})
			began, finish := f.untilDone()
			ctx, leave := context.WithCancel(t.Context())
			_, endpoint := openStreamUntil(ctx, t, f, deskKey)
			f.post(t, endpoint, strings.TrimSpace(callLine(1, tool, "x")), deskKey, http.StatusAccepted)
			await(t, began, "the call")
			leave()
			if outcome == "ok" {
				close(finish)
			}
			if row := f.rows(t, 1)[0]; row.Outcome != outcome || row.Rule != "" {
				t.Errorf("row %+v", row)
			}
		})
	}
}

// TestCancelledCallGetsNoAnswerOverStdio: but the end waits for it, and its number can be used
// again.
func TestCancelledCallGetsNoAnswerOverStdio(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	began, finish := f.untilDone()
	p := servePipes(t.Context(), f)
	p.write(t, callLine(2, "note_read", "x"))
	await(t, began, "the call")
	p.write(t, cancelTwo+"\n")
	if row := f.rows(t, 1)[0]; row.Outcome != "cancelled" {
		t.Errorf("row %+v", row)
	}
	p.write(t, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}`+"\n") // there is none
	close(finish)
	p.write(t, callLine(3, "note_read", "three"))
	await(t, began, "the next call")
	_ = p.in.Close()
	if err := <-p.served; err != nil {
		t.Error(err)
	}
	if lines := p.rest(t); len(lines) != 1 || !strings.Contains(lines[0], "three") {
		t.Errorf("got %q", lines)
	}
}

func TestReadOfAResourceCanBeCancelled(t *testing.T) {
	f := newFixture(t, mcpserver.Options{Resources: []mcpserver.Resource{{Name: "notes", Description: "Notes.", Tool: "note_read", Argument: "text"}}})
	began, _ := f.untilDone()
	p := servePipes(t.Context(), f)
	p.write(t, `{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"drawbridge://notes/a"}}`+"\n")
	await(t, began, "the read")
	p.write(t, cancelTwo+"\n")
	if row := f.rows(t, 1)[0]; row.Outcome != "cancelled" {
		t.Errorf("row %+v", row)
	}
	_ = p.in.Close()
	if err := <-p.served; err != nil {
		t.Error(err)
	}
	if lines := p.rest(t); len(lines) != 0 {
		t.Errorf("got %q", lines)
	}
}

// TestClientThatGoesLeavesNothingRunning: in the middle of a stream, with a call under way.
func TestClientThatGoesLeavesNothingRunning(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	began, _ := f.untilDone()
	session := f.openSession(t)
	f.web.Client().CloseIdleConnections()
	before := goleak.IgnoreCurrent()
	ctx, leave := context.WithCancel(t.Context())
	const clients = 5
	for range clients {
		_, endpoint := openStreamUntil(ctx, t, f, deskKey)
		f.post(t, endpoint, strings.TrimSpace(callLine(1, "note_read", "x")), deskKey, http.StatusAccepted)
		go f.stream(ctx, http.MethodGet, "", "Mcp-Session-Id", session)
		body, headers := modernRequest("tools/call", "note_read", `"name":"note_read","arguments":{"text":"x"}`)
		go f.stream(ctx, http.MethodPost, body, headers...)
		body, headers = modernRequest("subscriptions/listen", "", `"notifications":{"toolsListChanged":true}`)
		go f.stream(ctx, http.MethodPost, body, headers...)
	}
	for range 2 * clients {
		await(t, began, "a call")
	}
	leave()
	f.rows(t, 2*clients)
	most := time.Now().Add(time.Minute)
	for {
		f.web.Client().CloseIdleConnections()
		left := goleak.Find(before)
		if left == nil {
			return
		}
		if time.Now().After(most) {
			t.Fatal(left)
		}
	}
}

// stream sends a request and reads what comes until it ends.
func (f *fixture) stream(ctx context.Context, method, body string, headers ...string) {
	r, err := http.NewRequestWithContext(ctx, method, f.web.URL+"/mcp", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+deskKey)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if response, err := f.web.Client().Do(r); err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}
