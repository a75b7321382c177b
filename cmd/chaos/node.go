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
	"sync"
	"syscall"
	"time"
)

// node is a drawbridge process that serves. It may be started and ended many times.
type node struct {
	name, binary, settings, folder, base string

	mu      sync.Mutex
	cmd     *exec.Cmd
	ended   chan struct{} // closed once the process is gone
	err     error         // how it ended
	ours    bool          // we ended it
	stopped bool
	alarms  []string // what no node should do
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
func (n *node) begin() error {
	log, err := os.OpenFile(filepath.Join(n.folder, n.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(n.binary, "serve", "-c", n.settings)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY=")
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", n.name, err)
	}
	ended := make(chan struct{})
	n.mu.Lock()
	n.cmd, n.ended, n.ours, n.stopped, n.err = cmd, ended, false, false, nil
	n.mu.Unlock()
	go func() {
		err := cmd.Wait()
		n.mu.Lock()
		n.err = err
		n.mu.Unlock()
		close(ended)
	}()
	return nil
}

// start starts the process and waits until it serves. One that ends before that is
// started again, as a supervisor does, until ctx ends.
func (n *node) start(ctx context.Context) error {
	for {
		if err := n.begin(); err != nil {
			return err
		}
		ready, err := n.await(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("waiting for %s to serve: %w", n.name, err)
		case ready:
			go n.watch(n.gone())
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return fmt.Errorf("%s does not start, see its log: %w", n.name, ctx.Err())
		}
	}
}

// await waits until the process serves; false if it ended before.
func (n *node) await(ctx context.Context) (bool, error) {
	gone := n.gone()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if n.serves(ctx) {
			return true, nil
		}
		select {
		case <-gone:
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
func (n *node) watch(ended <-chan struct{}) {
	<-ended
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ours {
		n.alarms = append(n.alarms, fmt.Sprintf("%s ended by itself (%v), see its log", n.name, n.err))
	}
}

// gone is closed once the process is.
func (n *node) gone() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ended
}

// alive: there is a process, stopped or not.
func (n *node) alive() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

// kill ends the process as a power cut would.
func (n *node) kill() {
	if !n.alive() {
		return
	}
	n.signal(os.Kill)
	<-n.gone()
}

// patience is how long a process may take to stop in order, beyond its drain timeout.
const patience = 20 * time.Second

// stop ends the process in order: SIGTERM, and exit code 0.
func (n *node) stop() {
	if !n.alive() {
		return
	}
	n.signal(syscall.SIGTERM)
	select {
	case <-n.gone():
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.err != nil {
			n.alarms = append(n.alarms, fmt.Sprintf("%s did not stop in order on SIGTERM: %v", n.name, n.err))
		}
	case <-time.After(drainTimeout + patience):
		n.kill()
		n.mu.Lock()
		defer n.mu.Unlock()
		n.alarms = append(n.alarms, fmt.Sprintf("%s was still there %s after SIGTERM", n.name, drainTimeout+patience))
	}
}

// freeze stops the process where it stands, thaw has it go on.
func (n *node) freeze() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped = true
	return freeze(n.cmd.Process)
}

func (n *node) thaw() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.stopped {
		return nil
	}
	n.stopped = false
	if err := thaw(n.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func (n *node) signal(s os.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ours = true
	_ = n.cmd.Process.Signal(s) // one that is gone needs none
}

func (n *node) problems() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.alarms...)
}
