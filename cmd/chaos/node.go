package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// node is a drawbridge that serves. Its process may be started and ended many times.
type node struct {
	name, binary, settings, folder, base string

	mu      sync.Mutex
	process *process    // the newest; nil before the first
	alarms  []string    // what no node should do
	failed  []time.Time // starts after which it did not serve
}

// process is one life of a node. The node's mutex guards it.
type process struct {
	cmd     *exec.Cmd
	ended   chan struct{} // closed once it is gone
	err     error         // how it ended
	ours    bool          // we ended it
	stopped bool
}

func newNode(name, binary, folder string) (*node, error) {
	free, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("finding a port for %s: %w", name, err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		return nil, err
	}
	return &node{name: name, binary: binary, folder: folder, base: "http://" + address, settings: filepath.Join(folder, name+".yaml")}, nil
}

func (n *node) address() string { return n.base[len("http://"):] }

// begin starts the process and does not wait for it.
func (n *node) begin() (*process, error) {
	log, err := os.OpenFile(filepath.Join(n.folder, n.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	p := &process{cmd: exec.Command(n.binary, "serve", "-c", n.settings), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(os.Environ(), "OPENAI_API_KEY=")
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", n.name, err)
	}
	n.mu.Lock()
	n.process = p
	n.mu.Unlock()
	go func() {
		err := p.cmd.Wait()
		n.mu.Lock()
		p.err = err
		n.mu.Unlock()
		close(p.ended)
	}()
	return p, nil
}

// start starts the process and waits until it serves. One that ends before that is
// started again, as a supervisor does, until ctx ends.
func (n *node) start(ctx context.Context) error {
	for {
		p, err := n.begin()
		if err != nil {
			return err
		}
		ready, err := n.await(ctx, p)
		switch {
		case err != nil:
			return fmt.Errorf("waiting for %s to serve: %w", n.name, err)
		case ready:
			go n.watch(p)
			return nil
		}
		n.mu.Lock()
		n.failed = append(n.failed, time.Now())
		n.mu.Unlock()
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return fmt.Errorf("%s does not start, see its log: %w", n.name, ctx.Err())
		}
	}
}

// first starts the process, and does not try again if it does not serve: nothing was
// broken yet.
func (n *node) first(ctx context.Context) error {
	p, err := n.begin()
	if err != nil {
		return err
	}
	ready, err := n.await(ctx, p)
	switch {
	case err != nil:
		return fmt.Errorf("waiting for %s to serve: %w", n.name, err)
	case !ready:
		return fmt.Errorf("%s ended before it served: %s", n.name, n.lastWords())
	}
	go n.watch(p)
	return nil
}

// lastWords are the end of the node's log.
func (n *node) lastWords() string {
	raw, err := os.ReadFile(filepath.Join(n.folder, n.name+".log"))
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-1000):])
}

// await waits until the process serves; false if it ended before.
func (n *node) await(ctx context.Context, p *process) (bool, error) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if n.serves(ctx) {
			return true, nil
		}
		select {
		case <-p.ended:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-again.C:
		}
	}
}

func (n *node) serves(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.base+"/healthz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// watch raises an alarm if the process ends by itself.
func (n *node) watch(p *process) {
	<-p.ended
	n.mu.Lock()
	defer n.mu.Unlock()
	if !p.ours {
		n.alarms = append(n.alarms, fmt.Sprintf("%s ended by itself (%v), see its log", n.name, p.err))
	}
}

// now is the process that is there, stopped or not; nil for none.
func (n *node) now() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return nil
	}
	select {
	case <-n.process.ended:
		return nil
	default:
		return n.process
	}
}

// kill ends the process as a power cut would.
func (n *node) kill() {
	if p := n.now(); p != nil {
		n.signal(p, os.Kill)
		<-p.ended
	}
}

// patience is how long a process may take to stop in order, beyond its drain timeout.
const patience = 20 * time.Second

// stop ends the process in order: SIGTERM, and exit code 0.
func (n *node) stop() {
	p := n.now()
	if p == nil {
		return
	}
	n.signal(p, syscall.SIGTERM)
	what := ""
	select {
	case <-p.ended:
		n.mu.Lock()
		if p.err != nil {
			what = fmt.Sprintf("%s did not stop in order on SIGTERM: %v", n.name, p.err)
		}
		n.mu.Unlock()
	case <-time.After(drainTimeout + patience):
		n.kill()
		what = fmt.Sprintf("%s was still there %s after SIGTERM", n.name, drainTimeout+patience)
	}
	if what != "" {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.alarms = append(n.alarms, what)
	}
}

// freeze stops the process where it stands, thaw has it go on.
func (n *node) freeze() error {
	p := n.now()
	if p == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p.stopped = true
	return freeze(p.cmd.Process)
}

func (n *node) thaw() error {
	p := n.now()
	if p == nil || !n.frozen() {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p.stopped = false
	if err := thaw(p.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func (n *node) frozen() bool {
	p := n.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	return p != nil && p.stopped
}

func (n *node) signal(p *process, s os.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p.ours = true
	_ = p.cmd.Process.Signal(s) // one that is gone needs none
}

// problems are what no node should do. It may fail to start while the database is away.
func (n *node) problems(strikes []*strike) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	problems := append([]string(nil), n.alarms...)
	for _, at := range n.failed {
		if !slices.ContainsFunc(strikes, func(s *strike) bool {
			return s.Node == "" && s.At.Before(at) && s.Until.Add(startedBefore).After(at)
		}) {
			problems = append(problems, fmt.Sprintf("%s ended at %s before it served, see its log", n.name, clock(at)))
		}
	}
	return problems
}

// startedBefore is how long a start may last whose first steps were under an outage.
const startedBefore = 15 * time.Second
