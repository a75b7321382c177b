package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// scriptPath is where the benchmarks' model plays the script, at once: its base URL, below
// the address of the model's process.
const scriptPath = "/script"

// benchCall is one call of the script.
type benchCall struct{ tool, arguments string }

// benchTurns are the calls of the script: 3 turns of 2, and then an answer. One turn
// changes something. What is asked for is in the sample data.
var benchTurns = [][]benchCall{
	{{"payment_get_payment", `{"payment_id":"pi_demo_1001"}`}, {"crm_get_customer", `{"customer":"cus_demo_ada"}`}},
	{{"crm_log_interaction", `{"customer":"cus_demo_ada","kind":"note","summary":"paid"}`}, {"crm_create_task", `{"title":"follow up","customer":"cus_demo_ada"}`}},
	{{"crm_search_orders", `{"customer":"cus_demo_ada"}`}, {"crm_search_customers", `{"q":"ada"}`}},
}

// benchAnswers is how often the model is asked in a run.
var benchAnswers = len(benchTurns) + 1

// benchScripted is a model that plays the script, streamed as models do, by how many
// results a question holds. It notes when the first question of a run arrived.
type benchScripted struct {
	mu    sync.Mutex
	held  chan struct{} // closed when answers go out again; nil while they do
	first []firstQuestion
}

// firstQuestion is a run's, by a mark in its prompt.
type firstQuestion struct {
	Mark string
	At   int64 // unix nanoseconds
}

var (
	resultRole  = []byte(`"role":"tool"`)
	scriptedOut = scripted()
)

// benchMark stands before what tells runs apart, where somebody wants to.
const benchMark = "marked:"

func (s *benchScripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case scriptPath + "/hold":
		s.hold()
		return
	case scriptPath + "/release":
		s.release()
		return
	case scriptPath + "/first":
		s.tellFirst(w)
		return
	}
	body := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(r.Body); err != nil {
		return
	}
	turn := bytes.Count(body.Bytes(), resultRole) / 2
	if turn >= len(scriptedOut) {
		http.Error(w, "the script has no such turn", http.StatusBadRequest)
		return
	}
	if turn == 0 {
		s.begun(body.Bytes())
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = w.Write(scriptedOut[turn])
}

// begun notes a first question, and waits while questions are held.
func (s *benchScripted) begun(body []byte) {
	now := time.Now()
	s.mu.Lock()
	if _, behind, marked := bytes.Cut(body, []byte(benchMark)); marked {
		mark, _, _ := bytes.Cut(behind, []byte(" "))
		s.first = append(s.first, firstQuestion{string(mark), now.UnixNano()})
	}
	held := s.held
	s.mu.Unlock()
	if held != nil {
		<-held
	}
}

func (s *benchScripted) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = make(chan struct{})
	}
}

func (s *benchScripted) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil {
		close(s.held)
		s.held = nil
	}
}

func (s *benchScripted) tellFirst(w http.ResponseWriter) {
	s.mu.Lock()
	first := s.first
	s.first = nil
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(first)
}

// scripted writes the streams of the script's answers.
func scripted() [][]byte {
	const event = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench\",\"choices\":[%s]%s}\n\n"
	stream := func(delta, finish string) []byte {
		return fmt.Appendf(nil, event+event+event+"data: [DONE]\n\n",
			fmt.Sprintf(`{"index":0,"delta":%s,"finish_reason":null}`, delta), "",
			fmt.Sprintf(`{"index":0,"delta":{},"finish_reason":%q}`, finish), "",
			"", `,"usage":{"prompt_tokens":7000,"completion_tokens":40,"total_tokens":7040}`)
	}
	var out [][]byte
	for turn, calls := range benchTurns {
		written := make([]string, len(calls))
		for i, call := range calls {
			written[i] = fmt.Sprintf(`{"index":%d,"id":"call_%d_%d","type":"function","function":{"name":%q,"arguments":%q}}`, i, turn, i, call.tool, call.arguments)
		}
		out = append(out, stream(`{"role":"assistant","content":null,"tool_calls":[`+strings.Join(written, ",")+`]}`, "tool_calls"))
	}
	return append(out, stream(`{"role":"assistant","content":"done"}`, "stop"))
}

// scriptedModel is the model's process, as far as it plays the script.
type scriptedModel struct {
	url string // its base URL is url + "/v1"
	pid int
}

func startScripted(b *testing.B) scriptedModel {
	b.Helper()
	url, pid := startBenchModel(b)
	return scriptedModel{strings.TrimSuffix(url, "/v1") + scriptPath, pid}
}

// holds has questions wait until [scriptedModel.goesOn].
func (m scriptedModel) holds(b *testing.B)  { m.get(b, "/hold", nil) }
func (m scriptedModel) goesOn(b *testing.B) { m.get(b, "/release", nil) }

// firstQuestions gives when the first questions of marked runs arrived, and forgets them.
func (m scriptedModel) firstQuestions(b *testing.B) map[string]time.Time {
	b.Helper()
	var first []firstQuestion
	m.get(b, "/first", &first)
	at := make(map[string]time.Time, len(first))
	for _, f := range first {
		at[f.Mark] = time.Unix(0, f.At)
	}
	return at
}

func (m scriptedModel) get(b *testing.B, path string, into any) {
	b.Helper()
	response, err := http.Get(m.url + path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if into == nil {
		return
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		b.Fatal(err)
	}
}
