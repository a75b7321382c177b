package chatapi

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/bridge"
)

// told plays events, "turn:words" each, to a speech. "again" and "=words" are what
// they look like.
func told(more string, events ...string) string {
	var said strings.Builder
	s := newSpeech(false, func(text string) { said.WriteString(text) })
	turn := 1
	for _, e := range events {
		switch text, whole := strings.CutPrefix(e, "="); {
		case e == "again":
			s.hear(bridge.Event{Kind: bridge.Again, Turn: turn})
		case whole:
			s.hear(bridge.Event{Kind: bridge.Turned, Turn: turn, Text: text})
			turn++
		default:
			s.hear(bridge.Event{Kind: bridge.Words, Turn: turn, Text: text})
		}
	}
	s.close(more)
	return said.String()
}

func TestWordsOfSeveralTurnsBecomeParagraphs(t *testing.T) {
	for name, test := range map[string]struct {
		events []string
		more   string
		want   string
	}{
		"one turn":                       {[]string{"a", "b", "=ab"}, "", "ab"},
		"two turns":                      {[]string{"a", "=a", "b", "=b"}, "", "a\n\nb"},
		"a turn without words":           {[]string{"a", "=a", "=", "=", "b", "=b"}, "", "a\n\nb"},
		"a turn of blanks":               {[]string{"a", "=a", " \n", "= \n", "b", "=b"}, "", "a\n\nb"},
		"blank lines around":             {[]string{"\n\n a \n\n\n", "=\n\n a \n\n\n", "\n", "\nb", "=\n\nb"}, "", " a\n\nb"},
		"blanks within":                  {[]string{"a\n\n\n", " b", "=a\n\n\n b"}, "", "a\n\n\n b"},
		"blanks at the very end":         {[]string{"a \n", "=a \n"}, "", "a \n"},
		"nothing":                        {[]string{" ", "= "}, "", ""},
		"heard late":                     {[]string{"=a", "=b"}, "", "a\n\nb"},
		"heard from its middle":          {[]string{"a", "=abc"}, "", "abc"},
		"again, the same":                {[]string{"Hel", "again", "He", "llo", "=Hello"}, "", "Hello"},
		"again, twice":                   {[]string{"Hello", "again", "He", "again", "Hello wor", "again", "Hello world", "=Hello world"}, "", "Hello world"},
		"again, other words":             {[]string{"Hello w", "again", "Hello", " you", "=Hello you"}, "", "Hello w\n\nHello you"},
		"again, other words, then again": {[]string{"Hello w", "again", "Hello you", "again", "Hello you two", "=Hello you two"}, "", "Hello w\n\nHello you two"},
		"again, fewer words":             {[]string{"Hello world", "again", "Hello", "=Hello"}, "", "Hello world\n\nHello"},
		"again, and whole at once":       {[]string{"Hel", "again", "=Hello"}, "", "Hello"},
		"again, and no words":            {[]string{"Hel", "again", "=", "b", "=b"}, "", "Hel\n\nb"},
		"more of ours":                   {[]string{"a\n", "=a\n"}, "Not finished.\n", "a\n\nNot finished."},
		"ours alone":                     {nil, "Not finished.", "Not finished."},
	} {
		if got := told(test.more, test.events...); got != test.want {
			t.Errorf("%s: said %q, want %q", name, got, test.want)
		}
	}
}

func TestPiecesDoNotChangeWhatIsSaid(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.StringOf(rapid.SampledFrom([]rune("ab \n")))
		var whole, pieces []string
		for range rapid.IntRange(1, 4).Draw(rt, "turns") {
			text := word.Draw(rt, "text")
			whole = append(whole, "="+text)
			for rest := text; rest != ""; {
				n := rapid.IntRange(1, len(rest)).Draw(rt, "n")
				pieces = append(pieces, rest[:n])
				if rapid.Bool().Draw(rt, "again") {
					pieces = append(pieces, "again", text[:len(text)-len(rest)+n])
				}
				rest = rest[n:]
			}
			pieces = append(pieces, "="+text)
		}
		if one, other := told("", whole...), told("", pieces...); one != other {
			rt.Fatalf("whole %q, in pieces %q: %q", one, other, pieces)
		}
	})
}
