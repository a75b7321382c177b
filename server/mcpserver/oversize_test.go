package mcpserver_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"drawbridge/server/mcpserver"
)

// lines is a log that may be read while others write it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func logTo(l *lines) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestMessageThatIsTooLargeLeavesALineAndNothingOfItself(t *testing.T) {
	const large = "do not log this "
	for _, test := range []struct {
		name, want string
		send       func(t *testing.T, f *fixture)
	}{
		{"streamable HTTP", "door=http limit=1000 principal=key:desk", func(t *testing.T, f *fixture) {
			f.post(t, "/mcp", strings.Repeat(large, 100), deskKey, http.StatusRequestEntityTooLarge)
		}},
		{"without authentication", "door=http limit=1000\n", func(t *testing.T, f *fixture) {
			f.post(t, "/open/mcp", strings.Repeat(large, 100), deskKey, http.StatusRequestEntityTooLarge)
		}},
		{"SSE", "door=sse limit=1000 principal=key:shop", func(t *testing.T, f *fixture) {
			f.post(t, "/message", strings.Repeat(large, 100), shopKey, http.StatusRequestEntityTooLarge)
		}},
		{"stdio", "door=stdio limit=1000 principal=key:desk", func(t *testing.T, f *fixture) {
			p := servePipes(context.WithoutCancel(t.Context()), f)
			p.write(t, strings.Repeat(large, 100)+"\n")
			<-p.lines
			_ = p.in.Close()
			if err := <-p.served; err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log lines
			f := newFixture(t, mcpserver.Options{BodyLimit: 1000, Log: logTo(&log)})
			test.send(t, f)
			got := log.String()
			if !strings.Contains(got, `level=WARN msg="refused a message that is too large" `+test.want) {
				t.Errorf("log:\n%s", got)
			}
			if strings.Contains(got, large) || strings.Contains(got, deskKey) {
				t.Errorf("the log shows what was sent:\n%s", got)
			}
		})
	}
}

func TestFloodOfLargeMessagesIsLoggedInPart(t *testing.T) {
	var log lines
	f := newFixture(t, mcpserver.Options{BodyLimit: 1000, Log: logTo(&log)})
	const sent = 500
	p := servePipes(t.Context(), f)
	go func() {
		for range sent {
			_, _ = p.in.Write([]byte(strings.Repeat("x", 1001) + "\n"))
		}
		_ = p.in.Close()
	}()
	if answers := len(p.rest(t)); answers != sent {
		t.Errorf("%d answers", answers)
	}
	if err := <-p.served; err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "too large"); n < 20 || n > 100 {
		t.Errorf("%d lines for %d messages", n, sent)
	}
}
