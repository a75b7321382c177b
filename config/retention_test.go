package config

import (
	"strings"
	"testing"
	"time"
)

func TestAgeIsReadAndWrittenAsPeopleSayIt(t *testing.T) {
	for text, want := range map[string]Age{"forever": Forever, "0": Forever, "0d": Forever, "90d": Age(90 * day), "36h": Age(36 * time.Hour), "1w": Age(7 * day)} {
		got, err := ParseAge(text)
		if err != nil || got != want {
			t.Errorf("ParseAge(%q) = %v, %v; want %v", text, got, err, want)
		}
		if again, err := ParseAge(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q, which is read as %v (%v)", text, got, again, err)
		}
	}
	for _, text := range []string{"", "90", "-1d", "for ever", "Forever", "1y"} {
		if got, err := ParseAge(text); err == nil {
			t.Errorf("ParseAge(%q) = %v, want an error", text, got)
		}
	}
}

func TestForeverIsLongerThanAnything(t *testing.T) {
	for _, c := range []struct {
		a, b Age
		want bool
	}{{2, 1, true}, {1, 2, false}, {1, 1, false}, {Forever, 1, true}, {1, Forever, false}, {Forever, Forever, false}} {
		if got := c.a.Longer(c.b); got != c.want {
			t.Errorf("(%v).Longer(%v) is %v", c.a, c.b, got)
		}
	}
}

const keptBriefly = `
agents: {desk: {instructions: Help.}}
retention: {events: forever, max_events: 1000000, keys: 0}
webhooks:
  shop: {scheme: stripe, secrets: ["0123456789abcdef0123456789"], agent: desk, prompt: p, retention: 7d}
  bank: {scheme: stripe, secrets: ["0123456789abcdef0123456789"], agent: desk, prompt: p}
`

func TestExplainSaysWhatIsKept(t *testing.T) {
	c, err := Parse("drawbridge.yaml", []byte(keptBriefly), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	got := explain(c)
	for _, want := range []string{
		"\nKeeps events forever (the newest 1000000), runs for 90d, ", ", keys of tool calls forever; dead letters until somebody deletes them.\n",
		"    keeps its events, their runs and callbacks for 7d\n    removes the body of an event after 7d, and knows its key for 35d from when it last came\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
	if n := strings.Count(got, "removes the body"); n != 1 {
		t.Errorf("%d webhooks are said to keep keys longer than bodies, want 1:\n%s", n, got)
	}
}
