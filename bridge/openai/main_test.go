package openai

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server and gives the options of a client of it.
func serve(t testing.TB, handler http.HandlerFunc) Options {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := newHTTPClient()
	t.Cleanup(client.CloseIdleConnections)
	return Options{BaseURL: server.URL + "/v1", APIKey: key, HTTPClient: client}
}

// streaming is a client of a server that answers everything with one body.
func streaming(t testing.TB, api API, body string) *Client {
	t.Helper()
	o := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, body)
	})
	o.API = api
	return New(o)
}

// listen asks and gives what was heard besides.
func listen(asks interface {
	Complete(context.Context, Request) (Answer, error)
}, r Request) (answer Answer, heard []string, err error) {
	r.Hear = Listener{
		Text:  func(delta string) { heard = append(heard, delta) },
		Again: func() { heard = append(heard, "(again)") },
	}
	answer, err = asks.Complete(context.Background(), r)
	return answer, heard, err
}

func newReader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }
