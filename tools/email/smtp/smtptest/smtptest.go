// Package smtptest gives tests a real mail server: Exim, as Debian has it.
//
// Each connection is served by a process of its own, which speaks on it as inetd would
// have it, so that there is no daemon to be ended and no port to be lost to somebody else.
// It runs without privileges, as a copy of the program in a temporary folder with its
// settings, spool and mailbox.
//
// Where there is no Exim the tests that want it are skipped, and say so; with CI=true that
// is a failure.
package smtptest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The account that the server knows, at whose name the certificate is.
const (
	Username = "drawbridge"
	Password = "correct horse"
	Host     = "localhost"
)

// Server is an Exim that takes mail for everybody from those who have logged in, and
// delivers it into a maildir.
type Server struct {
	t       testing.TB
	folder  string
	exim    string
	mu      sync.Mutex
	stopped bool
	serving []*exec.Cmd
	ended   sync.WaitGroup
	// Roots have signed its certificate.
	Roots *x509.CertPool
	// RootsFile is a file with them.
	RootsFile string
}

// programs are where Debian's Exim may be.
var programs = []string{"exim4", "/usr/sbin/exim4", "exim", "/usr/sbin/exim"}

func find(t testing.TB) string {
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no Exim found: install Debian's exim4-daemon-light, or have exim4 in PATH"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip("SKIPPED, not tested: " + missing)
	return ""
}

// New makes a server.
func New(t testing.TB) *Server {
	t.Helper()
	program := find(t)
	folder, err := os.MkdirTemp("/tmp", "drawbridge-exim-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	s := &Server{t: t, folder: folder, exim: filepath.Join(folder, "exim"), RootsFile: filepath.Join(folder, "cert.pem")}
	s.copyProgram(program)
	for _, name := range []string{"spool", "log", "maildir"} {
		s.must(os.Mkdir(filepath.Join(folder, name), 0o700))
	}
	certificate, key := selfSigned(t)
	s.write("cert.pem", certificate)
	s.write("key.pem", key)
	s.write("exim.conf", strings.NewReplacer("FOLDER", folder, "USERNAME", Username, "PASSWORD", Password).Replace(settings))
	s.Roots = x509.NewCertPool()
	s.Roots.AppendCertsFromPEM([]byte(certificate))
	s.must(s.give())
	t.Cleanup(s.stop) // before its folder goes
	return s
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) write(name, text string) {
	s.must(os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600))
}

// copyProgram leaves the program's privileges behind.
func (s *Server) copyProgram(from string) {
	source, err := os.Open(from)
	s.must(err)
	defer source.Close()
	target, err := os.OpenFile(s.exim, os.O_CREATE|os.O_WRONLY, 0o700)
	s.must(err)
	_, err = io.Copy(target, source)
	s.must(err)
	s.must(target.Close())
}

// Dial makes a connection to the server. Whatever address is asked for, it is this one.
func (s *Server) Dial(implicit bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		client, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		// Before the listener closes, which resets those that it has not accepted.
		c, err := l.Accept()
		if err != nil {
			return nil, errors.Join(err, client.Close())
		}
		s.serve(c, implicit)
		return client, nil
	}
}

// Listen serves at a port of this machine, until the test ends.
func (s *Server) Listen(implicit bool) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	done := make(chan struct{})
	s.t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(c, implicit)
		}
	}()
	return l.Addr().String()
}

// serve has an Exim of its own speak on the connection.
func (s *Server) serve(c net.Conn, implicit bool) {
	defer c.Close()
	file, err := c.(*net.TCPConn).File()
	if err != nil {
		return
	}
	defer file.Close()
	args := []string{"-C", filepath.Join(s.folder, "exim.conf"), "-bs", "-odf"}
	if implicit {
		args = append(args, "-tls-on-connect")
	}
	command := exec.Command(s.exim, args...)
	command.Stdin, command.Stdout, command.Dir, command.SysProcAttr = file, file, "/", s.attr()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || command.Start() != nil {
		return
	}
	s.serving = append(s.serving, command)
	s.ended.Go(func() { _ = command.Wait() })
}

// stop ends the processes that speak with somebody still.
func (s *Server) stop() {
	s.mu.Lock()
	s.stopped = true
	for _, command := range s.serving {
		_ = command.Process.Kill()
	}
	s.mu.Unlock()
	s.ended.Wait()
}

// Delivered waits until the mailbox has a message with a text in it, and gives it as it
// was delivered: with the fields in front that the server adds.
func (s *Server) Delivered(text string) (found string) {
	s.t.Helper()
	s.await(fmt.Sprintf("a message with %q", text), func() bool {
		for _, raw := range s.mailbox() {
			if strings.Contains(raw, text) {
				found = raw
			}
		}
		return found != ""
	})
	return found
}

// All are the messages in the mailbox, once everything that the server has taken is
// delivered.
func (s *Server) All() (messages []string) {
	s.t.Helper()
	s.await("all that was taken", func() bool {
		taken := s.Taken() // what comes behind this is of the next look
		messages = s.mailbox()
		return len(messages) == taken
	})
	return messages
}

// Taken is how many messages the server has taken responsibility for: a line of its log
// each, which is there before whoever gave it a message is told.
func (s *Server) Taken() int {
	log, err := os.ReadFile(filepath.Join(s.folder, "log", "mainlog"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Error(err)
	}
	return strings.Count(string(log), " <= ")
}

// mailbox gives what was delivered.
func (s *Server) mailbox() (messages []string) {
	for _, name := range []string{"new", "cur"} { // whoever reads the mailbox may have moved it
		_ = filepath.WalkDir(filepath.Join(s.folder, "maildir", name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return nil
			}
			if raw, err := os.ReadFile(path); err == nil {
				messages = append(messages, string(raw))
			}
			return nil
		})
	}
	return messages
}

// await looks again and again: the server's processes tell nobody.
func (s *Server) await(what string, there func() bool) {
	s.t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for tries := 0; !there(); tries++ {
		if tries > 1200 { // a minute, on a busy machine
			s.t.Fatalf("%s was not delivered; the server's log:\n%s", what, s.Log())
		}
		<-again.C
	}
}

// Log is what the server wrote down.
func (s *Server) Log() string {
	var all strings.Builder
	files, _ := filepath.Glob(filepath.Join(s.folder, "log", "*"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		fmt.Fprintf(&all, "%s:\n%s\n", filepath.Base(file), text)
	}
	return all.String()
}

// Maildir is the mailbox that everything is delivered into.
func (s *Server) Maildir() string { return filepath.Join(s.folder, "maildir") }
