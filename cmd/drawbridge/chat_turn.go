package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"drawbridge/server/dispatch"
)

// turn asks one question and shows the answer as it comes. The first interrupt has
// the run cancelled, a second one does not wait for it.
func (t *talk) turn(ctx context.Context, question string) error {
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	t.atStart = true
	messages := append(t.history, chatMessage{Role: "user", Content: question})
	heard := make(chan heard)
	answered := make(chan error, 1)
	go func() {
		defer close(heard)
		answered <- t.door.ask(ctx, messages, heard)
	}()
	a := answer{}
	var cancelling cancelling
	for listening := true; listening; {
		select {
		case h, more := <-heard:
			if listening = more; more {
				t.show(h)
				a.take(h)
			}
		case interrupt := <-t.interrupts:
			if cancelling.asked {
				abandon()
			}
			cancelling.asked = true
			t.leaving = t.leaving || interrupt == syscall.SIGTERM
			t.breakLine()
			t.remark("cancelling the turn; a call that changes something is waited for")
		}
		cancelling.carryOut(ctx, t.door, a.run)
	}
	err := errors.Join(<-answered, cancelling.wait())
	t.breakLine()
	return t.conclude(messages, a, cancelling.asked, err)
}

// conclude says how the turn ended where that is not plain, and keeps what both
// sides said.
func (t *talk) conclude(messages []chatMessage, a answer, cancelled bool, err error) error {
	switch {
	case cancelled && (err == nil || errors.Is(err, context.Canceled)):
		err = errors.New("the turn was cancelled")
		a.text = strings.TrimSpace(a.text + "\n\n[The user cancelled this turn here.]")
	case err != nil:
		if t.interactive {
			t.remark("%v", err)
		}
		return err // what was not answered is not part of the conversation
	case a.state != "" && a.state != dispatch.Succeeded:
		err = fmt.Errorf("run %s %s: %s", a.run, a.state, a.reason)
	}
	t.history = append(messages, chatMessage{Role: "assistant", Content: a.text})
	if err != nil && t.interactive {
		t.remark("%v", err)
	}
	return err
}

// show prints what was heard: words on standard output, all else beside it.
func (t *talk) show(h heard) {
	if h.words != "" {
		_, _ = fmt.Fprint(t.out, printable(h.words))
		t.atStart = strings.HasSuffix(h.words, "\n")
	}
	if h.activity != "" {
		t.breakLine()
		_, _ = fmt.Fprint(t.err, t.paint.dim(printable(strings.TrimRight(h.activity, "\n"))), "\n")
	}
}

func (t *talk) breakLine() {
	if !t.atStart {
		_, _ = fmt.Fprintln(t.out)
	}
	t.atStart = true
}

// answer gathers what was heard of one.
type answer struct {
	run, text string
	state     dispatch.State
	reason    string
}

func (a *answer) take(h heard) {
	a.text += h.words
	if h.run != "" {
		a.run = h.run
	}
	if h.state != "" {
		a.state, a.reason = h.state, h.reason
	}
}

// cancelTime bounds the request that has a run cancelled.
const cancelTime = 10 * time.Second

// cancelling is a turn's cancellation: wanted, and asked for once its run is known.
type cancelling struct {
	asked bool
	done  chan error // nil until the run is known
}

func (c *cancelling) carryOut(ctx context.Context, d *chatClient, run string) {
	if !c.asked || c.done != nil || run == "" {
		return
	}
	c.done = make(chan error, 1)
	go func() {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
		defer stop()
		c.done <- d.cancel(ctx, run)
	}()
}

func (c *cancelling) wait() error {
	if c.done == nil {
		return nil
	}
	return <-c.done
}
