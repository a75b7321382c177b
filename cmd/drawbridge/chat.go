package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// maxTyped bounds what a person types at once, in bytes.
const maxTyped = 1 << 20

// chatOptions are the command's flags.
type chatOptions struct{ agent, url, key string }

func chatCommand(c *console) *cobra.Command {
	var o chatOptions
	cmd := &cobra.Command{
		Use:   "chat",
		Short: "Talk to an agent at the terminal",
		Long: `Talks to an agent: it remembers the conversation, shows answers as they come and the tools at
work. Ctrl-C cancels the turn under way; at the prompt it leaves. /help lists the commands.

Beside a serving process on the same store that process does the work; otherwise this one does,
and leaves all other work alone. --url talks to a Drawbridge anywhere else, with the API key of
--key or DRAWBRIDGE_KEY.

Standard input that is no terminal is read to its end, a message a line (a line that ends in \
goes on in the next); a turn that does not succeed ends it, with exit code 1.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.chat(cmd, o) },
	}
	cmd.Flags().StringVar(&o.agent, "agent", "", "the agent to talk to (may be left out if there is only one)")
	cmd.Flags().StringVar(&o.url, "url", "", "where a Drawbridge serves, such as https://bridge.example.com")
	cmd.Flags().StringVar(&o.key, "key", "", "the API key to show there")
	return cmd
}

func (c *console) chat(cmd *cobra.Command, o chatOptions) (err error) {
	// A first Ctrl-C is about the turn and not about the program, whose own context
	// it ends.
	interrupts := make(chan os.Signal, 4)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupts)
	ctx, leave := context.WithCancel(context.WithoutCancel(cmd.Context()))
	defer leave()

	door, err := c.openDoor(ctx, cmd, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, door.close()) }()
	t := &talk{console: c, door: door, interrupts: interrupts, lines: make(chan string), paint: paintFor(c.err)}
	give := func() error { return readLines(ctx, c.in, t.lines) }
	if t.interactive = isTerminal(c.in) && isTerminal(c.out); t.interactive {
		t.prompt = newPrompt(c.in.(*os.File), c.out)
		defer t.prompt.restore()
		give = func() error { return t.prompt.give(ctx, t.lines) }
	}
	go func() {
		defer close(t.lines)
		t.unread = give()
	}()
	return t.run(ctx)
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// readLines gives the lines of r until its end. A line that ends in a backslash goes
// on in the next.
func readLines(ctx context.Context, r io.Reader, lines chan<- string) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxTyped)
	whole := ""
	give := func() bool {
		select {
		case lines <- whole:
			whole = ""
			return true
		case <-ctx.Done():
			return false
		}
	}
	for scanner.Scan() {
		part, more := strings.CutSuffix(scanner.Text(), `\`)
		whole += part
		if more {
			whole += "\n"
		} else if !give() {
			return ctx.Err()
		}
	}
	switch err := scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("a message has a line of more than %d bytes; break it up, with a \\ at the end of each line but the last", maxTyped)
	case err != nil:
		return fmt.Errorf("reading what there is to say: %w", err)
	}
	if whole != "" {
		give()
	}
	return nil
}

// chatHelp is what /help says.
const chatHelp = `/new   forget the conversation and begin another
/exit  leave (Ctrl-D, or Ctrl-C at the prompt)
A line that ends in \ goes on in the next; the arrow up brings back what was said before.
Ctrl-C cancels the turn under way.`

// talk is one conversation at the terminal.
type talk struct {
	*console
	door        *chatClient
	interrupts  <-chan os.Signal
	lines       chan string
	unread      error // why there are no more lines, if that is not their end; set before they are closed
	leaving     bool  // once the turn is over
	interactive bool
	prompt      *prompt // where an interactive one is typed; nil in tests
	paint       paint
	history     []chatMessage
	atStart     bool // of a line of the output
}

func (t *talk) run(ctx context.Context) error {
	if t.interactive {
		t.remark("talking to agent %s; %s does the work; /help for help", t.door.agent, t.door.where)
	}
	for {
		t.ask()
		select {
		case <-t.interrupts:
			if t.interactive {
				_, _ = fmt.Fprintln(t.out)
			}
			return nil
		case line, more := <-t.lines:
			if !more {
				if t.interactive {
					_, _ = fmt.Fprintln(t.out)
				}
				return t.unread
			}
			if t.interactive {
				line = printable(line)
			}
			if leave, err := t.take(ctx, strings.TrimSpace(line)); leave || err != nil {
				return err
			}
		}
	}
}

// ask shows that it is the person's turn.
func (t *talk) ask() {
	switch {
	case t.prompt != nil:
		t.prompt.ask()
	case t.interactive:
		_, _ = fmt.Fprint(t.out, "> ")
	}
}

// take does what a line says. A failed turn ends a conversation that nobody sits at.
func (t *talk) take(ctx context.Context, line string) (leave bool, err error) {
	switch {
	case line == "":
	case !utf8.ValidString(line):
		err = errors.New("the message is not UTF-8: set the terminal to UTF-8, or convert it (iconv)")
		if t.interactive {
			t.remark("%v", err)
			err = nil
		}
	case line == "/exit" || line == "/quit":
		return true, nil
	case line == "/new":
		t.history = nil
		t.remark("a new conversation")
	case line == "/help":
		_, err = fmt.Fprintln(t.out, chatHelp)
	case strings.HasPrefix(line, "/") && !strings.ContainsAny(line[1:], " /"):
		t.remark("there is no command %s; /help lists them", line)
	default:
		switch err := t.turn(ctx, line); {
		case err != nil && (!t.interactive || nobodyReads(err)):
			return true, err
		case t.leaving:
			return true, errSilent
		}
	}
	return false, err
}

// remark says something of our own, apart from the conversation.
func (t *talk) remark(format string, args ...any) {
	_, _ = fmt.Fprintln(t.err, t.paint.dim(printable("drawbridge: "+fmt.Sprintf(format, args...))))
}
