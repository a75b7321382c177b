// Package redistest gives tests a real Redis of their own.
//
// It is started from the redis-server found in PATH: files and socket in a temporary folder,
// nothing saved unless asked for. Tests reach it over links, which listen at an address of
// this machine for as long as the test runs and can be cut: so it is at the same place
// before and behind a restart, and no port is taken that somebody else might have by then.
//
// Where there is no redis-server (Debian: redis-server) the tests that want one are skipped,
// and say so; with CI=true that is a failure.
package redistest

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a Redis process.
type Server struct {
	// Address is host:port of the link that is there all the time.
	Address string
	*Link

	folder, socket string
	password       string
	args           []string
	process        *exec.Cmd
	log            *os.File
}

// Start starts one, which ends with the test.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		const missing = "no redis-server found: install Debian's redis-server"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	folder, err := os.MkdirTemp("", "redis") // the test's own would make the socket's path too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	s := &Server{folder: folder, socket: filepath.Join(folder, "s")}
	s.args = append([]string{program, "--port", "0", "--unixsocket", s.socket, "--dir", folder, "--save", "", "--appendonly", "no"}, args...)
	if i := slices.Index(args, "--requirepass"); i >= 0 {
		s.password = args[i+1]
	}
	s.run(t)
	t.Cleanup(func() { s.end() })
	s.Link = NewLink(t, s)
	s.Address = s.Link.Address
	return s
}

// run starts the process, and returns when it answers.
func (s *Server) run(t testing.TB) {
	t.Helper()
	_ = os.Remove(s.socket) // of one that was killed
	s.process = exec.Command(s.args[0], s.args[1:]...)
	var err error
	if s.log, err = os.Create(filepath.Join(s.folder, "log")); err != nil {
		t.Fatal(err)
	}
	s.process.Stdout, s.process.Stderr = s.log, s.log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	s.outlive(t)
	again, over := time.NewTicker(5*time.Millisecond), time.NewTimer(time.Minute) // it does not say when it listens
	defer again.Stop()
	defer over.Stop()
	for !s.answers() {
		select {
		case <-again.C:
		case <-over.C:
			t.Fatal("the Redis does not answer")
		}
		if gone(s.process) {
			said, _ := os.ReadFile(s.log.Name())
			t.Fatalf("the Redis ended: %s", said)
		}
	}
}

// outlive has the process end when the tests' does, however that ends.
func (s *Server) outlive(t testing.TB) {
	t.Helper()
	watcher := exec.Command("sh", "-c", "read ended; kill -9 "+strconv.Itoa(s.process.Process.Pid)+" 2>/dev/null")
	held, err := watcher.StdinPipe()
	if err == nil {
		err = watcher.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = watcher.Process.Kill()
		_ = held.Close()
		_ = watcher.Wait()
	})
}

// gone reports whether a process has ended by itself, whose end nobody has waited for.
func gone(process *exec.Cmd) bool {
	state, err := os.ReadFile("/proc/" + strconv.Itoa(process.Process.Pid) + "/stat")
	return err == nil && strings.Contains(string(state), ") Z ")
}

func (s *Server) answers() bool {
	conn, err := net.Dial("unix", s.socket)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return false
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && !strings.HasPrefix(line, "-LOADING")
}

func (s *Server) end() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	_ = s.log.Close()
}

// Kill ends it as a power cut would: what was not saved is lost.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.end()
}

// Restart starts it again behind a Kill, with what was saved.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.run(t)
}

// Save has it write to its disk what it has now.
func (s *Server) Save(t testing.TB) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Address, Password: s.password})
	defer func() { _ = c.Close() }()
	if err := c.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}
