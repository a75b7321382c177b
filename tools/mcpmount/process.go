package mcpmount

import (
	"os"
	"os/exec"
	"runtime"
	"time"
)

// process is a child with a pipe to each of its standard streams. It leads a
// process group of its own, which ends with it.
type process struct {
	cmd                   *exec.Cmd
	stdin, stdout, stderr *os.File
	exited                chan struct{}
	failure               error // why it ended, once exited
}

func startProcess(s Settings) (*process, error) {
	p := &process{cmd: exec.Command(s.Command[0], s.Command[1:]...), exited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = s.Dir, environment(s.Env)
	p.cmd.SysProcAttr = ownGroup()
	theirs, err := p.pipes()
	if err != nil {
		return nil, err
	}
	started := make(chan error)
	go p.carry(started, theirs)
	if err := <-started; err != nil {
		closeAll(p.stdin, p.stdout, p.stderr)
		return nil, err
	}
	return p, nil
}

// pipes makes the three pipes and gives the child's ends. These are files, not
// writers, so that waiting for the child does not wait for its children's output.
func (p *process) pipes() (theirs []*os.File, err error) {
	var all []*os.File
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
			all = append(all, r, w)
		}
		return r, w
	}
	stdin, ourStdin := pipe()
	ourStdout, stdout := pipe()
	ourStderr, stderr := pipe()
	if err != nil {
		closeAll(all...)
		return nil, err
	}
	p.stdin, p.stdout, p.stderr = ourStdin, ourStdout, ourStderr
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdout, stderr
	return []*os.File{stdin, stdout, stderr}, nil
}

// carry starts the child and waits for it on one thread that does nothing else:
// Linux kills a child with the thread that started it (ownGroup), and the Go
// runtime ends threads as it likes, but not one that is locked.
func (p *process) carry(started chan<- error, theirs []*os.File) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	closeAll(theirs...)
	started <- err
	if err != nil {
		return
	}
	p.failure = p.cmd.Wait()
	p.killGroup() // what it left behind holds our pipes
	close(p.exited)
}

// stop ends the child: politely, then firmly.
func (p *process) stop(t timing) {
	_ = p.stdin.Close() // the writer of a full pipe is freed by it, too
	if p.exitsWithin(t.sigterm) {
		return
	}
	p.terminateGroup()
	if p.exitsWithin(t.sigkill - t.sigterm) {
		return
	}
	p.killGroup()
	p.exitsWithin(t.sigkill) // a process that the kernel holds on to is left to it
}

func (p *process) exitsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
		return false
	}
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}
