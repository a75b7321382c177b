package chatapi_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"drawbridge/server/auth"
	"drawbridge/server/chatapi"
	"drawbridge/server/chatapi/chattest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// live serves the world's door over real HTTP.
func (w *world) live() *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.api.ServeHTTP(rw, r.WithContext(auth.With(r.Context(), w.key)))
	}))
	w.t.Cleanup(server.Close)
	return server
}

// open begins a stream.
func open(t testing.TB, server *httptest.Server) *http.Response {
	t.Helper()
	response, err := server.Client().Post(server.URL+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"desk","stream":true,"messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// next reads up to the next chunk that holds the text.
func next(t testing.TB, r *bufio.Reader, text string) string {
	t.Helper()
	var read strings.Builder
	for {
		line, err := r.ReadString('\n')
		read.WriteString(line)
		if err != nil {
			t.Fatalf("%v behind %s", err, read.String())
		}
		if strings.Contains(line, text) {
			return read.String()
		}
	}
}

func TestEachWordReachesTheClientBeforeTheNextIsSaid(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	gates := []chan struct{}{make(chan struct{}), make(chan struct{})}
	second, end := words(1, "two"), turned(1, "one two")
	second.Once, end.Once = gates[0], gates[1]
	second.Event.Text = " two"
	w.runs.Play(play(succeeded("one two"), words(1, "one"), second, end))
	response := open(t, w.live())
	body := bufio.NewReader(response.Body)
	read := next(t, body, `"content":"one"`)
	close(gates[0])
	read += next(t, body, `"content":" two"`)
	close(gates[1])
	rest, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if s := chattest.Read(strings.NewReader(read+string(rest)), chattest.Asked{}); len(s.Broken) > 0 || s.Content != "one two" {
		t.Errorf("said %q, broken %q", s.Content, s.Broken)
	}
}

func TestClosedConnectionLeavesTheRun(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	never := make(chan struct{})
	stuck := words(1, "two")
	stuck.Once = never
	x := play(succeeded(""), words(1, "one"), stuck)
	w.runs.Play(x)
	server := w.live()
	response := open(t, server)
	next(t, bufio.NewReader(response.Body), `"content":"one"`)
	_ = response.Body.Close()
	server.Close() // waits for the handler
	if x.Left() != 1 {
		t.Errorf("left %d times", x.Left())
	}
}

// BenchmarkWord measures what one word costs on its way through the door, from the
// run's event to the flushed chunk.
func BenchmarkWord(b *testing.B) {
	w := newWorld(b, chatapi.Options{KeepAlive: time.Second})
	steps := make([]chattest.Step, b.N)
	for i := range steps {
		steps[i] = words(1, " word")
	}
	w.runs.Play(play(succeeded(""), steps...))
	r := w.request(`{"model":"desk","stream":true,"messages":[{"role":"user","content":"hi"}]}`)
	b.ReportAllocs()
	b.ResetTimer()
	w.api.ServeHTTP(discard{http.Header{}}, r)
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header              { return d.header }
func (discard) Write(p []byte) (int, error)        { return len(p), nil }
func (discard) WriteHeader(int)                    {}
func (discard) Flush()                             {}
func (discard) SetWriteDeadline(_ time.Time) error { return nil }

// BenchmarkFirstByte measures a request over HTTP from its sending to its first word,
// with a run that speaks at once.
func BenchmarkFirstByte(b *testing.B) {
	w := newWorld(b, chatapi.Options{})
	server := w.live()
	for b.Loop() {
		w.runs.Play(play(succeeded("one"), words(1, "one"), turned(1, "one")))
		response := open(b, server)
		body := bufio.NewReader(response.Body)
		next(b, body, `"content":"one"`)
		_, _ = io.Copy(io.Discard, body)
		_ = response.Body.Close()
	}
}
