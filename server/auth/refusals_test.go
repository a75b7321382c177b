package auth_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logged is a text log without times.
func logged() (*slog.Logger, *bytes.Buffer) {
	var lines bytes.Buffer
	return slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})), &lines
}

func TestRefusedCallerLeavesALineWithoutTheKey(t *testing.T) {
	const wrong = "wrong-0123456789abcdef"
	for _, test := range []struct {
		reason  string
		headers []string
	}{
		{"missing key", nil},
		{"unknown key", []string{"X-API-Key", wrong}},
		{"unclear key", []string{"Authorization", "Basic " + wrong}},
	} {
		log, lines := logged()
		handler := twoKeys(t).Middleware(log, http.NotFoundHandler())
		r := request(test.headers...)
		r.URL.RawQuery = "key=" + wrong
		handler.ServeHTTP(httptest.NewRecorder(), r)
		want := `level=WARN msg="refused a caller" remote=192.0.2.1 path=/mcp reason="` + test.reason + `"` + "\n"
		if got := lines.String(); got != want {
			t.Errorf("logged %q, want %q", got, want)
		}
	}
}

func TestKnownCallerLeavesNoLine(t *testing.T) {
	log, lines := logged()
	twoKeys(t).Middleware(log, http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), request("X-API-Key", deskKey))
	if lines.Len() > 0 {
		t.Errorf("logged %s", lines)
	}
}

func TestLongPathIsCutInTheLog(t *testing.T) {
	log, lines := logged()
	r := httptest.NewRequest(http.MethodGet, "/"+strings.Repeat("x", 5000), nil)
	twoKeys(t).Middleware(log, http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	if n := strings.Count(lines.String(), "x"); n == 0 || n > 128 {
		t.Errorf("%d bytes of the path are logged", n)
	}
}

func TestFloodOfRefusalsIsLoggedInPartAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := logged()
		keys := twoKeys(t)
		// One limit for all handlers: every route is a door to knock at.
		doors := []http.Handler{keys.Middleware(log, http.NotFoundHandler()), keys.Middleware(log, http.NotFoundHandler())}
		knock := func(times int) {
			for i := range times {
				w := httptest.NewRecorder()
				if doors[i%2].ServeHTTP(w, request()); w.Code != http.StatusUnauthorized {
					t.Fatalf("status %d", w.Code)
				}
			}
		}
		knock(100)
		if n := strings.Count(lines.String(), "\n"); n != 20 {
			t.Errorf("%d lines of 100 at once, want 20", n)
		}
		lines.Reset()
		time.Sleep(time.Second) // of the bubble's clock
		knock(50)
		first, rest, _ := strings.Cut(lines.String(), "\n")
		if !strings.HasSuffix(first, "left_out=80") || strings.Contains(rest, "left_out") || strings.Count(rest, "\n") != 4 {
			t.Errorf("a second later:\n%s", lines)
		}
	})
}

func TestWithoutALogStrangersAreRefusedAllTheSame(t *testing.T) {
	w := httptest.NewRecorder()
	twoKeys(t).Middleware(nil, http.NotFoundHandler()).ServeHTTP(w, request())
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
}
