package callback

import (
	"net/http"
	"testing"
	"time"
)

// endless is a body that counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }
func (e *endless) Close() error               { return nil }

type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func TestDEL07_SixtyFourKibibytesOfAnAnswerAreRead(t *testing.T) {
	s, body := NewSender(Options{}), &endless{}
	s.clients[Configured].Transport = answers(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
	})
	got := s.Send(t.Context(), Attempt{ID: "msg_1", URL: "http://127.0.0.1/", Origin: Configured, Secrets: []Secret{{Text: NewSecret()}}})
	if got.Verdict != Delivered || body.read != 64<<10 || len(got.Excerpt) != 20_000 {
		t.Errorf("%+v: %d bytes were read and %d kept, want 65536 and 20000", got.Verdict, body.read, len(got.Excerpt))
	}
}

func TestDEL07_AttemptTakesFifteenSecondsAndNeverMoreThanThirty(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{0: 15 * time.Second, time.Second: time.Second, time.Hour: 30 * time.Second} {
		if got := NewSender(Options{Timeout: asked}).timeout; got != want {
			t.Errorf("asked for %v an attempt may take %v, want %v", asked, got, want)
		}
	}
	if defaultConnectTimeout != 5*time.Second {
		t.Errorf("connecting may take %v, want 5s", defaultConnectTimeout)
	}
}
