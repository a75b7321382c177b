package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// scriptedDoor is a chat door that tells the requests it got and answers with what
// the test writes.
type scriptedDoor struct {
	*httptest.Server
	mu        sync.Mutex
	asked     []string // the conversations, as JSON
	cancelled []string // runs
	keys      []string
	cancel    chan struct{} // closed by the first cancel
}

// serveScript serves answers, one a question; a nil one is a 404.
func serveScript(t *testing.T, answers ...func(w http.ResponseWriter, r *http.Request)) *scriptedDoor {
	t.Helper()
	d := &scriptedDoor{cancel: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"desk"}]}`)
	})
	mux.HandleFunc("POST /v1/runs/{run}/cancel", func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.cancelled = append(d.cancelled, r.PathValue("run")); len(d.cancelled) == 1 {
			close(d.cancel)
		}
		_, _ = io.WriteString(w, `{}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Model    string
			Stream   bool
			Messages json.RawMessage
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Model != "desk" || !body.Stream {
			t.Errorf("asked for %q, streamed %v (%v)", body.Model, body.Stream, err)
		}
		d.mu.Lock()
		n := len(d.asked)
		d.asked, d.keys = append(d.asked, string(body.Messages)), append(d.keys, r.Header.Get("Authorization"))
		d.mu.Unlock()
		w.Header().Set("X-Drawbridge-Run", fmt.Sprintf("run_%d", n+1))
		answers[min(n, len(answers)-1)](w, r)
	})
	d.Server = httptest.NewServer(mux)
	t.Cleanup(d.Close)
	return d
}

// saying streams words, then the end of a run in a state.
func saying(state string, deltas ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, ": working\n\n")
		for _, delta := range deltas {
			_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":%s}]}\n\n", delta)
			w.(http.Flusher).Flush()
		}
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"drawbridge\":{\"run\":\"run_x\",\"state\":%q,\"reason\":\"why\"}}\n\ndata: [DONE]\n\n", state)
	}
}

// chatWith pipes text into `drawbridge chat` with the door.
func chatWith(t *testing.T, d *scriptedDoor, text string, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(t.Context(), &console{in: strings.NewReader(text), out: &out, err: &errs, lookup: noEnvironment}, append([]string{"chat", "--url", d.URL + "/v1/"}, arguments...))
	return code, out.String(), errs.String()
}

func TestChatRemembersTheConversation(t *testing.T) {
	d := serveScript(t, saying("succeeded", `{"role":"assistant","content":""}`, `{"content":"Hel"}`, `{"content":"lo."}`), saying("succeeded", `{"content":"Ada."}`))
	code, out, errs := chatWith(t, d, "hello\n\nwho am I?\\\nI mean it\n/new\nwho?\n", "--key", "desk-key-0123456789")
	if code != exitDone || out != "Hello.\nAda.\nAda.\n" {
		t.Errorf("exit %d, said %q, %q", code, out, errs)
	}
	want := []string{
		`[{"role":"user","content":"hello"}]`,
		`[{"role":"user","content":"hello"},{"role":"assistant","content":"Hello."},{"role":"user","content":"who am I?\nI mean it"}]`,
		`[{"role":"user","content":"who?"}]`,
	}
	if !slices.Equal(d.asked, want) {
		t.Errorf("asked %q\nwant  %q", d.asked, want)
	}
	if d.keys[0] != "Bearer desk-key-0123456789" {
		t.Errorf("the key went out as %q", d.keys[0])
	}
}

func TestChatShowsToolsBesideTheWords(t *testing.T) {
	d := serveScript(t, saying("succeeded", `{"content":"Let me see."}`, `{"reasoning_content":"crm_get_customer ...\n"}`, `{"reasoning_content":"-> \u001b[31mok\n"}`, `{"content":"\u001b]0;x\u0007Ada."}`))
	code, out, errs := chatWith(t, d, "who?")
	if code != exitDone || out != "Let me see.\n]0;xAda.\n" {
		t.Errorf("exit %d, said %q", code, out)
	}
	if errs != "crm_get_customer ...\n-> [31mok\n" {
		t.Errorf("shown beside: %q", errs)
	}
}

func TestChatNobodySitsAtEndsWithAFailedTurn(t *testing.T) {
	refused := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}`)
	}
	broken := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n")
	}
	failing := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "data: {\"error\":{\"message\":\"the model is away\"}}\n\ndata: [DONE]\n\n")
	}
	for name, tt := range map[string]struct {
		answer    func(http.ResponseWriter, *http.Request)
		out, want string
	}{
		"refused":       {refused, "", "429 too many requests: slow down"},
		"failed run":    {saying("failed", `{"content":"Half."}`), "Half.\n", "run run_x failed: why"},
		"broken off":    {broken, "Hel\n", "the answer broke off"},
		"error at last": {failing, "", "the model is away"},
	} {
		d := serveScript(t, tt.answer)
		code, out, errs := chatWith(t, d, "hello\nand again\n")
		if code != exitFailed || out != tt.out || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit %d, said %q, %q; want %q, %q", name, code, out, errs, tt.out, tt.want)
		}
		if len(d.asked) != 1 {
			t.Errorf("%s: %d questions were asked, want that it ends with the first", name, len(d.asked))
		}
	}
}

func TestChatNeedsAnAgentThatThereIs(t *testing.T) {
	d := serveScript(t, saying("succeeded"))
	if code, _, errs := chatWith(t, d, "hello", "--agent", "nobody"); code != exitWrong || !strings.Contains(errs, `there is no agent "nobody" at`) || !strings.Contains(errs, "there are desk") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

// sitting is a conversation that somebody sits at, with a door.
func sitting(t *testing.T, d *scriptedDoor) (talking *talk, interrupts chan os.Signal, out, errs *bytes.Buffer) {
	out, errs, interrupts = &bytes.Buffer{}, &bytes.Buffer{}, make(chan os.Signal, 4)
	client := &chatClient{base: d.URL, agent: "desk", where: "here", http: d.Client(), close: nothingToClose}
	return &talk{console: &console{out: out, err: errs, lookup: noEnvironment}, door: client, interrupts: interrupts, lines: make(chan string), interactive: true}, interrupts, out, errs
}

// awaited is a writer that tells when certain words were written in one go.
type awaited struct {
	io.Writer
	words   string
	written chan struct{}
}

func (a *awaited) Write(p []byte) (int, error) {
	n, err := a.Writer.Write(p)
	if string(p) == a.words {
		close(a.written)
	}
	return n, err
}

func TestInterruptCancelsTheTurnAndTheNextOneLeaves(t *testing.T) {
	var d *scriptedDoor
	d = serveScript(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"I will\"}}]}\n\n")
		w.(http.Flusher).Flush()
		<-d.cancel
		saying("cancelled", `{"content":" Done: nothing."}`)(w, r)
	}, saying("succeeded", `{"content":"Yes."}`))
	talking, interrupts, out, errs := sitting(t, d)
	begun := &awaited{Writer: out, words: "I will", written: make(chan struct{})}
	talking.console.out = begun
	left := make(chan error, 1)
	go func() { left <- talking.run(t.Context()) }()
	talking.lines <- "refund everything"
	<-begun.written // so that the cancellation breaks into a line of words
	interrupts <- os.Interrupt
	talking.lines <- "still there?"
	talking.lines <- "" // taken at the prompt only
	interrupts <- os.Interrupt
	if err := <-left; err != nil {
		t.Error(err)
	}
	if !slices.Equal(d.cancelled, []string{"run_1"}) {
		t.Errorf("cancelled %v, want run_1", d.cancelled)
	}
	if !strings.Contains(out.String(), "I will\n Done: nothing.\n> ") || !strings.Contains(errs.String(), "the turn was cancelled") {
		t.Errorf("shown %q, %q", out, errs)
	}
	if want := `{"role":"assistant","content":"I will Done: nothing.\n\n[The user cancelled this turn here.]"}`; !strings.Contains(d.asked[1], want) {
		t.Errorf("the model is told %s, want in it %s", d.asked[1], want)
	}
}

func TestSecondInterruptDoesNotWaitForTheRun(t *testing.T) {
	d := serveScript(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the run never gives up
	})
	talking, interrupts, _, _ := sitting(t, d)
	left := make(chan error, 1)
	go func() { left <- talking.run(t.Context()) }()
	talking.lines <- "hello"
	interrupts <- os.Interrupt
	<-d.cancel
	interrupts <- os.Interrupt
	close(talking.lines)
	if err := <-left; err != nil {
		t.Error(err)
	}
}

func TestCommandsOfAChatAreNotAsked(t *testing.T) {
	d := serveScript(t, saying("succeeded", `{"content":"ok"}`))
	code, out, errs := chatWith(t, d, "/help\n/hlep\n/etc/passwd is a file\n/exit\nnever\n")
	if code != exitDone || !strings.Contains(out, "/new ") || !strings.Contains(errs, "there is no command /hlep") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	if want := []string{`[{"role":"user","content":"/etc/passwd is a file"}]`}; !slices.Equal(d.asked, want) {
		t.Errorf("asked %q, want %q", d.asked, want)
	}
}

func TestNothingThatIsShownReachesTheTerminalRaw(t *testing.T) {
	const hostile = `\u001b[2J\u009b1mred\u001b]0;x\u0007\u202egnp\u2028\r`
	fails := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, `{"error":{"message":"`+hostile+`"}}`)
	}
	inStream := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "data: {\"error\":{\"message\":\""+hostile+"\"}}\n\n")
	}
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"words": saying("succeeded", `{"content":"`+hostile+`"}`), "tools": saying("succeeded", `{"reasoning_content":"`+hostile+`"}`),
		"an error": fails, "an error in the stream": inStream,
	} {
		_, out, errs := chatWith(t, serveScript(t, answer), "hi")
		if shown := out + errs; !strings.Contains(shown, "[2J1mred]0;xgnp") || strings.ContainsAny(shown, "\x1b\u009b\a\u202e\u2028\r") {
			t.Errorf("%s: shown %q", name, shown)
		}
	}
	d := serveScript(t, inStream)
	talking, _, _, errs := sitting(t, d)
	go func() { talking.lines <- "hi"; close(talking.lines) }()
	if err := talking.run(t.Context()); err != nil || strings.ContainsAny(errs.String(), "\x1b\a") {
		t.Errorf("to a person: %q, %v", errs, err)
	}
}

func TestWhatCannotBeReadEndsAChatNobodySitsAt(t *testing.T) {
	for name, tt := range map[string]struct{ typed, want string }{
		"a line without an end": {"hi\n" + strings.Repeat("x", maxTyped+1), "a line of more than 1048576 bytes"},
		"no UTF-8":              {"hi\ncaf\xe9\nnever\n", "the message is not UTF-8"},
	} {
		d := serveScript(t, saying("succeeded", `{"content":"ok"}`))
		code, out, errs := chatWith(t, d, tt.typed)
		if code != exitFailed || out != "ok\n" || !strings.Contains(errs, tt.want) || len(d.asked) != 1 {
			t.Errorf("%s: exit %d, said %q, %q; asked %d times", name, code, out, errs, len(d.asked))
		}
	}
}

func TestRequestToStopCancelsTheTurnAndLeaves(t *testing.T) {
	var d *scriptedDoor
	d = serveScript(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-d.cancel
		saying("cancelled", `{"content":"Done: nothing."}`)(w, r)
	})
	talking, interrupts, out, _ := sitting(t, d)
	left := make(chan error, 1)
	go func() { left <- talking.run(t.Context()) }()
	talking.lines <- "hello"
	interrupts <- syscall.SIGTERM
	if err := <-left; !errors.Is(err, errSilent) || !strings.Contains(out.String(), "Done: nothing.") {
		t.Errorf("left with %v, shown %q", err, out)
	}
}
