package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A replay of recorded answers runs where there is no network at all, not even that of the
// machine with itself.
func TestReplayOfRecordedAnswersNeedsNoNetwork(t *testing.T) {
	d := newReplayDesk(t)
	alone := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		alone.Cloneflags |= syscall.CLONE_NEWUSER
		alone.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		alone.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	program := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], append(args, "-c", d.file)...)
		cmd.Env = append(os.Environ(), programVariable+"=1", "OPENAI_API_KEY=")
		cmd.SysProcAttr = alone
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := program("version"); err != nil && out == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("this machine lets no process be without a network: %v", err)
		}
		t.Skipf("this machine lets no process be without a network: %v", err)
	}
	out, err := program("replay", d.run)
	if err != nil || !strings.Contains(out, "no difference") {
		t.Errorf("%v: %s", err, out)
	}
	// The same process cannot reach a model, or it would not be alone.
	if out, err := program("replay", d.run, "--model", "main"); err == nil || !strings.Contains(out, "model_unavailable") || strings.Contains(out, deskSecret) {
		t.Errorf("with a model: %v: %s", err, out)
	}
}
