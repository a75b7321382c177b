//go:build unix

package mcpmount

import "syscall"

var inheritedHere []string

// A negative id means the whole group. That it may be gone already is fine.

func (p *process) terminateGroup() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) }

func (p *process) killGroup() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
