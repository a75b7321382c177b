//go:build unix

package imaptest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// DeliverAt puts a message into the inbox that came at a time.
func (s *Server) DeliverAt(raw string, at time.Time) { s.deliver(raw, at, 0o600) }

// DeliverUnreadable puts a message into the inbox that the server lists, and cannot give
// out.
func (s *Server) DeliverUnreadable(raw string) { s.deliver(raw, time.Time{}, 0) }

// Renumber has the server forget the numbers of its messages: it gives new ones, under
// another UIDVALIDITY. The server must have been stopped.
func (s *Server) Renumber(validity uint32) {
	s.t.Helper()
	if s.running != nil {
		s.t.Fatal("the mail server runs; stop it first")
	}
	files, err := filepath.Glob(filepath.Join(s.maildir, "dovecot*"))
	s.must(err)
	for _, file := range files {
		if filepath.Base(file) != "dovecot-uidlist" {
			s.must(os.Remove(file))
		}
	}
	list := filepath.Join(s.maildir, "dovecot-uidlist")
	before, err := os.ReadFile(list)
	s.must(err)
	if strings.Contains(string(before), fmt.Sprintf(" V%d ", validity)) {
		s.t.Fatalf("the messages have been numbered under %d all along", validity)
	}
	// In place, so that the file stays that of the server's account.
	s.must(os.WriteFile(list, fmt.Appendf(nil, "3 V%d N1 G0123456789abcdef0123456789abcdef\n", validity), 0o600))
}

// Readable lets the server give out what it could not.
func (s *Server) Readable() {
	s.t.Helper()
	for _, name := range []string{"new", "cur"} {
		s.must(filepath.WalkDir(filepath.Join(s.maildir, name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			return os.Chmod(path, 0o600)
		}))
	}
}
