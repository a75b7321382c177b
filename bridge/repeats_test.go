package bridge

import "testing"

// The model is shown old results as a line each from a fold on: to look again is then
// no repetition.
func TestResultsOutOfSightMayBeAskedForAgain(t *testing.T) {
	for name, c := range map[string]struct {
		kind EntryKind
		body any
		want int
	}{
		"nothing":   {"", nil, 5},
		"a fold":    {EntryFold, Fold{Upto: 2}, 1},
		"a summary": {EntrySummary, Summary{Upto: 2, Text: "x"}, 1},
	} {
		h := &history{run: "run_1"}
		add := func(kind EntryKind, body any) {
			if err := h.apply(Entry{Seq: h.last + 1, Kind: kind, Body: encode(body)}); err != nil {
				t.Fatal(err)
			}
		}
		look := func() {
			add(EntryAnswer, map[string]any{"calls": []map[string]string{{"id": "a", "name": "look", "arguments": "{}"}}})
			add(EntryResult, Result{Answer: h.last, Content: "seen"})
		}
		add(EntryBrief, Brief{Prompt: "Look."})
		for range 4 {
			look()
		}
		if c.kind != "" {
			add(c.kind, c.body)
		}
		look()
		if got := h.lastTurn().calls[0].times; got != c.want {
			t.Errorf("%s in between: look %d, want %d", name, got, c.want)
		}
	}
}
