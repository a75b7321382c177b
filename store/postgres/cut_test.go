package postgres_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"drawbridge/store/postgres/postgrestest"
)

// wire passes on what is said to a server, until it is cut: then what is said on the
// connections that there are goes nowhere, and neither side hears that the other has gone.
type wire struct {
	mu    sync.Mutex
	conns []*strand
}

// strand is a connection, with both its ends.
type strand struct {
	ends [2]net.Conn
	mu   sync.Mutex
	cut  bool
}

// wired is a wire to a server, and the URL by which a database is reached through it.
func wired(t *testing.T, address string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w, server := &wire{}, u.Host
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = near.Close()
				continue
			}
			s := &strand{ends: [2]net.Conn{near, far}}
			w.mu.Lock()
			w.conns = append(w.conns, s)
			w.mu.Unlock()
			passing.Go(func() { s.pass(near, far) })
			passing.Go(func() { s.pass(far, near) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.mu.Lock()
		for _, s := range w.conns {
			_, _ = s.ends[0].Close(), s.ends[1].Close()
		}
		w.mu.Unlock()
		passing.Wait()
	})
	u.Host = l.Addr().String()
	return w, u.String()
}

func (s *strand) isCut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut
}

func (s *strand) pass(from, to net.Conn) {
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if s.isCut() {
			if err == nil {
				continue
			}
			return
		}
		if n > 0 {
			_, _ = to.Write(buf[:n])
		}
		if err != nil {
			if err == io.EOF {
				_ = to.Close()
			}
			return
		}
	}
}

// cut cuts the connections that there are. Later ones pass.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.conns {
		s.mu.Lock()
		s.cut = true
		s.mu.Unlock()
	}
}

// A node whose connections were cut, and given up by the server, without it hearing of
// that, is there again soon: else the others would take its work for as long as it
// believes to be among them.
func TestRUN02_NodeNoticesThatItWasGivenUp(t *testing.T) {
	server := postgrestest.Start(t, postgrestest.Options{Memory: true, TCP: true})
	address, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w, through := wired(t, address)
	node(t, through)
	plain := open(t, "pgx", address)
	holder := func() (pid int) {
		t.Helper()
		if err := plain.QueryRowContext(t.Context(), `SELECT COALESCE(MAX(pid), 0) FROM pg_locks
			WHERE locktype = 'advisory' AND granted AND classid = 1685217655 AND objsubid = 2`).Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := holder()
	if before == 0 {
		t.Fatal("the node holds no lock")
	}
	w.cut()
	if _, err := plain.ExecContext(t.Context(), `SELECT pg_terminate_backend($1)`, before); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { now := holder(); return now != 0 && now != before })
}
