//go:build unix && !linux

package mcpmount

import "syscall"

// ownGroup makes the child lead its own group. When we are killed it sees the end
// of its input; this system offers no more.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
