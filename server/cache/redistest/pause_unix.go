//go:build unix

package redistest

import (
	"syscall"
	"testing"
)

// Pause has it stand still, with its connections open.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

// Resume has it go on.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
