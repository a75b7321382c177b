// Command drawbridge gives a language model one guarded set of business tools: to
// MCP clients, and to durable agent runs that signed events start.
//
// The program is a value, app (app.go): made from a configuration, started,
// stopped in the reverse order of its parts. Each command is one file; backends.go
// is the only one that names a backend. To follow an event through the code, start
// at DESIGN.md, section 2.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"drawbridge/config"
)

// Exit codes, the same for every command.
const (
	exitDone   = 0
	exitFailed = 1 // the command was carried out and did not succeed
	exitWrong  = 2 // wrong use, or a configuration that cannot work
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)   // a second signal ends the process at once
	signal.Ignore(syscall.SIGPIPE) // `demo | head` ends by the failed write, and cleans up
	console := &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, lookup: os.LookupEnv}
	os.Exit(execute(ctx, console, os.Args[1:]))
}

// console is what a command has of the world around it.
type console struct {
	in       io.Reader
	out, err io.Writer
	lookup   func(name string) (string, bool)
}

// wrongUse marks an error as the caller's: exit code 2.
type wrongUse struct{ error }

func (e wrongUse) Unwrap() error { return e.error }

// errSilent: the command has said all there is to say; only the exit code is left.
var errSilent = errors.New("failed")

// execute runs one command line and gives the exit code.
func execute(ctx context.Context, c *console, args []string) int {
	root := newRoot(c)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if !errors.Is(err, errSilent) && !nobodyReads(err) {
		_, _ = fmt.Fprintf(c.err, "drawbridge: %s\n", printable(err.Error()))
	}
	var wrong wrongUse
	var problems config.Problems
	if errors.As(err, &wrong) || errors.As(err, &problems) {
		return exitWrong
	}
	return exitFailed
}

// nobodyReads reports whether a command failed because whoever read what it printed has
// gone, as head does when it has enough. Other pipes break as well.
func nobodyReads(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && failed.Path == os.Stdout.Name() && errors.Is(failed, syscall.EPIPE)
}
