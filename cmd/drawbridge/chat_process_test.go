package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
)

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// chatProgram starts `drawbridge chat` as a process of its own, which is told the words.
func chatProgram(t *testing.T, file, words string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	t.Helper()
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd = exec.Command(os.Args[0], "chat", "-c", file)
	cmd.Env = append(os.Environ(), programVariable+"=1", "OPENAI_API_KEY=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(words), out, errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out, errs
}

func TestChatBesideAServerIsCarriedThere(t *testing.T) {
	fake := openaitest.New(t)
	fake.Always(openaitest.Say("Hello from the server."))
	file, path := liveFile(t, fmt.Sprintf(`
server:
  listen: %s
  keys:
    - {name: shop, key: shop-key-0123456789, tools: ["*"], agents: [other]}
    - {name: front, key: front-key-0123456789, tools: ["crm_*"], agents: [desk]}
model: {base_url: %q, name: main}
agents: {desk: {tools: ["*"]}, other: {}}
`, freeAddress(t), fake.URL()))
	server := serve(t, file)
	var out, errs bytes.Buffer
	code := execute(t.Context(), &console{in: strings.NewReader("hello\n"), out: &out, err: &errs, lookup: noEnvironment}, []string{"chat", "-c", file, "--agent", "desk"})
	if code != exitDone || out.String() != "Hello from the server.\n" {
		t.Errorf("exit %d: %q %q", code, out.String(), errs.String())
	}
	if run := awaitState(t, look(t, path), dispatch.Succeeded); run.Owner != "key:front" {
		t.Errorf("the run is that of %q, want that of the first key that may talk to the agent", run.Owner)
	}
	if q := fake.Requests()[0]; !q.Offers("crm_create_task") || q.Offers("email_send") {
		t.Error("the agent is not offered what it and the key may call")
	}
	server.stop(t)
}

func TestChatBesideAServerOnAnOpenPortNeedsItsAddress(t *testing.T) {
	file, _ := deskFile(t, "http://127.0.0.1:1/v1", "")
	server := serve(t, file)
	if _, errs, code := command(t, "chat", "-c", file); code != exitWrong || !strings.Contains(errs, "give its address as --url") {
		t.Errorf("exit %d: %s", code, errs)
	}
	server.stop(t)
}

// TestInterruptOfAChatCancelsItsTurn sends the signal that Ctrl-C sends.
func TestInterruptOfAChatCancelsItsTurn(t *testing.T) {
	fake, gate := openaitest.New(t), openaitest.NewGate()
	defer gate.Open()
	fake.Always(openaitest.Say("Here I am.", openaitest.Pieces(2), openaitest.Hold(3, gate)))
	file, path := deskFile(t, fake.URL(), "")
	chat, out, errs := chatProgram(t, file, "hello\n")
	<-gate.Reached()
	if err := chat.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := chat.Wait(); err == nil || chat.ProcessState.ExitCode() != exitFailed {
		t.Errorf("ended with %v", err)
	}
	if !strings.HasPrefix(out.String(), "He") || !strings.Contains(errs.String(), "the turn was cancelled") {
		t.Errorf("said %q, %q", out, errs)
	}
	if run := awaitState(t, look(t, path), dispatch.Cancelled); !strings.Contains(run.Answer, "local:terminal") {
		t.Errorf("the run ended with %q, which does not say who cancelled it", run.Answer)
	}
}

func TestChatStreamsWordsAsTheyCome(t *testing.T) {
	fake, gate := openaitest.New(t), openaitest.NewGate()
	fake.Always(openaitest.Say("First words, then others.", openaitest.Pieces(5), openaitest.Hold(3, gate)))
	file, _ := deskFile(t, fake.URL(), "")
	chat := exec.Command(os.Args[0], "chat", "-c", file)
	chat.Env = append(os.Environ(), programVariable+"=1", "OPENAI_API_KEY=")
	chat.Stdin = strings.NewReader("hello\n")
	out, err := chat.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5)
	if _, err := io.ReadFull(out, first); err != nil || string(first) != "First" {
		t.Errorf("read %q, %v while the model still speaks", first, err)
	}
	gate.Open()
	rest, err := io.ReadAll(out)
	if err != nil || string(rest) != " words, then others.\n" {
		t.Errorf("read %q, %v", rest, err)
	}
	if err := chat.Wait(); err != nil {
		t.Error(err)
	}
}
