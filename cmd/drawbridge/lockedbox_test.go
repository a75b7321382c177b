package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// lockedBox is a mail server (IMAP) with an empty folder, which notes whom it lets in.
type lockedBox struct {
	address string
	mu      sync.Mutex
	seen    []string
}

func newLockedBox(t *testing.T) *lockedBox {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b := &lockedBox{address: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(conn)
		}
	}()
	return b
}

func (b *lockedBox) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprint(conn, "* OK [CAPABILITY IMAP4rev1] ready\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		tag, rest, _ := strings.Cut(lines.Text(), " ")
		verb, rest, _ := strings.Cut(rest, " ")
		switch verb {
		case "LOGIN":
			b.mu.Lock()
			b.seen = append(b.seen, rest)
			b.mu.Unlock()
		case "CAPABILITY":
			_, _ = fmt.Fprint(conn, "* CAPABILITY IMAP4rev1\r\n")
		case "EXAMINE":
			_, _ = fmt.Fprint(conn, "* 0 EXISTS\r\n* OK [UIDVALIDITY 1] lasting\r\n* OK [UIDNEXT 1] next\r\n")
		case "UID": // of a search
			_, _ = fmt.Fprint(conn, "* SEARCH\r\n")
		}
		if _, err := fmt.Fprintf(conn, "%s OK done\r\n", tag); err != nil {
			return
		}
	}
}

// taken gives the newest login.
func (b *lockedBox) taken() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) == 0 {
		return ""
	}
	return b.seen[len(b.seen)-1]
}
