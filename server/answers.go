package server

import (
	"net/http"
	"strings"
	"time"
)

// writeTime is how long one piece of an answer may take to leave. Whoever reads more
// slowly holds a goroutine, and sometimes a run's place, for as long as he likes.
const writeTime = 30 * time.Second

// pieceBytes is the most that has to leave in that time: 8 KiB a second.
const pieceBytes = 256 << 10

// renewAfter is how much of that time has to be gone before a piece gets it anew: answers of
// many small pieces would else move a timer with each.
const renewAfter = time.Second

// answers is where a route's answer goes: each piece has its time, and nothing that is
// said to a principal stays in a cache, whatever the handler says of it.
type answers struct {
	http.ResponseWriter
	conn     *http.ResponseController
	draining func() bool
	private  bool
	begun    bool
	stream   bool      // of HTTP/2, where a deadline ends a silent answer too
	hurried  time.Time // when the deadline was last set
}

// The values of headers that are the same with every answer. Nobody changes them where they
// are: who sets a header puts another value in its place.
var (
	noSniff    = []string{"nosniff"}
	noStore    = []string{"no-store"}
	noFrame    = []string{"DENY"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer = []string{"no-referrer"}
	onlyTLS    = []string{"max-age=31536000"}
)

// protect sets what browsers are told whatever the answer: not to guess its type, to show
// it in no frame, to run nothing of it; and over TLS, not to come back without. The answer to
// a delivery is a line for a program, which nobody would frame and in which nothing can run:
// senders need not read three lines more with each.
func protect(w http.ResponseWriter, r *http.Request, delivery bool) {
	h := w.Header()
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = noStore
	if !delivery {
		h["X-Frame-Options"] = noFrame
		h["Content-Security-Policy"] = noContent
		h["Referrer-Policy"] = noReferrer
	}
	if r.TLS != nil {
		h["Strict-Transport-Security"] = onlyTLS
	}
}

func (a *answers) WriteHeader(status int) {
	if !a.begun && status >= http.StatusOK {
		a.begun = true
		// One that is given once the server is to stop is the last of its connection, though
		// the request came before that.
		if a.draining() {
			a.Header().Set("Connection", "close")
		}
		if a.private && !strings.Contains(a.Header().Get("Cache-Control"), "no-store") {
			a.Header().Set("Cache-Control", "no-store")
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answers) Write(p []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	defer a.rest()
	written := 0
	for {
		piece := p[written:min(len(p), written+pieceBytes)]
		a.hurry()
		n, err := a.ResponseWriter.Write(piece)
		if written += n; err != nil || written >= len(p) {
			return written, err
		}
	}
}

// Flush is for those who know no http.ResponseController.
func (a *answers) Flush() { _ = a.FlushError() }

// FlushError is for http.ResponseController.
func (a *answers) FlushError() error {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	a.hurry()
	defer a.rest()
	return a.conn.Flush()
}

// Unwrap is for http.ResponseController.
func (a *answers) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// hurry gives a piece its time. A recorder of a test knows no deadlines, and needs none.
func (a *answers) hurry() {
	now := time.Now()
	if !a.hurried.IsZero() && now.Sub(a.hurried) < renewAfter {
		return
	}
	a.hurried = now
	_ = a.conn.SetWriteDeadline(now.Add(writeTime))
}

// rest takes the bound away: a stream may be silent. A connection of HTTP/1 may be as well,
// whatever its deadline: only what is written has to be in time, and each piece of that has
// its own.
func (a *answers) rest() {
	if a.stream {
		a.hurried = time.Time{}
		_ = a.conn.SetWriteDeadline(time.Time{})
	}
}
