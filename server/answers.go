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

// answers is where a route's answer goes: each piece has its time, and nothing that is
// said to a principal stays in a cache, whatever the handler says of it.
type answers struct {
	http.ResponseWriter
	conn     *http.ResponseController
	draining func() bool
	private  bool
	begun    bool
}

// protect sets what browsers are told whatever the answer: not to guess its type, to show
// it in no frame, to run nothing of it; and over TLS, not to come back without.
func protect(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000")
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

// hurry gives a piece its time, and rest takes the bound away: a stream may be silent. A
// recorder of a test knows no deadlines, and needs none.
func (a *answers) hurry() { _ = a.conn.SetWriteDeadline(time.Now().Add(writeTime)) }
func (a *answers) rest()  { _ = a.conn.SetWriteDeadline(time.Time{}) }
