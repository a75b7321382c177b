package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"drawbridge/server/guard"
)

// assistant is a desktop assistant of the test's that started `drawbridge mcp`, at the
// level of lines.
type assistant struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *os.File
	lines *bufio.Reader
	said  *strings.Builder // its log; read after the end
	store string
}

// startAssistant gives the program the settings on top of a store of its own.
func startAssistant(t *testing.T, settings string) *assistant {
	t.Helper()
	return startAssistantOn(t, settingsFile(t, settings))
}

// startAssistantOn gives it a file of settings, whose store another process may have.
func startAssistantOn(t *testing.T, file string) *assistant {
	t.Helper()
	a := &assistant{cmd: exec.Command(os.Args[0], "mcp", "-c", file), said: &strings.Builder{}, store: filepath.Join(filepath.Dir(file), "drawbridge.db")}
	a.cmd.Env = append(os.Environ(), programVariable+"=1", "OPENAI_API_KEY=", keyInEnvironment+"=")
	a.cmd.Stderr = a.said
	in, err := a.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	a.cmd.Stdout = theirs
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	t.Cleanup(func() { _ = a.cmd.Process.Kill(); _ = out.Close() }) // for a test that failed before it ended the program
	a.in, a.out, a.lines = in, out, bufio.NewReader(out)
	return a
}

func (a *assistant) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(a.in, text); err != nil {
		t.Fatalf("%v: %s", err, a.said)
	}
}

// hear is the next message, which has to be one.
func (a *assistant) hear(t *testing.T) string {
	t.Helper()
	line, err := a.lines.ReadString('\n')
	var message struct{ JSONRPC string }
	if err != nil || json.Unmarshal([]byte(line), &message) != nil || message.JSONRPC != "2.0" {
		t.Fatalf("heard %.300q, %v", line, err)
	}
	return line
}

// begin shakes hands and waits for the mount's tools, if there are to be any.
func (a *assistant) begin(t *testing.T, tool string) {
	t.Helper()
	a.say(t, `{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`+"\n")
	a.hear(t)
	a.say(t, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n")
	for {
		a.say(t, `{"jsonrpc":"2.0","id":"list","method":"tools/list"}`+"\n")
		for answered, changed := false, false; !answered || !changed; {
			switch message := a.hear(t); {
			case strings.Contains(message, "list_changed"):
				changed = true
			case strings.Contains(message, `"name":"`+tool+`"`):
				return
			default:
				answered = true // and there will be a notice
			}
		}
	}
}

// ends waits for the program's end, which has to be in order.
func (a *assistant) ends(t *testing.T) {
	t.Helper()
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v: %s", err, a.said)
	}
}

// rows are those of the audit, once the program has ended.
func (a *assistant) rows(t *testing.T) []guard.Row {
	t.Helper()
	rows, err := look(t, a.store).Audit(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func putLine(id int, thing string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"far__put","arguments":{"id":%q}}}`+"\n", id, thing)
}

// held has the far side keep each call until it is let go.
func (f *farSide) held() (arrived chan struct{}, letGo chan struct{}) {
	arrived, letGo = make(chan struct{}, 10), make(chan struct{})
	f.around(func() bool { arrived <- struct{}{}; <-letGo; return true }, nil)
	return arrived, letGo
}

func TestStdioSurvivesGarbageAndHugeLines(t *testing.T) {
	a := startAssistant(t, "")
	a.begin(t, "crm_get_customer")
	for _, test := range []struct{ line, says string }{
		{"no JSON at all\n", `"code":-32700`},
		{"\x00\xff\xfe\x1b[2J\n", `"code":-32700`},
		{strings.Repeat("[", 100_000) + "\n", `"code":-32700`},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("x", 11<<20) + `"}}` + "\n", "more than 10485760 bytes"},
		{strings.Repeat("x", 20<<20) + "\n", "more than 10485760 bytes"},
		{`{"jsonrpc":"2.0","id":2,"method":"ping"}` + "\n", `"id":2,"result":{}`},
	} {
		a.say(t, test.line)
		if answer := a.hear(t); !strings.Contains(answer, test.says) {
			t.Errorf("%.40q: heard %.300s", test.line, answer)
		}
	}
	_ = a.in.Close()
	a.ends(t)
	if rest, err := a.lines.ReadString(0); rest != "" || !errors.Is(err, io.EOF) {
		t.Errorf("behind the last answer: %.300q, %v", rest, err)
	}
}

// TestStdioEndsWhenNobodyReadsItsAnswers: the input stays open, so that only the failed
// write can tell.
func TestStdioEndsWhenNobodyReadsItsAnswers(t *testing.T) {
	far := newFarSide(t)
	a := startAssistant(t, far.settings())
	a.begin(t, "far__put")
	arrived, letGo := far.held()
	a.say(t, putLine(1, "kept"))
	a.say(t, putLine(2, "kept"))
	<-arrived
	<-arrived
	_ = a.out.Close()
	a.say(t, `{"jsonrpc":"2.0","id":3,"method":"ping"}`+"\n") // its answer finds the pipe closed
	letGo <- struct{}{}
	letGo <- struct{}{}
	a.ends(t)
	if all, _, calls := far.took(); all != 2 || calls != 2 {
		t.Errorf("%d effects of %d calls", all, calls)
	}
	rows := a.rows(t)
	for _, row := range rows {
		if row.Tool != "far__put" || row.Outcome != "ok" || row.Decision != guard.Allowed {
			t.Errorf("row %+v", row)
		}
	}
	if len(rows) != 2 {
		t.Errorf("%d rows: %+v", len(rows), rows)
	}
}

func TestStdioFinishesWritesAtASignal(t *testing.T) {
	far := newFarSide(t)
	a := startAssistant(t, far.settings())
	a.begin(t, "far__put")
	arrived, letGo := far.held()
	a.say(t, putLine(1, "kept"))
	<-arrived
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	close(letGo)
	if answer := a.hear(t); !strings.Contains(answer, `"id":1,`) || !strings.Contains(answer, `"count":1`) {
		t.Errorf("heard %.300s", answer)
	}
	a.ends(t)
	if rows := a.rows(t); len(rows) != 1 || rows[0].Outcome != "ok" {
		t.Errorf("rows %+v", rows)
	}
}

// parentVariable, when set, makes the test binary start the program and wait: "pipe" has
// it hold the program's input, "shared" leaves that to whoever started both.
const parentVariable = "DRAWBRIDGE_TEST_IS_PARENT"

const pingLine = `{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n"

func beParent(how string) {
	child := exec.Command(os.Args[0], os.Args[1:]...)
	child.Env = append(os.Environ(), programVariable+"=1", parentVariable+"=")
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	if how == "pipe" {
		child.Stdin = nil
		in, err := child.StdinPipe()
		if err != nil {
			panic(err)
		}
		go func() { _, _ = io.WriteString(in, pingLine) }()
	}
	if err := child.Start(); err != nil {
		panic(err)
	}
	_ = child.Wait()
	os.Exit(0)
}

func TestStdioEndsWithTheProcessThatStartedIt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("on Windows an orphan does not learn that it is one")
	}
	for _, how := range []string{"pipe", "shared"} {
		t.Run(how, func(t *testing.T) {
			parent := exec.Command(os.Args[0], "mcp", "-c", settingsFile(t, ""))
			parent.Env = append(os.Environ(), parentVariable+"="+how, "OPENAI_API_KEY=", keyInEnvironment+"=")
			in, err := parent.StdinPipe() // the program inherits it as "shared", and we keep it open
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = in.Close() }()
			out, theirs, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = out.Close() }()
			parent.Stdout = theirs
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			_ = theirs.Close()
			if how == "shared" {
				if _, err := io.WriteString(in, pingLine); err != nil {
					t.Fatal(err)
				}
			}
			lines := bufio.NewReader(out)
			if answer, err := lines.ReadString('\n'); err != nil || !strings.Contains(answer, `"result":{}`) {
				t.Fatalf("heard %.300q, %v", answer, err) // it is up
			}
			if err := parent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = parent.Wait()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = lines.ReadString(0) // until the last that holds the pipe is gone: the program
			}()
			select {
			case <-ended:
			case <-time.After(2 * time.Minute):
				t.Error("it goes on without the process that started it")
			}
		})
	}
}
