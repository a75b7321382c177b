//go:build !unix

package mcpmount

import "syscall"

// inheritedHere are variables that Windows programs do not start without.
var inheritedHere = []string{
	"APPDATA", "COMSPEC", "LOCALAPPDATA", "PATHEXT", "PROGRAMDATA", "PROGRAMFILES", "Path",
	"SYSTEMDRIVE", "SYSTEMROOT", "SystemRoot", "TEMP", "TMP", "USERNAME", "USERPROFILE",
}

func ownGroup() *syscall.SysProcAttr { return nil }

// There are no groups to signal here: the child alone is ended.

func (p *process) terminateGroup() { _ = p.cmd.Process.Kill() }

func (p *process) killGroup() { _ = p.cmd.Process.Kill() }
