package slack_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/notify"
	"drawbridge/tools/notify/slack"
	"drawbridge/tools/notify/slack/slackfake"
)

// paced is a workspace at the published rates, whose clock goes by what is waited, and by
// nothing else.
func paced(t *testing.T) (w workspace, waits *[]time.Duration, pass func(time.Duration)) {
	t.Helper()
	now := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	waits = new([]time.Duration)
	w = open(t, func(s *slack.Settings) {
		s.Pace, s.Now = 1, func() time.Time { return now }
		s.Sleep = func(_ context.Context, d time.Duration) error {
			*waits, now = append(*waits, d), now.Add(d)
			return nil
		}
	})
	return w, waits, func(d time.Duration) { now = now.Add(d) }
}

func TestMessagesOfAChannelAreASecondApart(t *testing.T) {
	w, waits, pass := paced(t)
	for _, name := range []string{"orders", "others"} {
		w.fake.Open(slackfake.Channel{Name: name, Member: true})
	}
	post := func(channel string) {
		t.Helper()
		if _, err := w.call(t.Context(), notify.ToolPost, map[string]any{"channel": channel, "text": "x"}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		post("orders")
	}
	post("others")
	if want := []time.Duration{time.Second, time.Second}; !slices.Equal(*waits, want) {
		t.Errorf("it waited %v, want %v", *waits, want)
	}
	pass(time.Second)
	post("orders")
	if len(*waits) != 2 {
		t.Errorf("a second later it waited %v", *waits)
	}
}

// Who would have to wait for long is told when to come back, and takes nobody's place.
func TestWhoWouldWaitForLongIsToldToComeBack(t *testing.T) {
	now := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	w := open(t, func(s *slack.Settings) { s.Pace, s.Now = 1, func() time.Time { return now } }) // waiting takes no time by this clock
	w.fake.Open(slackfake.Channel{Name: "orders", Member: true})
	for i := range 9 {
		_, err := w.call(t.Context(), notify.ToolPost, map[string]any{"channel": "orders", "text": fmt.Sprint(i)})
		if late := i > 5; late != (err != nil) || late && (err.Code != tools.RateLimited || err.RetryAfter != 6*time.Second) {
			t.Errorf("message %d: %+v", i, err)
		}
	}
	if n := w.fake.Asked("chat.postMessage"); n != 6 {
		t.Errorf("%d messages were posted", n)
	}
}

func TestListsKeepToTheirTier(t *testing.T) {
	w, waits, _ := paced(t)
	for range 12 {
		if _, err := w.call(t.Context(), notify.ToolList, nil); err != nil {
			t.Fatal(err)
		}
	}
	if want := []time.Duration{3 * time.Second, 3 * time.Second}; !slices.Equal(*waits, want) { // 20 a minute, behind a burst of 10
		t.Errorf("it waited %v, want %v", *waits, want)
	}
}

func TestWaitIsGivenUpWithItsCaller(t *testing.T) {
	w := open(t, func(s *slack.Settings) {
		now := time.Now()
		s.Pace, s.Now, s.Sleep = 1, func() time.Time { return now }, func(ctx context.Context, _ time.Duration) error { return context.Canceled }
	})
	id := w.fake.Open(slackfake.Channel{Name: "orders", Member: true})
	in := map[string]any{"channel": id, "text": "late"}
	if _, err := w.call(t.Context(), notify.ToolPost, in); err != nil {
		t.Fatal(err)
	}
	if _, err := w.call(t.Context(), notify.ToolPost, in); err == nil || err.Code != tools.Unavailable || w.said(id) != 1 {
		t.Errorf("given up: %v, %d messages", err, w.said(id))
	}
}

// A channel is believed to be as it was for a minute: then one that was shared meanwhile is
// found out.
func TestChannelThatIsSharedMeanwhileIsFoundOut(t *testing.T) {
	w, _, pass := paced(t)
	id := w.fake.Open(slackfake.Channel{Name: "orders", Member: true})
	in := map[string]any{"channel": id, "text": "late"}
	if _, err := w.call(t.Context(), notify.ToolPost, in); err != nil {
		t.Fatal(err)
	}
	w.fake.Share(id)
	pass(time.Minute)
	if _, err := w.call(t.Context(), notify.ToolPost, in); err == nil || err.Code != tools.Denied || w.said(id) != 1 {
		t.Errorf("when it is shared: %v, %d messages", err, w.said(id))
	}
}
