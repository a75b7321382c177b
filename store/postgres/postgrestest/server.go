//go:build unix

package postgrestest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Options of a server.
type Options struct {
	TCP      bool     // also listens on 127.0.0.1, at a free port; URL then names that
	Memory   bool     // its files are in memory where that can be had: no disk makes tests wait
	Settings []string // of postgresql.conf, each name=value
}

// Server is a PostgreSQL with a folder of its own. Its methods are not for several
// goroutines at once.
type Server struct {
	folder string // with data, socket and log
	bin    string // where the programs are
	port   int
	o      Options
	attr   *syscall.SysProcAttr
	keeper *exec.Cmd // the shell that ends the server when life is closed
	life   io.Closer
}

// superuser is the role that owns everything. Who reaches the socket is trusted.
const superuser = "drawbridge"

// keep waits until whoever started it is gone or lets go, and takes the server along.
const keep = `cat >/dev/null; "$1/pg_ctl" -D "$2/data" -m immediate -s -w stop; rm -rf "$2"`

// Launch starts a server that ends with Close, or with this process.
func Launch(o Options) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, o: o, port: 5432}
	owner, err := account()
	if err != nil {
		return nil, err
	}
	s.attr = &syscall.SysProcAttr{Setsid: true, Credential: owner} // not the session of a terminal's ^C
	// The path of a socket is bounded to some 100 bytes: no long TMPDIR.
	err = errors.ErrUnsupported
	if o.Memory {
		s.folder, err = os.MkdirTemp("/dev/shm", "drawbridge-pg-")
	}
	if err != nil {
		s.folder, err = os.MkdirTemp("/tmp", "drawbridge-pg-")
	}
	if err != nil {
		return nil, err
	}
	if owner != nil {
		if err := os.Chown(s.folder, int(owner.Uid), int(owner.Gid)); err != nil {
			return nil, errors.Join(err, os.RemoveAll(s.folder))
		}
	}
	if err := s.watch(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	if o.TCP {
		if s.port, err = freePort(); err != nil {
			s.Close()
			return nil, err
		}
	}
	// fsync stays on; only the files that initdb makes are not waited for.
	err = s.run("initdb", "-D", s.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// watch starts the keeper.
func (s *Server) watch() error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	s.life = write
	s.keeper = exec.Command("/bin/sh", "-c", keep, "keeper", s.bin, s.folder)
	s.keeper.Stdin, s.keeper.SysProcAttr, s.keeper.Dir = read, s.attr, "/"
	if err := s.keeper.Start(); err != nil {
		return errors.Join(err, read.Close(), write.Close())
	}
	return read.Close()
}

// Close ends the server and removes its folder.
func (s *Server) Close() {
	_ = s.life.Close()
	_ = s.keeper.Wait()
}

// URL is that of a database of the server.
func (s *Server) URL(database string) string {
	if s.o.TCP {
		return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", superuser, s.port, database)
	}
	return fmt.Sprintf("postgres://%s@/%s?host=%s", superuser, database, url.QueryEscape(s.folder))
}

// Log is the file that the server writes its log to.
func (s *Server) Log() string { return filepath.Join(s.folder, "log") }

// Start starts the server, and returns when it answers. It listens where it did before.
func (s *Server) Start() error {
	listen := ""
	if s.o.TCP {
		listen = "127.0.0.1"
	}
	options := fmt.Sprintf("-k '%s' -p %d -c listen_addresses='%s' -c max_connections=300 -c shared_buffers=64MB -c max_wal_size=256MB", s.folder, s.port, listen)
	for _, setting := range s.o.Settings {
		options += " -c '" + setting + "'"
	}
	return s.run("pg_ctl", "-D", s.data(), "-l", s.Log(), "-o", options, "-s", "-w", "-t", "120", "start")
}

// Stop ends every connection and shuts the server down in order.
func (s *Server) Stop() error {
	return s.run("pg_ctl", "-D", s.data(), "-m", "fast", "-s", "-w", "-t", "120", "stop")
}

// Kill ends the server at once, as if its machine had lost power: when it is started
// again it recovers what had been committed.
func (s *Server) Kill() error {
	return s.run("pg_ctl", "-D", s.data(), "-m", "immediate", "-s", "-w", "-t", "120", "stop")
}

// Restart stops the server and starts it again.
func (s *Server) Restart() error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.Start()
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// run runs one of PostgreSQL's programs. Its output goes to a file: the server that
// pg_ctl starts would hold a pipe open.
func (s *Server) run(program string, args ...string) error {
	out, err := os.CreateTemp("", "drawbridge-pg-out-")
	if err != nil {
		return err
	}
	defer func() { _, _ = out.Close(), os.Remove(out.Name()) }()
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr, cmd.Dir = out, out, s.attr, "/"
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") }), "LC_ALL=C", "TZ=UTC")
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		logged, _ := os.ReadFile(s.Log())
		return fmt.Errorf("%s: %w: %s\n%s", program, err, said, logged[max(0, len(logged)-2000):])
	}
	return nil
}

// programs is the folder of initdb, pg_ctl and postgres.
func programs() (string, error) {
	var folders []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if initdb, err = filepath.EvalSymlinks(initdb); err == nil {
			folders = append(folders, filepath.Dir(initdb))
		}
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(debian, func(a, b string) int { return version(b) - version(a) })
	for _, folder := range append(folders, debian...) {
		if !slices.ContainsFunc([]string{"initdb", "pg_ctl", "postgres"}, func(program string) bool {
			_, err := exec.LookPath(filepath.Join(folder, program))
			return err != nil
		}) {
			return folder, nil
		}
	}
	return "", ErrMissing
}

func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return n
}

// account is whom the server runs as: nil for whoever runs the tests, but not root,
// whom PostgreSQL refuses.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(found.Gid, 10, 32)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("%w; PostgreSQL does not run as root, and there is neither an account postgres nor nobody", ErrMissing)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
