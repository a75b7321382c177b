//go:build unix

// Package imaptest gives tests a real mail server to read at: Dovecot, as Debian has it
// (dovecot-imapd). It runs without privileges, in a temporary folder, on a socket that is
// open before it starts. Where there is no Dovecot the tests that want it are skipped, and
// say so; with CI=true that is a failure.
package imaptest

import (
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The account that the server knows.
const (
	Username = "support"
	Password = "correct-horse"
)

// Server is a Dovecot with the maildir of one account.
type Server struct {
	t       testing.TB
	folder  string
	maildir string
	// Address is where it answers: STARTTLS where there is a certificate.
	Address string
	program string
	// Secure is where it answers with TLS from the first byte; "" without a certificate.
	Secure string
	// RootsFile is the authority of its certificate: that is its own.
	RootsFile string
	Roots     *x509.CertPool

	sockets []*os.File
	running *exec.Cmd
	ended   chan struct{} // closed when it is not running any more
}

// Options have working zero values.
type Options struct {
	// Maildir is that of the account: of another server that delivers into it. "" for
	// one of its own.
	Maildir string
	// Encrypted: it has a certificate, which the authority of RootsFile signed.
	Encrypted bool
	Account   string // that the server runs as, where tests run as root; "" for nobody
}

// New starts a server.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	program, err := exec.LookPath("dovecot")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/dovecot")
	}
	if err != nil {
		const missing = "no Dovecot found: install Debian's dovecot-imapd"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip("SKIPPED, not tested: " + missing)
	}
	s := &Server{t: t, program: program, maildir: o.Maildir}
	s.folder, err = os.MkdirTemp("/tmp", "drawbridge-dovecot-")
	s.must(err)
	t.Cleanup(func() { _ = os.RemoveAll(s.folder) })
	if s.maildir == "" {
		s.maildir = filepath.Join(s.folder, "maildir")
		s.must(os.Mkdir(s.maildir, 0o700))
	}
	s.Address = s.listen()
	if o.Encrypted {
		s.Secure = s.listen()
		s.certify()
	}
	s.configure(o)
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// listen opens a socket that the server is to answer at.
func (s *Server) listen() (address string) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	socket, err := l.(*net.TCPListener).File()
	s.must(err)
	address = l.Addr().String()
	_ = l.Close()
	s.t.Cleanup(func() { _ = socket.Close() })
	s.sockets = append(s.sockets, socket)
	return address
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) configure(o Options) {
	account, err := user.Current()
	s.must(err)
	if account.Uid == "0" {
		name := o.Account
		if name == "" {
			name = "nobody"
		}
		account, err = user.Lookup(name)
		s.must(err)
	}
	group, err := user.LookupGroupId(account.Gid)
	s.must(err)
	security := "ssl = no\n"
	if o.Encrypted {
		security = fmt.Sprintf("ssl = yes\nssl_cert = <%s\nssl_key = <%s\n", s.RootsFile, filepath.Join(s.folder, "key.pem"))
	}
	_, port, err := net.SplitHostPort(s.Address)
	s.must(err)
	secure := "0"
	if s.Secure != "" {
		_, secure, err = net.SplitHostPort(s.Secure)
		s.must(err)
	}
	text := strings.NewReplacer("FOLDER", s.folder, "MAILDIR", s.maildir, "SECURE", secure, "PORT", port, "ACCOUNT", account.Username, "GROUP", group.Name, "UID", account.Uid, "GID", account.Gid,
		"PASSWORD", Password).Replace(settings) + security
	s.must(os.WriteFile(filepath.Join(s.folder, "dovecot.conf"), []byte(text), 0o600))
	if os.Geteuid() == 0 {
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		s.must(filepath.Walk(s.folder, func(path string, _ os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			return os.Chown(path, uid, gid)
		}))
	}
}

const settings = `base_dir = FOLDER/run
state_dir = FOLDER/state
log_path = FOLDER/log
protocols = imap
listen = 127.0.0.1
default_internal_user = ACCOUNT
default_internal_group = GROUP
default_login_user = ACCOUNT
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:MAILDIR
mailbox_list_index = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_max_userip_connections = 50
passdb {
  driver = static
  args = password=PASSWORD
}
userdb {
  driver = static
  args = uid=UID gid=GID home=FOLDER/home
}
service imap-login {
  chroot =
  inet_listener imap {
    port = PORT
  }
  inet_listener imaps {
    port = SECURE
    ssl = yes
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = create
  }
  mailbox Archive {
    auto = create
  }
}
`

// Log is what it wrote down.
func (s *Server) Log() string {
	text, _ := os.ReadFile(filepath.Join(s.folder, "log"))
	return string(text)
}

// Deliver puts a message into the inbox, as who delivers into a maildir does.
func (s *Server) Deliver(raw string) { s.deliver(raw, time.Time{}, 0o600) }

func (s *Server) deliver(raw string, at time.Time, mode os.FileMode) {
	s.t.Helper()
	s.must(os.MkdirAll(filepath.Join(s.maildir, "new"), 0o700))
	s.must(os.MkdirAll(filepath.Join(s.maildir, "tmp"), 0o700))
	f, err := os.CreateTemp(filepath.Join(s.maildir, "tmp"), "*.test")
	s.must(err)
	_, err = f.WriteString(strings.ReplaceAll(raw, "\r\n", "\n"))
	s.must(err)
	s.must(f.Close())
	s.must(os.Chmod(f.Name(), mode))
	if !at.IsZero() {
		s.must(os.Chtimes(f.Name(), at, at))
	}
	if os.Geteuid() == 0 {
		info, err := os.Stat(s.maildir)
		s.must(err)
		owner := info.Sys().(*syscall.Stat_t)
		for _, path := range []string{f.Name(), filepath.Join(s.maildir, "new"), filepath.Join(s.maildir, "tmp")} {
			s.must(os.Chown(path, int(owner.Uid), int(owner.Gid)))
		}
	}
	s.must(os.Rename(f.Name(), filepath.Join(s.maildir, "new", filepath.Base(f.Name()))))
}
