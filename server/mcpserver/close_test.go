package mcpserver_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/mcpserver"
)

// addNothing is refused by the guard in any case.
const addNothing = `{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"note_add"}}`

// held makes the fixture's tools wait: started tells of each call.
func (f *fixture) held() (started, finish chan struct{}) {
	started, finish = make(chan struct{}, 10), make(chan struct{})
	f.do = func(ctx context.Context, in note) (saved, error) {
		started <- struct{}{}
		<-finish
		return saved{ID: "n1", Text: in.Text}, ctx.Err()
	}
	return started, finish
}

func TestCloseAnswersWhatIsUnderWayAndEndsEveryStream(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	started, finish := f.held()
	session := f.openSession(t)
	stream, endpoint := openStream(t, f, deskKey)

	// One call over each transport, and an open GET stream beside them.
	answered := make(chan answer, 1)
	go func() { answered <- f.send(t, http.MethodPost, "/mcp", addNote, server.HeaderKeySessionID, session) }()
	f.post(t, endpoint, addNote, deskKey, 202)
	<-started
	<-started
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.send(t, http.MethodGet, "/mcp", "", server.HeaderKeySessionID, session)
	}()

	closed := make(chan error, 1)
	go func() { closed <- f.Close(t.Context()) }()
	for refused := false; !refused; { // so it has begun
		a := f.send(t, http.MethodPost, "/mcp", addNothing, server.HeaderKeySessionID, session)
		refused = strings.Contains(a.body, "shutting down")
	}
	select {
	case err := <-closed:
		t.Fatalf("closed with calls under way: %v", err)
	default:
	}
	close(finish)
	if err := <-closed; err != nil {
		t.Errorf("closing: %v", err)
	}
	if a := <-answered; a.status != 200 || !strings.Contains(a.body, `"n1"`) {
		t.Errorf("over HTTP: %+v", a)
	}
	if event := stream.next(t); !strings.Contains(event, `"n1"`) {
		t.Errorf("over SSE: %q", event)
	}
	if event := stream.next(t); event != "" {
		t.Errorf("the stream goes on: %q", event)
	}
	<-ended
}

func TestListenerShutsDownAtOnceAfterClose(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	session := f.openSession(t)
	openStream(t, f, deskKey)
	go func() {
		r, _ := http.NewRequest(http.MethodGet, f.web.URL+"/mcp", nil)
		r.Header.Set("Authorization", "Bearer "+deskKey)
		r.Header.Set(server.HeaderKeySessionID, session)
		if response, err := f.web.Client().Do(r); err == nil {
			_ = response.Body.Close()
		}
	}()
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Streams that open between Close and Shutdown end too.
	stream, _ := f.SSE()
	w := httptest.NewRecorder()
	stream.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/sse", nil))

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := f.web.Config.Shutdown(ctx); err != nil {
		t.Errorf("shutting down: %v", err)
	}
}

func TestCloseLeavesACallBehindWhenItsTimeIsUp(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	started, finish := f.held()
	session := f.openSession(t)
	answered := make(chan answer, 1)
	go func() { answered <- f.send(t, http.MethodPost, "/mcp", addNote, server.HeaderKeySessionID, session) }()
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := f.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(finish)
	if row := f.rows(t, 1)[0]; row.Outcome != "ok" {
		t.Errorf("row %+v", row)
	}
	<-answered
}

func TestCloseEndsASubscription(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectHTTP(t, f, desk)
	ended, listening := make(chan error, 1), make(chan struct{})
	s.OnNotification(func(n mcp.JSONRPCNotification) {
		if n.Method == mcp.MethodNotificationSubscriptionsAcknowledged {
			close(listening)
		}
	})
	go func() { ended <- s.Listen(s.ctx, mcp.SubscriptionFilter{ToolsListChanged: true}) }()
	await(t, listening, "the subscription")
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, ended, "its end")
}
