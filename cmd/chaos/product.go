package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// product is Drawbridge as its commands show it.
type product struct{ binary, settings string }

// build makes the binary of the source that this program is run from.
func build(ctx context.Context, folder string) (string, error) {
	binary := filepath.Join(folder, "drawbridge")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "drawbridge/cmd/drawbridge")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building drawbridge (or give one with --binary): %w\n%s", err, out)
	}
	return binary, nil
}

// command runs one, and gives what it prints.
func (p product) command(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, p.binary, append(args, "-c", p.settings)...)
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY=")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("drawbridge %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}

// listed is what a list shows of an event, a run or a callback.
type listed struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	State  string `json:"state"`
	Reason string `json:"reason"`
}

func (p product) list(ctx context.Context, args ...string) ([]listed, error) {
	out, err := p.command(ctx, append(args, "--json", "--limit", "100000")...)
	if err != nil {
		return nil, err
	}
	var list []listed
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("reading drawbridge %s: %w", strings.Join(args, " "), err)
	}
	return list, nil
}

// left is what has not come to an end.
type left struct{ events, runs, callbacks []listed }

func (l left) none() bool { return len(l.events)+len(l.runs)+len(l.callbacks) == 0 }

func (l left) String() string {
	states := map[string]int{}
	for _, r := range l.runs {
		states[strings.TrimSpace(r.State+" "+r.Reason)]++
	}
	return fmt.Sprintf("%d events, %d runs %v and %d callbacks are left", len(l.events), len(l.runs), states, len(l.callbacks))
}

// unfinished finds it.
func (p product) unfinished(ctx context.Context) (l left, err error) {
	if l.events, err = p.list(ctx, "events", "list", "--status", "accepted"); err != nil {
		return l, err
	}
	if l.runs, err = p.list(ctx, "runs", "list", "--state", "queued,running,waiting"); err != nil {
		return l, err
	}
	l.callbacks, err = p.list(ctx, "callbacks", "list", "--state", "pending")
	return l, err
}

// export reads all that is stored, and keeps it in a file.
func (p product) export(ctx context.Context, file string, into *evidence) error {
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return err
	}
	if _, err := p.command(ctx, "export", "--out", file); err != nil {
		return err
	}
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	return into.read(from)
}
