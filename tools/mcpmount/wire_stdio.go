package mcpmount

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"drawbridge/tools"
)

// stdioWire speaks to a child process, a message a line (MCP 2025-11-25,
// transports, stdio).
type stdioWire struct {
	settings Settings
	log      *slog.Logger
	clean    cleaner
	time     timing

	child   *process
	in      inbox
	queue   chan *writing // unbuffered: a message is taken or not sent
	closed  chan struct{}
	running sync.WaitGroup
	words   *words
	heard   chan struct{} // closed when all its words are
}

// writing is a message that the writer takes.
type writing struct {
	text  []byte
	fence func() error // asked before it is written
	done  chan error
}

// lastOutput is how long output is read that others hold open after the child.
const lastOutput = time.Second

func newStdioWire(s Settings, log *slog.Logger, clean cleaner, t timing) *stdioWire {
	return &stdioWire{
		settings: s, log: log, clean: clean, time: t,
		queue: make(chan *writing), closed: make(chan struct{}), heard: make(chan struct{}),
		words: newWords(log, clean),
	}
}

func (w *stdioWire) open(_ context.Context, in inbox) error {
	child, err := startProcess(w.settings)
	if err != nil {
		return fmt.Errorf("starting the program: %w", err)
	}
	w.child, w.in = child, in
	w.log.Debug("started the program", "pid", child.cmd.Process.Pid)
	w.running.Go(w.write)
	w.running.Go(w.read)
	w.running.Go(func() {
		defer close(w.heard)
		w.words.follow(child.stderr)
	})
	w.running.Go(w.watch)
	return nil
}

func (w *stdioWire) agreed(string) {}

func (w *stdioWire) send(ctx context.Context, p parcel) error {
	item := &writing{text: p.text, fence: func() error { return tools.FenceOf(ctx).Check(ctx) }, done: make(chan error, 1)}
	select {
	case w.queue <- item:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errUnsent, ctx.Err())
	case <-w.closed:
		return fmt.Errorf("%w: %w", errUnsent, errClosed)
	}
	select {
	case err := <-item.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write hands messages to the child, which may be slow to take them.
func (w *stdioWire) write() {
	for {
		select {
		case item := <-w.queue:
			if err := item.fence(); err != nil {
				item.done <- fmt.Errorf("%w: %w", errUnsent, err)
				continue
			}
			n, err := w.child.stdin.Write(item.text)
			if err != nil && n < len(item.text)-1 { // no whole message without its last character
				err = fmt.Errorf("%w: %w", errUnsent, err)
			}
			item.done <- err
		case <-w.closed:
			return
		}
	}
}

// read takes the child's messages until its output ends.
func (w *stdioWire) read() {
	out := bufio.NewReaderSize(w.child.stdout, 64<<10)
	for {
		line, err := readLine(out, w.settings.MaxMessage)
		if len(line) > 0 && !errors.Is(err, errTooLong) {
			w.in.receive(0, line)
		}
		if err != nil {
			w.in.ended(w.reason(err))
			return
		}
	}
}

// reason says why the output ended, as well as that can be told.
func (w *stdioWire) reason(err error) error {
	if errors.Is(err, errTooLong) {
		return err
	}
	if !w.child.exitsWithin(lastOutput) {
		return errors.New("the program closed its output")
	}
	<-w.heard // its last words may be on their way; watch sees to it that they end
	reason := "the program ended"
	if w.child.failure != nil {
		reason += ": " + w.child.failure.Error()
	}
	if last := w.words.last(); last != "" {
		reason += "; it said: " + last
	}
	return errors.New(reason)
}

// watch lets nobody who got the child's output from it keep us reading.
func (w *stdioWire) watch() {
	<-w.child.exited
	deadline := time.Now().Add(lastOutput)
	_ = w.child.stdout.SetReadDeadline(deadline)
	_ = w.child.stderr.SetReadDeadline(deadline)
}

func (w *stdioWire) close() {
	close(w.closed)
	if w.child == nil {
		return
	}
	w.child.stop(w.time)
	select {
	case <-w.child.exited:
	default: // the kernel holds on to it: let go of its output at least
		w.log.Error("the program cannot be killed", "pid", w.child.cmd.Process.Pid)
		closeAll(w.child.stdout, w.child.stderr)
		return
	}
	w.running.Wait()
	closeAll(w.child.stdout, w.child.stderr)
}
