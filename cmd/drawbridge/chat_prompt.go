package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// prompt is where a person types: a line with the usual keys, earlier messages by the
// arrow up, and what is pasted as one message. The terminal is taken over only while
// it waits for a line, so that Ctrl-C is a signal for as long as a turn is under way.
type prompt struct {
	file   *os.File
	screen *term.Terminal
	asked  chan struct{} // for one line each

	mu    sync.Mutex
	usual *term.State // nil while the terminal is as we found it
}

func newPrompt(file *os.File, out io.Writer) *prompt {
	screen := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{file, out}, "> ")
	return &prompt{file: file, screen: screen, asked: make(chan struct{}, 1)}
}

// ask has the next line read.
func (p *prompt) ask() { p.asked <- struct{}{} }

// give reads a message each time that it is asked for one, until there are no more.
func (p *prompt) give(ctx context.Context, lines chan<- string) error {
	for {
		select {
		case <-p.asked:
		case <-ctx.Done():
			return ctx.Err()
		}
		line, err := p.read()
		switch {
		case errors.Is(err, io.EOF): // Ctrl-D, or Ctrl-C
			return nil
		case err != nil:
			return fmt.Errorf("reading from the terminal: %w", err)
		}
		select {
		case lines <- line:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read reads one message. A line that ends in a backslash goes on in the next, and so
// does one that was pasted together with another.
func (p *prompt) read() (string, error) {
	if err := p.takeOver(); err != nil {
		return "", err
	}
	defer p.restore()
	var whole strings.Builder
	for {
		line, err := p.screen.ReadLine()
		pasted := errors.Is(err, term.ErrPasteIndicator)
		if err != nil && !pasted {
			return "", err
		}
		part, more := strings.CutSuffix(line, `\`)
		whole.WriteString(part)
		if whole.Len() > maxTyped {
			return "", fmt.Errorf("a message of more than %d bytes", maxTyped)
		}
		if !more && !pasted {
			return whole.String(), nil
		}
		whole.WriteString("\n")
	}
}

func (p *prompt) takeOver() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if width, height, err := term.GetSize(int(p.file.Fd())); err == nil && width > 0 {
		_ = p.screen.SetSize(width, height)
	}
	var err error
	if p.usual, err = term.MakeRaw(int(p.file.Fd())); err != nil {
		return err
	}
	p.screen.SetBracketedPasteMode(true)
	return nil
}

// restore gives the terminal back as it was.
func (p *prompt) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.usual == nil {
		return
	}
	p.screen.SetBracketedPasteMode(false)
	_ = term.Restore(int(p.file.Fd()), p.usual) // it was there to be taken over
	p.usual = nil
}
