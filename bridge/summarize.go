package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"drawbridge/bridge/openai"
)

// summaryTokens is about what a summary takes.
const summaryTokens = 1000

// stretch is what a summary is to stand for: the turns up to and with an answer, or
// the first messages of the caller's conversation.
type stretch struct {
	upto     int64
	messages int
	tokens   int // that it takes now
}

// summarize takes the entry that puts a summary in place of a stretch.
func (h *history) summarize(s *Summary) error {
	switch talk := h.brief.Conversation; {
	case s.Messages > 0 && (talk == nil || s.Messages >= len(talk.Messages)):
		return fmt.Errorf("it summarizes %d messages, which leaves nothing to answer", s.Messages)
	case s.Messages > 0:
		h.earlier = s
	case h.place(s.Upto) < 0:
		return fmt.Errorf("it summarizes up to answer %d, which there is none", s.Upto)
	default:
		h.summary = s
	}
	h.moved = h.last + 1
	return nil
}

// summarized reports whether a summary stands for the turn.
func (h *history) summarized(t *turn) bool { return h.summary != nil && t.seq <= h.summary.Upto }

// leftOut is how many of the conversation's first messages a summary stands for.
func (h *history) leftOut() int {
	if h.earlier == nil {
		return 0
	}
	return h.earlier.Messages
}

// oldest is the stretch that is best summarized next, and whether that is worth
// asking the model: what it saves has to be more than a little, unless the question
// does not fit at all.
func (r *run) oldest(size int, room room) (stretch, bool) {
	s := r.oldTurns()
	if talk := r.oldMessages(size - room.goal); talk.tokens > s.tokens {
		s = talk
	}
	saves := s.tokens - summaryTokens
	return s, saves >= room.limit/10 || saves > 0 && size > room.limit
}

// oldTurns are all turns but the last that no summary stands for.
func (r *run) oldTurns() stretch {
	h := r.history
	var s stretch
	for _, t := range h.turns[:max(0, len(h.turns)-kept)] {
		if !h.summarized(t) {
			s.upto = t.seq
			s.tokens += r.scale.messages(h.told(t))
		}
	}
	return s
}

// oldMessages are as many of the caller's messages as it takes to save that many
// tokens, or all before the last that the user said. They end before a message of
// the user, so that no call loses its result.
func (r *run) oldMessages(save int) stretch {
	h := r.history
	var s stretch
	if h.brief.Conversation == nil {
		return s
	}
	tokens, left := 0, h.leftOut()
	for i, m := range h.brief.Conversation.Messages[left:] {
		if m.Role == openai.User && i > 0 {
			s = stretch{upto: 1, messages: left + i, tokens: tokens}
			if tokens-summaryTokens >= save {
				break
			}
		}
		if !instructs(m) {
			tokens += r.scale.messages([]openai.Message{m})
		}
	}
	return s
}

// shorten puts a summary in place of a stretch. The model writes it; when it cannot,
// for a reason that stays, an extract of the journal has to do. A crash before it
// is journaled only asks again.
func (r *run) shorten(ctx context.Context, s stretch, room room) (*Outcome, error) {
	summary := Summary{Upto: s.upto, Messages: s.messages}
	question := r.summaryQuestion(s, room)
	answer, err := r.model.Complete(ctx, question)
	var failure *openai.Error
	switch {
	case err == nil:
		summary.Asked = answer
		summary.Text = clip(strings.TrimSpace(answer.Content), room.limit/8*3)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !errors.As(err, &failure):
		return r.history.waiting(ModelUnavailable, err.Error(), 0), nil
	case failure.Kind == openai.Transient:
		return r.history.waiting(ModelUnavailable, failure.Message, failure.RetryAfter), nil
	}
	if summary.Text == "" {
		r.log.WarnContext(ctx, "the model gave no summary; an extract of the journal takes its place", "error", err)
		summary.Text = r.history.extract(s, room)
	}
	r.note(EntrySummary, summary)
	r.log.InfoContext(ctx, "summarized", "upto", s.upto, "messages", s.messages, "tokens", s.tokens)
	return nil, r.commit(ctx)
}
