package main

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

// Of a pipe that broke nothing is said if it is the one that we print to, since nobody is
// there to read it. Any other is a failure like all.
func TestOnlyABrokenOutputGoesWithoutWords(t *testing.T) {
	output := &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
	database := &net.OpError{Op: "write", Net: "unix", Err: os.NewSyscallError("write", syscall.EPIPE)}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{fmt.Errorf("listing: %w", output), true},
		{fmt.Errorf("stopping: %w", database), false},
		{&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}, false},
		{&os.PathError{Op: "write", Path: "other", Err: syscall.EPIPE}, false},
	} {
		if got := nobodyReads(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}
