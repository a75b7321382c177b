package openaitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// witness is a test that fails without failing ours.
type witness struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (w *witness) Helper()          {}
func (w *witness) Cleanup(f func()) { w.cleanups = append(w.cleanups, f) }
func (w *witness) Errorf(format string, args ...any) {
	w.failures = append(w.failures, fmt.Sprintf(format, args...))
}

// finish ends the test and gives what it failed with.
func (w *witness) finish() []string {
	for _, f := range w.cleanups {
		f()
	}
	return w.failures
}

func TestBrokenRuleFailsTheTest(t *testing.T) {
	w := &witness{TB: t}
	s := New(w)
	if status, _, _, _ := post(t, s, chat, `{"model":"m","messages":[]}`); status != 400 {
		t.Errorf("answered %d", status)
	}
	if got := w.finish(); len(got) != 1 || !strings.Contains(got[0], "request 0: messages: ") {
		t.Errorf("failed with %q", got)
	}
}

func TestRequestWithoutAReplyFailsTheTest(t *testing.T) {
	w := &witness{TB: t}
	s := New(w)
	if status, _, _, _ := post(t, s, chat, hello); status != 500 {
		t.Errorf("answered %d", status)
	}
	if got := w.finish(); len(got) != 1 || !strings.Contains(got[0], "no reply left") {
		t.Errorf("failed with %q", got)
	}
}

func TestToleratedRuleIsListedOnly(t *testing.T) {
	w := &witness{TB: t}
	s := New(w)
	s.Tolerate()
	post(t, s, chat, `{"model":"m","messages":[]}`)
	if got := w.finish(); len(got) != 0 || len(s.Violations()) != 1 {
		t.Errorf("failed with %q, violations %v", got, s.Violations())
	}
}

func TestRepliesAreGivenInOrderAndThenTheRest(t *testing.T) {
	s := New(t)
	s.Always(Say("third"))
	s.Answer(Say("first"))
	s.Answer(Say("second"))
	for i, want := range []string{"first", "second", "third", "third"} {
		if _, _, body, _ := post(t, s, chat, hello); !strings.Contains(body, want) {
			t.Errorf("reply %d is %s, want %s", i, body, want)
		}
	}
	s.Func(func(q Request) Reply { return Say("you are " + q.Model) })
	if _, _, body, _ := post(t, s, chat, strings.Replace(hello, `"m"`, `"n"`, 1)); !strings.Contains(body, "you are n") {
		t.Errorf("answered %s", body)
	}
	s.Answer(Say("never"))
	if s.Unused() != 1 || len(s.Requests()) != 5 {
		t.Errorf("%d unused, %d requests", s.Unused(), len(s.Requests()))
	}
}

func TestRequestIsToldToTheTest(t *testing.T) {
	s := New(t)
	s.Always(Say("x"))
	post(t, s, chat, `{"model":"m","temperature":0.5,`+many(1)+`,"messages":[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},`+calling("c1")+`,`+returned("c1")+`]}`)
	q := s.Requests()[0]
	if q.API != Chat || q.Model != "m" || q.Stream || string(q.Member("temperature")) != "0.5" || q.Member("top_p") != nil || !q.Offers("f0") || q.Offers("f1") || q.Turn() != 2 {
		t.Errorf("told %+v", q)
	}
	if len(q.Messages) != 4 || q.Messages[1].Text != "ab" || len(q.Messages[1].Parts) != 2 || q.Messages[2].Calls[0] != (ToolCall{"c1", "f", "{}"}) || q.Last().CallID != "c1" {
		t.Errorf("told %+v", q.Messages)
	}
	if text, ok := q.Result("f"); text != "ok" || !ok {
		t.Errorf("result %q %v", text, ok)
	}
	if _, ok := q.Result("g"); ok {
		t.Error("a result of what was never called")
	}
}

func TestResponsesItemsAreToldAsMessages(t *testing.T) {
	s := New(t)
	s.Always(Say("x"))
	post(t, s, "/responses", `{"model":"m","instructions":"be brief","input":[`+asks+`,{"type":"message","role":"assistant","content":"let me see"},`+made("a")+`,`+made("b")+`,`+gave("a")+`,`+gave("b")+`]}`)
	q := s.Requests()[0]
	var roles []string
	for _, m := range q.Messages {
		roles = append(roles, m.Role)
	}
	if !slices.Equal(roles, []string{"system", "user", "assistant", "tool", "tool"}) || len(q.Messages[2].Calls) != 2 || q.Turn() != 2 || len(q.Items) != 6 {
		t.Errorf("told %v: %+v", roles, q.Messages)
	}
}

func TestSharedPrefixIsThatOfTheSameConversation(t *testing.T) {
	s := New(t)
	s.Always(Say("x"))
	long := `{"role":"user","content":"` + letters(5000) + `"}`
	first := `{"model":"m",` + many(2) + `,"messages":[` + long + `]}`
	post(t, s, chat, first)
	post(t, s, chat, hello)
	_, _, body, _ := post(t, s, chat, strings.Replace(first, long, long+`,{"role":"assistant","content":"y"},`+user, 1))
	post(t, s, chat, `{"model":"m",`+many(3)+`,"messages":[`+long+`]}`)
	q := s.Requests()
	if q[0].Shared != 0 || q[1].Shared != 0 || q[2].Shared != len(q[0].Prompt) || !bytes.HasPrefix(q[2].Prompt, q[0].Prompt) {
		t.Errorf("shared %d, %d, %d of %d", q[0].Shared, q[1].Shared, q[2].Shared, len(q[0].Prompt))
	}
	if !strings.Contains(body, `"cached_tokens":1280`) {
		t.Errorf("answered %s", body)
	}
	if q[3].Shared >= len(q[0].Prompt)/2 {
		t.Errorf("%d bytes shared behind a change of the definitions", q[3].Shared)
	}
}

func TestKeyAndModelsAreWhatTheOptionsSay(t *testing.T) {
	s := NewWith(t, Options{Key: "k", Models: []string{"m", "n"}})
	s.Always(Say("x"))
	for _, c := range []struct {
		method, path, key, body string
		status                  int
		want                    string
	}{
		{"POST", chat, "k", hello, 200, `"content":"x"`},
		{"POST", chat, "", hello, 401, `"code":"invalid_api_key"`},
		{"POST", chat, "k", strings.Replace(hello, `"m"`, `"o"`, 1), 404, `"code":"model_not_found"`},
		{"GET", "/models", "k", "", 200, `{"data":[{"id":"m","object":"model"`},
		{"GET", "/models/n", "k", "", 200, `"id":"n"`},
		{"GET", "/models/o", "k", "", 404, `"code":"model_not_found"`},
		{"GET", "/nothing", "k", "", 404, `Invalid URL (GET /v1/nothing)`},
	} {
		r := httptest.NewRequest(c.method, "/v1"+c.path, strings.NewReader(c.body))
		r.Header.Set("Authorization", "Bearer "+c.key)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s with %q: %d %s, want %d %s", c.method, c.path, c.key, w.Code, w.Body, c.status, c.want)
		}
	}
}

func TestReplyWaitsAtItsGate(t *testing.T) {
	s := New(t)
	gate := NewGate()
	s.Answer(Say("abc", Pieces(1), Hold(2, gate)))
	response := send(t, s, chat, helloStreamed)
	<-gate.Reached()
	before := make([]byte, 1<<16)
	n, err := response.Body.Read(before)
	for err == nil && bytes.Count(before[:n], []byte("data: ")) < 2 {
		var more int
		more, err = response.Body.Read(before[n:])
		n += more
	}
	if err != nil || bytes.Contains(before[:n], []byte(`"b"`)) {
		t.Fatalf("%v: before the gate came %s", err, before[:n])
	}
	gate.Open()
	rest, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Contains(rest, []byte(`"b"`)) || !bytes.Contains(rest, []byte("[DONE]")) {
		t.Errorf("%v: behind it %s", err, rest)
	}
}

func TestClosedServerLetsGoOfHeldReplies(t *testing.T) {
	s := New(t)
	gate := NewGate()
	s.Answer(Say("abc", Hold(1, gate)))
	response := send(t, s, chat, helloStreamed)
	<-gate.Reached()
	s.Close()
	if body, err := io.ReadAll(response.Body); bytes.Contains(body, []byte("abc")) {
		t.Errorf("%v: %s", err, body)
	}
	if _, err := http.Get(s.URL() + "/models"); err == nil {
		t.Error("a closed server answers")
	}
}

func TestSlowReplyTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHandler(Options{})
		h.Answer(Say("abc", Pieces(1), After(2*time.Second), Every(time.Second)), Say("never", After(time.Hour)))
		begun := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/v1"+chat, strings.NewReader(helloStreamed)))
		if took := time.Since(begun); took != 7*time.Second || !strings.Contains(w.Body.String(), "[DONE]") {
			t.Errorf("took %s for %s", took, w.Body)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w = httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/v1"+chat, strings.NewReader(hello)).WithContext(ctx))
		if took := time.Since(begun); took != 8*time.Second || w.Body.Len() > 0 {
			t.Errorf("took %s after the client had left, and answered %s", took, w.Body)
		}
	})
}

func TestManyClientsAtOnceEachGetTheirReply(t *testing.T) {
	s := NewWith(t, Options{Forget: true})
	s.Func(func(q Request) Reply { return Say("to " + q.Last().Text) })
	var clients sync.WaitGroup
	for i := range 50 {
		clients.Go(func() {
			want := fmt.Sprintf("to %d!", i)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest("POST", "/v1"+chat, strings.NewReader(fmt.Sprintf(`{"model":"m",%s,"messages":[{"role":"user","content":"%d!"}]}`, many(3), i))))
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("answered %s, want %s", w.Body, want)
			}
		})
	}
	clients.Wait()
	if len(s.Requests()) != 0 {
		t.Errorf("%d requests kept", len(s.Requests()))
	}
}

// FuzzRequest: whatever comes in, the server answers with 200 or with OpenAI's error.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{hello, helloStreamed, talk(calling("a"), returned("a")), chatWith(many(2)), put(made("a"), gave("a")), putWith(flat), `{}`, `[1]`, `{"model":"m","messages":[null,{"role":"tool"}],"tools":[null],"tool_choice":{}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{chat, "/responses"} {
			h := NewHandler(Options{})
			h.Always(Call("f", "{}", WithText("x"), WithReasoning("y"), Plain()))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/v1"+path, strings.NewReader(body)))
			var answer struct{ Error *problem }
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatalf("answered %q: %v", w.Body, err)
			}
			if refused := answer.Error != nil; refused != (w.Code == 400) || refused != (len(h.Violations()) > 0) {
				t.Errorf("%d with %v for %s", w.Code, h.Violations(), body)
			}
		}
	})
}
