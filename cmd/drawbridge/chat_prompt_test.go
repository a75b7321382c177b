//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drawbridge/bridge/openaitest"
)

// terminal is one with somebody at it (pty(7)).
type terminal struct {
	t     *testing.T
	keys  *os.File // what is typed goes in here, what is shown comes out
	tty   *os.File // the program's end
	mu    sync.Mutex
	shown strings.Builder
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	d := &terminal{t: t, keys: keys, tty: tty}
	go func() {
		part := make([]byte, 4096)
		for {
			n, err := keys.Read(part)
			if err != nil {
				return // closed with the test
			}
			d.mu.Lock()
			d.shown.Write(part[:n])
			d.mu.Unlock()
		}
	}()
	return d
}

// see waits until the words have been shown so many times.
func (d *terminal) see(words string, times int) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%q on the terminal, %d times", words, times), 20*time.Second, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return strings.Count(d.shown.String(), words) >= times
	})
}

// asked waits until so many prompts have been shown, and the program reads key by key: a
// message of several lines has a prompt for each, and what is typed while the terminal is in
// its usual state arrives as something else. It is called behind something of a turn's.
func (d *terminal) asked(prompts int) {
	d.t.Helper()
	d.see("> ", prompts)
	eventually(d.t, "a terminal that is read key by key", 20*time.Second, func() bool { return !d.echoes() })
}

func (d *terminal) enter(keys string) {
	d.t.Helper()
	if _, err := d.keys.WriteString(keys); err != nil {
		d.t.Fatal(err)
	}
}

// echoes reports whether the terminal is in its usual state, in which it shows what is typed.
func (d *terminal) echoes() bool {
	d.t.Helper()
	state, err := unix.IoctlGetTermios(int(d.tty.Fd()), unix.TCGETS)
	if err != nil {
		d.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0 && state.Lflag&unix.ISIG != 0
}

func TestChatAtATerminalEditsAndRecallsWhatWasSaid(t *testing.T) {
	fake := openaitest.New(t)
	gate := openaitest.NewGate()
	fake.Answer(openaitest.Say("First."), openaitest.Say("Second.", openaitest.Hold(0, gate)), openaitest.Say("Third."))
	file, _ := liveFile(t, fmt.Sprintf("model: {base_url: %q, name: main}\nagents: {desk: {}}\n", fake.URL()))
	d := newTerminal(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	chat := exec.CommandContext(ctx, os.Args[0], "chat", "-c", file)
	chat.Env = append(os.Environ(), programVariable+"=1", "OPENAI_API_KEY=", "NO_COLOR=1")
	chat.Stdin, chat.Stdout, chat.Stderr = d.tty, d.tty, d.tty
	chat.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := chat.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chat.Process.Kill() })
	d.asked(1)
	d.enter("hellp\x7fo\r") // a slip, taken back
	d.see("First.", 1)
	d.asked(2)
	d.enter("\x1b[A\r") // the arrow up
	<-gate.Reached()
	if !d.echoes() {
		t.Error("the terminal is not as it was while a turn is under way: Ctrl-C would be no signal")
	}
	gate.Open()
	d.see("Second.", 1)
	d.asked(3)
	d.enter("\x1b[200~two\rlines\x1b[201~\r") // pasted
	d.see("Third.", 1)
	d.asked(4)
	d.enter("\x04") // Ctrl-D
	if err := chat.Wait(); err != nil {
		t.Error(err)
	}
	if !d.echoes() {
		t.Error("the terminal was not given back as it was")
	}
	var said []string
	for _, q := range fake.Requests() {
		said = append(said, q.Last().Text)
	}
	if got := strings.Join(said, "|"); got != "hello|hello|two\nlines" {
		t.Errorf("the model was told %q", got)
	}
}
