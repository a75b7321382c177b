package slackdesk

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"drawbridge/server/guard"
	"drawbridge/server/webhook"
)

// Prefix stands before a channel's id in the target of a notice, and before a user's id in
// the name of somebody who decides.
const Prefix = "slack:"

// Chat is a Slack workspace. Texts are Slack's markup, blocks are Block Kit's.
type Chat interface {
	// Announce posts a message and gives its id.
	Announce(ctx context.Context, channel, text string, blocks []json.RawMessage) (id string, err error)
	// Change puts something else in the place of a message.
	Change(ctx context.Context, channel, id, text string, blocks []json.RawMessage) error
	// Whisper says something that one person sees alone.
	Whisper(ctx context.Context, channel, user, text string) error
	// Colleague gives the address of a member of the workspace, which Slack has confirmed;
	// "" of anybody else.
	Colleague(ctx context.Context, user string) (email string, err error)
}

// Book keeps approvals and what was posted of them; a store is one.
type Book interface {
	guard.Postings
	Approval(ctx context.Context, id string) (guard.Approval, error)
	DecideApproval(ctx context.Context, id string, by guard.Decider, v guard.ApprovalVerdict) (guard.Approval, error)
}

// Options say whose desk it is.
type Options struct {
	// Deciders are who may decide by the buttons: "slack:" and a user's id, or "mail:" and an
	// address of [Chat.Colleague].
	Deciders []string
	// People is whose the names are that decide, by name.
	People map[string]string
	// Key is what buttons are signed with; all nodes have the same.
	Key []byte
	// Gone reports whether an error of the chat's means that a message can never be changed.
	Gone func(err error) bool
	// Answer is how long Slack waits for an answer at most: 2.5 s if zero.
	Answer time.Duration
	Now    func() time.Time
	Log    *slog.Logger
}

// Desk is where people decide.
type Desk struct {
	book     Book
	chat     Chat
	verifier atomic.Pointer[webhook.Verifier]
	o        Options
	seen     seen

	ctx   context.Context // of what is dealt with; ends with Close
	stop  context.CancelFunc
	room  chan struct{} // one place for each click that is dealt with
	tasks sync.WaitGroup
}

// mostAtOnce is how many clicks are dealt with at a time.
const mostAtOnce = 64

// New makes a desk. The verifier is of the scheme slack.
func New(book Book, chat Chat, verifier webhook.Verifier, o Options) *Desk {
	if o.Answer == 0 {
		o.Answer = 2500 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Gone == nil {
		o.Gone = func(error) bool { return false }
	}
	d := &Desk{book: book, chat: chat, o: o, room: make(chan struct{}, mostAtOnce)}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.Trust(verifier)
	return d
}

// Trust has requests judged by another verifier from now on.
func (d *Desk) Trust(verifier webhook.Verifier) { d.verifier.Store(&verifier) }

// Close ends what is dealt with. Decisions that are on disk stay.
func (d *Desk) Close() {
	d.stop()
	d.tasks.Wait()
}

// Tell posts a message about an approval that somebody is owed.
func (d *Desk) Tell(ctx context.Context, n guard.Notice, a guard.Approval) error {
	m := d.render(a)
	id, err := d.chat.Announce(ctx, strings.TrimPrefix(n.Target, Prefix), m.text, m.blocks)
	if err != nil {
		return err
	}
	return d.book.Posted(ctx, n, guard.Posting{Approval: a.ID, Target: n.Target, ID: id, Shown: m.mark()})
}

// changesAtOnce is how many messages a step changes at most.
const changesAtOnce = 20

// Step changes messages that do not show how their approval stands, and says when there is
// more to do; zero if that is not known.
func (d *Desk) Step(ctx context.Context) (next time.Time, err error) {
	due, next, err := d.book.DuePostings(ctx, changesAtOnce)
	for _, p := range due {
		if err != nil || ctx.Err() != nil {
			break
		}
		err = d.change(ctx, p)
	}
	if len(due) == changesAtOnce {
		next = d.o.Now()
	}
	return next, err
}

// change has one message show how its approval stands.
func (d *Desk) change(ctx context.Context, p guard.Posting) error {
	a, err := d.book.Approval(ctx, p.Approval)
	switch {
	case errors.Is(err, guard.ErrNoApproval):
		return d.book.Reposted(ctx, p, guard.Reposted{Over: true})
	case err != nil:
		return err
	}
	m := d.render(a)
	done := guard.Reposted{Shown: m.mark(), Over: a.State != guard.ApprovalPending}
	if done.Shown == p.Shown {
		return d.book.Reposted(ctx, p, done)
	}
	err = d.chat.Change(ctx, strings.TrimPrefix(p.Target, Prefix), p.ID, m.text, m.blocks)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case d.o.Gone(err):
		d.o.Log.Warn("a message about an approval cannot be changed any more", "approval", a.ID, "target", p.Target, "error", err)
		done.Over = true
	default:
		d.o.Log.Warn("changing a message about an approval", "approval", a.ID, "target", p.Target, "attempts", p.Attempts+1, "error", err)
		done = guard.Reposted{Problem: err.Error(), Next: d.o.Now().Add(pauseAfter(p.Attempts))}
	}
	return d.book.Reposted(ctx, p, done)
}

// pauseAfter is how long to wait after so many attempts and one more: 5 s, 20 s, 80 s, ...
func pauseAfter(attempts int) time.Duration {
	return min(15*time.Minute, 5*time.Second<<min(2*attempts, 20))
}
