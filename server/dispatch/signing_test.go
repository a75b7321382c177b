package dispatch

import (
	"testing"
	"time"

	"drawbridge/server/callback"
)

func TestAttemptsAreSignedWithTheNewestSecrets(t *testing.T) {
	secrets := func(text string) []callback.Secret { return []callback.Secret{{Text: text}} }
	settings := func(routed, requested string) Settings {
		return Settings{Targets: map[string]Target{"pay": {URL: "https://desk.test/done", Secrets: secrets(routed)}}, Callbacks: CallbackRules{Secrets: secrets(requested)}}
	}
	d := &Dispatcher{settings: settings("a", "b"), o: Options{Now: time.Now}}
	for _, now := range [][2]string{{"a", "b"}, {"c", "b"}, {"c", "d"}} {
		d.Resign(settings(now[0], now[1]))
		for i, c := range []Callback{{Route: "pay"}, {URL: "https://asked.test/done"}} {
			attempt, _, why := d.prepare(c)
			if why != "" || len(attempt.Secrets) != 1 || attempt.Secrets[0].Text != now[i] {
				t.Errorf("behind %v callback %d is signed with %d secrets (%s)", now, i, len(attempt.Secrets), why)
			}
		}
	}
}
