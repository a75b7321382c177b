//go:build !unix

package reference

import "os/exec"

// ownGroup: there are no groups here; the command alone is ended.
func ownGroup(*exec.Cmd) {}
