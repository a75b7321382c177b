//go:build unix

package imaptest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Start starts it, at the address that it had, and returns once it answers there.
func (s *Server) Start() {
	s.t.Helper()
	// The sockets are handed over as systemd does it, which wants the number of the process.
	s.running = exec.Command("/bin/sh", "-c", fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d exec "$0" -F -c "$1"`, len(s.sockets)), s.program, filepath.Join(s.folder, "dovecot.conf"))
	s.running.ExtraFiles = s.sockets
	s.running.Dir = "/"
	s.running.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with its children, it is ended as one
	if os.Geteuid() == 0 {
		owner := s.owner()
		s.running.SysProcAttr.Credential = &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}
	}
	s.must(s.running.Start())
	running, ended := s.running, make(chan struct{})
	s.ended = ended
	go func() {
		_ = running.Wait()
		close(ended)
	}()
	s.greeted()
}

// greeted waits until the server greets: the socket takes connections before there is one,
// and a signal that comes so early is lost on it.
func (s *Server) greeted() {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Address)
	s.must(err)
	ended, over := s.ended, make(chan struct{}) // this one's: the server may be started again before that is looked at
	defer close(over)
	go func() {
		select {
		case <-ended:
		case <-over:
		}
		_ = conn.Close()
	}()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		s.t.Fatalf("Dovecot does not greet (%v), and logs:\n%s", err, s.Log())
	}
}

// Stop ends it, with all its connections. Whoever connects waits for the next Start.
func (s *Server) Stop() {
	if s.running == nil {
		return
	}
	_ = s.running.Process.Signal(syscall.SIGTERM)
	<-s.ended
	_ = syscall.Kill(-s.running.Process.Pid, syscall.SIGKILL) // those that serve connections may linger
	s.running = nil
}

func (s *Server) owner() *syscall.Stat_t {
	info, err := os.Stat(filepath.Join(s.folder, "dovecot.conf"))
	s.must(err)
	return info.Sys().(*syscall.Stat_t)
}
