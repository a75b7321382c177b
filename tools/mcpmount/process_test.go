//go:build unix

package mcpmount_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

func TestChildDiesWithAParentThatIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a signal for the death of a parent")
	}
	parent := exec.Command(os.Args[0], "parent")
	parent.Env = append(os.Environ(), "FAKE=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = parent.Process.Kill()
	_ = parent.Wait()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "child ")))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	for deadline := time.Now().Add(5 * time.Second); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d outlived its parent", pid)
		}
	}
}

func TestStubbornServerIsKilled(t *testing.T) {
	w := prepare(t, onStdio("stubborn"), mcpmount.Options{})
	stop := w.run()
	w.ready()
	pid := w.pid(`pid=(\d+)`)
	stop()
	if alive(pid) {
		t.Errorf("process %d is still there", pid)
	}
	if s := w.Status().State; s != mcpmount.Stopped {
		t.Errorf("state %s", s)
	}
	w.refuses("shop__act", "nothing", tools.Unavailable)
}

func TestGrandchildEndsWithTheServer(t *testing.T) {
	w := prepare(t, onStdio("grandchild"), mcpmount.Options{})
	stop := w.run()
	w.ready()
	w.says("grandchild")
	pid := w.pid(`grandchild (\d+)`)
	stop()
	w.eventually("the grandchild is gone", func() bool { return !alive(pid) })
}

// pid finds a process in the log.
func (w world) pid(pattern string) int {
	w.t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(w.log.String())
	if found == nil {
		w.t.Fatalf("no %s in the log:\n%s", pattern, w.log)
	}
	pid, err := strconv.Atoi(found[1])
	if err != nil {
		w.t.Fatal(err)
	}
	return pid
}

// alive: a process that ended and was not collected yet is not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if runtime.GOOS != "linux" {
		return true
	}
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
