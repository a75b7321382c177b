package slack_test

import (
	"net/http"
	"testing"
	"time"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/notify"
	"drawbridge/tools/notify/slack"
	"drawbridge/tools/notify/slack/slackfake"
)

// What happens to every backend sooner or later. Slack says in the body that a token has
// run out, with the status 200.
func TestFaultsOfEveryBackend(t *testing.T) {
	backendtest.Faults(t, func(t *testing.T, line *backendtest.Line) backendtest.Account {
		now := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
		w := open(t, func(s *slack.Settings) {
			s.Client, s.Now = &http.Client{Transport: line}, func() time.Time { return now }
		})
		room := func() string { return w.fake.Open(slackfake.Channel{Name: "orders", Member: true}) }
		calls := []backendtest.Call{
			{Tool: notify.ToolList, Arrange: func() map[string]any { room(); return map[string]any{} }, At: backendtest.At(http.MethodPost, "/conversations.list")},
			{Tool: notify.ToolFind, Arrange: func() map[string]any {
				w.fake.Join(slackfake.Person{Name: "Ada", Email: "ada@example.com"})
				return map[string]any{"email": "ada@example.com"}
			}, At: backendtest.At(http.MethodPost, "/users.lookupByEmail")},
			{Tool: notify.ToolRead, Arrange: func() map[string]any {
				id := room()
				return map[string]any{"channel": id, "thread_id": w.fake.Say(id, "", slackfake.Bot, "x")}
			}, At: backendtest.At(http.MethodPost, "/conversations.replies")},
		}
		for _, d := range deeds {
			place := ""
			calls = append(calls, backendtest.Call{
				Tool: d.tool,
				Arrange: func() (in map[string]any) {
					in, place = d.arrange(w)
					return in
				},
				At:      backendtest.At(http.MethodPost, "/chat.postMessage"),
				Effects: func() int { return w.said(place) },
			})
		}
		return backendtest.Account{
			Tools: notify.Tools(notify.New(w.Backend)), Calls: calls, Pass: func(d time.Duration) { now = now.Add(d) }, Secret: slackfake.Token,
			TooMany: backendtest.Answer{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}, Body: `{"ok":false,"error":"ratelimited"}`},
			Expired: backendtest.Answer{Status: http.StatusOK, Body: `{"ok":false,"error":"token_expired"}`},
		}
	})
}
