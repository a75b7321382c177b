package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// ING-06: a body that does not arrive does not hold its connection.
func TestING06_SlowBodyIsCutOff(t *testing.T) {
	result := make(chan error, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &timedBody{ReadCloser: r.Body, conn: http.NewResponseController(w), limit: time.Millisecond}
		_, err := io.ReadAll(body)
		result <- err
	}))
	defer s.Close()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this"); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading a body that does not come gave %v, want the deadline", err)
	}
}

func TestDeadlineIsLiftedWithTheLastByte(t *testing.T) {
	recorder := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	r.Body = io.NopCloser(&io.LimitedReader{R: zeros{}, N: 10})
	boundBody(http.NewResponseController(recorder), r)
	if len(recorder.set) != 0 {
		t.Error("a deadline was set before the first read")
	}
	if _, err := io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	if n := len(recorder.set); n != 2 || recorder.set[0].IsZero() || !recorder.set[1].IsZero() {
		t.Errorf("deadlines set: %v; want one, then none", recorder.set)
	}
}

type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// ING-06: what holds on every connection, whatever comes over it.
func TestING06_EveryConnectionIsBounded(t *testing.T) {
	s := New(Options{})
	if s.http.ReadHeaderTimeout != 5*time.Second || bodyTime != 10*time.Second || s.http.IdleTimeout != time.Minute || s.http.MaxHeaderBytes != 64<<10 {
		t.Errorf("header %v, body %v, idle %v, header bytes %d; want 5s, 10s, 1m, 65536",
			s.http.ReadHeaderTimeout, bodyTime, s.http.IdleTimeout, s.http.MaxHeaderBytes)
	}
}
