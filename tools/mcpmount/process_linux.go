package mcpmount

import "syscall"

// ownGroup makes the child lead its own group, and has the kernel kill it when we
// are killed. Its children see the end of their input then.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
