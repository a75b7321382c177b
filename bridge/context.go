package bridge

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

const (
	// defaultWindow is what a model takes in, in tokens, where nobody said.
	defaultWindow = 128_000
	// mostReserve is what is kept free for an answer, in tokens; a quarter of a small
	// window.
	mostReserve = 16_000
	// kept is how many of the last turns no summary covers and no fold touches, while
	// there is another way.
	kept = 2
)

// room is how large a question may be, in tokens.
type room struct {
	limit int // more does not fit
	high  int // above it something is left out,
	goal  int // and then so much that it comes down to this: what is sent changes seldom
}

func (h *history) room() room {
	window := cmp.Or(h.brief.Window, defaultWindow)
	reserve := min(mostReserve, window/4)
	if asked := h.demand.params.MaxTokens; asked != nil { // an endpoint may refuse what question and answer could exceed together
		reserve = max(reserve, min(*asked, window/2))
	}
	return roomOf(window - reserve)
}

func roomOf(limit int) room { return room{limit: limit, high: limit / 5 * 4, goal: limit / 3 * 2} }

// fitWindow sets what a new run knows about its model's window, and bounds what goes
// into one request by it: what is there in every request takes a quarter at most, one
// result about an eighth.
func (b *Brief) fitWindow() {
	const (
		functionTokens = 8000 // what the zero Limits mean
		tokenBytes     = 4    // of text, roughly
	)
	b.Window = cmp.Or(max(b.Window, 0), defaultWindow)
	b.ResultLimit = min(b.ResultLimit, b.Window/8*tokenBytes)
	if quarter := b.Window / 4; quarter < cmp.Or(b.Limits.Tokens, functionTokens) {
		b.Limits.Tokens = quarter
	}
}

// makeRoom makes the coming question fit the model's window, with room for the
// answer. It begins when four fifths of that are used, with what costs least: old
// results are shown as a line each, then old turns and old messages of the caller are
// summarized by the model, then the last results are shown shorter. All of it is
// journaled. An outcome means that the run has to wait for a summary, or that what
// cannot be left out is too large.
func (r *run) makeRoom(ctx context.Context) (*Outcome, error) {
	room := r.history.room()
	size := r.size(room.high)
	if r.history.tight { // the model takes less than we think, or counts otherwise
		size = r.size(0)
		room = roomOf(min(room.limit, size/5*4))
	}
	if size <= room.high {
		return nil, nil
	}
	if err := r.commit(ctx); err != nil { // a summary may take long, and is written with the folds before it
		return nil, err
	}
	if r.foldOld(size, room) {
		size = r.size(room.goal)
	}
	for size > room.goal {
		part, worth := r.oldest(size, room)
		if !worth {
			break
		}
		if outcome, err := r.shorten(ctx, part, room); outcome != nil || err != nil {
			return outcome, err
		}
		size = r.size(room.goal)
	}
	if size > room.limit && r.foldLast(size, room) {
		size = r.size(room.limit)
	}
	if size > room.limit && r.foldAll() {
		size = r.size(room.limit)
	}
	if limit := r.history.room().limit; size > limit {
		return r.history.failed(ContextFull, r.tooLarge(size, limit)), nil
	}
	return nil, nil
}

// tooLarge names what cannot be left out, the largest first.
func (r *run) tooLarge(size, limit int) string {
	messages, last := r.history.compose()
	opening := len(r.history.opening())
	type part struct {
		name   string
		tokens int
	}
	parts := []part{
		{"what was asked", r.scale.messages(messages[:opening])},
		{"the account of earlier turns", r.scale.messages(messages[opening:last])},
		{"the last turn", r.scale.messages(messages[last:])},
		{"the functions", r.scale.functions(r.offering())},
	}
	slices.SortStableFunc(parts, func(a, b part) int { return b.tokens - a.tokens })
	var named []string
	for _, p := range parts {
		if p.tokens > 0 {
			named = append(named, fmt.Sprintf("%s %d", p.name, p.tokens))
		}
	}
	return fmt.Sprintf("it has room for %d tokens beside the answer, and what cannot be left out takes about %d (%s). "+
		"Give the agent less at once, or a model with a larger window.", limit, size, strings.Join(named, ", "))
}
