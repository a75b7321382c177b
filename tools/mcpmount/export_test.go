package mcpmount

import (
	"bufio"
	"bytes"
	"encoding/json"
	"time"

	"drawbridge/tools"
)

// Hasten shortens the waits of a mount that is not running yet.
func (m *Mount) Hasten() {
	m.time = timing{
		firstRetry:  10 * time.Millisecond,
		maxRetry:    50 * time.Millisecond,
		refused:     time.Hour,
		steady:      time.Hour,
		relist:      10 * time.Millisecond,
		lookAtBook:  10 * time.Millisecond,
		sigterm:     200 * time.Millisecond,
		sigkill:     400 * time.Millisecond,
		cancelGrace: time.Second,
	}
}

// RelistEvery sets the least time between two lists.
func (m *Mount) RelistEvery(d time.Duration) { m.time.relist = d }

// RetryIn is the wait after so many failures in production.
func RetryIn(failures int) time.Duration { return productionTiming.retryIn(failures) }

var (
	EffectOf = func(settings map[string]tools.Effect, name string) (tools.Effect, bool) {
		return settingOfAny(settings, []string{name})
	}
	OfferedName = offeredName
	Environment = environment
	ReadEvents  = func(text []byte, limit int64, fn func(name, data string)) error {
		return readEvents(bytes.NewReader(text), limit, &cursor{}, func(e event) error {
			fn(e.name, string(e.data))
			return nil
		})
	}
)

// HashOf is the hash of a tool as listed.
func HashOf(raw string) (string, error) {
	t, err := readTool(json.RawMessage(raw))
	return t.hash, err
}

// Offer gives the tool of a definition under some settings.
func Offer(s Settings, raw string) (tools.Tool, error) {
	m, err := New(s, Options{})
	if err != nil {
		return tools.Tool{}, err
	}
	t, err := readTool(json.RawMessage(raw))
	if err != nil {
		return tools.Tool{}, err
	}
	return m.offer(t), nil
}

// Clean is a line of a server's, as it reaches the log.
func Clean(s Settings, text string, limit int) string { return newCleaner(s).line(text, limit) }

// ReadLine reads a bounded line through a small buffer.
func ReadLine(text []byte, limit int64) (string, error) {
	line, err := readLine(bufio.NewReaderSize(bytes.NewReader(text), 16), limit)
	return string(line), err
}
