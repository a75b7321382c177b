package bridge

import (
	"context"
	"encoding/json"
	"time"

	"drawbridge/bridge/openai"
)

// Recording answers calls with what they returned when they were made, once.
type Recording interface {
	// Call gives what a call returned then. The key is the one that the call has in the
	// run that makes it now; it tells calls apart, and nothing is called under it. An error
	// is what one of [Session.Call] is: the answer was lost on the way.
	Call(ctx context.Context, tool string, arguments json.RawMessage, key string) (CallResult, error)
}

// Recorded is a session in which nothing is called: it lists the tools that it is given,
// and has a recording answer for them. There is no server behind it.
func Recorded(tools []Tool, r Recording) *Session {
	return &Session{recording: r, recorded: tools, list: functionsOf(tools)}
}

// IsSummary reports whether a request asks the model for a summary of what the run can
// not show it any more, and not for its next answer.
func IsSummary(r openai.Request) bool {
	return len(r.Messages) > 0 && r.Messages[0].Role == openai.System && r.Messages[0].Content == summaryInstructions
}

// For is the brief as it is for other models, of which the first takes in so many tokens.
func (b Brief) For(models []string, window int, images, files bool) Brief {
	b.Model, b.Fallback = models[0], models[1:]
	b.Window, b.Images, b.Files = window, images, files
	b.fitWindow()
	return b
}

// Entry is the entry that opens a journal with the brief.
func (b Brief) Entry(at time.Time) Entry {
	return Entry{Seq: 1, Kind: EntryBrief, At: at, Inward: true, Body: encode(b)}
}
