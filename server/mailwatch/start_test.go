package mailwatch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

const month = 35 * 24 * time.Hour

func TestReadingBegins(t *testing.T) {
	const box = "me/INBOX"
	found := Found{Validity: 7, Last: 40, Newest: ago(time.Hour)}
	was := func(p Position) *Position { p.Mailbox = box; return &p }
	for name, c := range map[string]struct {
		before *Position
		found  Found
		keep   time.Duration
		want   Position
		other  bool
	}{
		"behind what is there, the first time":   {nil, found, month, Position{box, 7, 40, ago(time.Hour), ago(time.Hour), 0}, true},
		"at nothing, where nothing is":           {nil, Found{Validity: 7}, month, Position{Mailbox: box, Validity: 7}, true},
		"now, where messages came tomorrow":      {nil, Found{7, 40, noon.Add(time.Hour)}, month, Position{box, 7, 40, noon, noon, 0}, true},
		"anew in another mailbox":                {&Position{Mailbox: "me/Orders", Validity: 7, UID: 3}, found, month, Position{box, 7, 40, ago(time.Hour), ago(time.Hour), 0}, true},
		"where it ended":                         {was(Position{Validity: 7, UID: 12, At: ago(3)}), found, month, Position{box, 7, 12, ago(3), time.Time{}, 0}, false},
		"a day before the newest, numbered anew": {was(Position{Validity: 6, UID: 90, At: ago(time.Hour)}), found, month, Position{box, 7, 0, ago(time.Hour), ago(25 * time.Hour), 40}, true},
		// Or what nobody wanted to be told of would be new now.
		"not before the first start, numbered anew":     {was(Position{Validity: 6, UID: 90, At: ago(time.Hour), Since: ago(2 * time.Hour)}), found, month, Position{box, 7, 0, ago(time.Hour), ago(2 * time.Hour), 40}, true},
		"at all, where it was empty and numbered anew":  {was(Position{Validity: 6}), found, month, Position{box, 7, 0, time.Time{}, time.Time{}, 40}, true},
		"behind the newest, whose key counts no longer": {was(Position{Validity: 6, UID: 90, At: ago(month)}), found, month, Position{box, 7, 0, ago(month), ago(month), 40}, true},
		"behind the newest, where keys count an hour":   {was(Position{Validity: 6, UID: 90, At: ago(time.Minute)}), found, time.Hour, Position{box, 7, 0, ago(time.Minute), ago(time.Minute), 40}, true},
	} {
		got, other := start(c.before, box, c.found, noon, c.keep)
		if diff := cmp.Diff(c.want, got); diff != "" || other != c.other {
			t.Errorf("%s: another: %t, want %t (-want +got):\n%s", name, other, c.other, diff)
		}
	}
}

func TestPositionMovesBehindAMessage(t *testing.T) {
	p := Position{UID: 3, At: ago(time.Hour), Since: ago(2 * time.Hour), Upto: 9}
	for _, c := range []struct {
		came, want time.Time
	}{
		{ago(time.Minute), ago(time.Minute)},
		{ago(2 * time.Hour), ago(time.Hour)},   // it was moved here from another folder
		{time.Time{}, ago(time.Hour)},          // nobody could read it
		{noon.Add(365 * 24 * time.Hour), noon}, // its server says so
	} {
		want := Position{UID: 4, At: c.want, Since: p.Since, Upto: 9}
		if diff := cmp.Diff(want, p.behind(Mail{UID: 4, Came: c.came}, noon)); diff != "" {
			t.Errorf("behind one that came %v (-want +got):\n%s", c.came, diff)
		}
	}
}
