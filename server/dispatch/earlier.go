package dispatch

import (
	"context"
	"encoding/json"
	"strings"
	"unicode"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// mostEarlier is how many of a caller's conversations are looked through, the newest
// first, for what an agent is said to have answered earlier.
const mostEarlier = 100

// ownWords reports whether all that a conversation says its agent has said was said to
// this caller, by runs that had read nothing from outside. Clients send a conversation
// anew with each question: what an earlier run had read in a mail, and quoted, comes back
// in the words of the assistant, and no less from outside than it was. So words that
// nobody knows, those that a client has changed among them, are not the agent's own.
func (d *Dispatcher) ownWords(ctx context.Context, owner string, c bridge.Conversation) bool {
	var said []string
	for _, m := range c.Messages {
		if m.Role == openai.Assistant && m.Content != "" {
			said = append(said, squeezed(m.Content))
		}
	}
	if len(said) == 0 {
		return true
	}
	runs, err := d.store.ListRuns(ctx, RunFilter{Owner: owner, Source: FromChat}, mostEarlier)
	if err != nil {
		d.o.Log.Warn("looking for what was said earlier; the run counts as one that has read text from outside", "owner", owner, "err", err)
		return false
	}
	for _, text := range said {
		if !d.saidIn(ctx, runs, text) {
			return false
		}
	}
	return true
}

// saidIn reports whether one of the runs has said the text, and had read nothing from
// outside until its end.
func (d *Dispatcher) saidIn(ctx context.Context, runs []Run, text string) bool {
	for _, run := range runs {
		last := squeezed(run.Answer)
		switch {
		case run.Tainted, !run.State.Ended(), last == "", !strings.HasSuffix(text, last):
		case text == last:
			return true
		default: // it may have said more, between its calls
			entries, err := d.store.EntriesAfter(ctx, run.ID, 0)
			if err == nil && squeezed(wordsOf(entries)) == text {
				return true
			}
		}
	}
	return false
}

// wordsOf are all that the model has said in a run.
func wordsOf(entries []bridge.Entry) string {
	var words strings.Builder
	for _, e := range entries {
		var answer openai.Answer
		if e.Kind == bridge.EntryAnswer && json.Unmarshal(e.Body, &answer) == nil {
			words.WriteString(answer.Content)
		}
	}
	return words.String()
}

// squeezed is a text without its blanks, which clients and servers trim as they like.
func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}
