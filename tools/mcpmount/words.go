package mcpmount

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"sync"

	"golang.org/x/time/rate"
)

const (
	maxWord        = 1024 // bytes of a line that reach the log
	maxWordRead    = 16 << 10
	wordsPerSecond = 10
	wordBurst      = 50
)

// words puts what a child says on stderr into the log: short lines, not too many.
type words struct {
	log   *slog.Logger
	clean cleaner
	pace  *rate.Limiter

	mu      sync.Mutex
	latest  string
	dropped int
}

func newWords(log *slog.Logger, clean cleaner) *words {
	return &words{log: log, clean: clean, pace: rate.NewLimiter(wordsPerSecond, wordBurst)}
}

// follow reads to the end, whatever happens to the lines: a child whose stderr is
// full stands still.
func (w *words) follow(stderr io.Reader) {
	in := bufio.NewReaderSize(stderr, 4096)
	for {
		line, err := cutLine(in)
		if text := w.clean.line(string(line), maxWord); text != "" {
			w.hear(text)
		}
		if err != nil {
			w.sayDropped()
			return
		}
	}
}

func (w *words) hear(text string) {
	allowed := w.pace.Allow()
	w.mu.Lock()
	w.latest = text
	if !allowed {
		w.dropped++
	}
	w.mu.Unlock()
	if allowed {
		w.sayDropped()
		w.log.Info("stderr", "line", text)
	}
}

func (w *words) sayDropped() {
	w.mu.Lock()
	dropped := w.dropped
	w.dropped = 0
	w.mu.Unlock()
	if dropped > 0 {
		w.log.Warn("stderr came too fast", "lines_dropped", dropped)
	}
}

// last is the line said last.
func (w *words) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest
}

// cutLine reads a line and keeps its beginning.
func cutLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part[:min(len(part), maxWordRead-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return trimEnd(line), err
		}
	}
}
