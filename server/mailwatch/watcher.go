package mailwatch

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"drawbridge/server/webhook"
)

// Mail is a message that has come.
type Mail struct {
	Validity, UID uint32
	Came          time.Time // by the mail server's clock; zero if nobody knows
	Key           string    // the same for the same message, always
	Body          []byte    // JSON
	// Sent is when it was written, as its writer says; zero if he does not.
	Sent time.Time
}

// Hooks are told what a mailbox has.
type Hooks struct {
	// Begin says where reading begins, each time the mailbox was opened.
	Begin func(ctx context.Context, found Found) (Position, error)
	// Each is told of each message, in the order of their numbers. An error ends the reading.
	Each func(ctx context.Context, m Mail) error
	// Told hears whether the server tells of new mail.
	Told func(idle bool)
	// GivenUp are messages that could not be read so often that they are told of without
	// what is in them.
	GivenUp func(uid uint32) bool
}

// Follow reads a mailbox until ctx ends or something fails. A failure of one message is an
// [ErrMessage].
type Follow func(ctx context.Context, h Hooks) error

// ErrMessage is a failure of one message: it counts against that one, since the mailbox
// could be read up to it.
type ErrMessage struct {
	UID uint32
	Err error
}

func (e *ErrMessage) Error() string { return e.Err.Error() }

func (e *ErrMessage) Unwrap() error { return e.Err }

// Options of a Watcher. All that has no other word is needed.
type Options struct {
	Source  string
	Mailbox string // account and folder, for positions
	Follow  Follow
	Store   Store
	Log     *slog.Logger
	// DedupeFor is how long a message is known; 0 means webhook.DefaultDedupe.
	DedupeFor time.Duration
	// Unable says why nothing can be accepted now; nil if it can. May be nil.
	Unable func() error
	// Reached, if set, is told that the watcher has come to a point. Only tests set it: to
	// have the process die there.
	Reached func(Point)
}

// Point is a place in the watcher's way at which a process may die.
type Point string

// The points.
const (
	BeforeBegin  Point = "before the mailbox is begun"
	BehindBegin  Point = "behind the mailbox is begun"
	BeforeAccept Point = "before a mail is accepted"
	BehindAccept Point = "behind a mail is accepted"
)

// How long a mailbox is left alone after a failure: doubled each time, until it was read
// again.
const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
	// patience is how often one message may fail before the others go on without it.
	patience = 5
)

// State says how the watching of a mailbox stands.
type State struct {
	State     string    `json:"state"` // elsewhere, connecting, watching or failing
	How       string    `json:"how,omitempty"`
	Accepted  int64     `json:"accepted"` // since this process began
	Last      time.Time `json:"last,omitzero"`
	LastError string    `json:"last_error,omitempty"`
}

// Watcher makes events of what comes into one mailbox.
type Watcher struct {
	o     Options
	mu    sync.Mutex
	state State
	// failing is the message that could not be read the last time, and how often it could
	// not. Messages are read in their order, so that it is one.
	failing struct {
		validity, uid uint32
		times         int
	}
}

// New makes a watcher.
func New(o Options) *Watcher {
	if o.DedupeFor == 0 {
		o.DedupeFor = webhook.DefaultDedupe
	}
	if o.Reached == nil {
		o.Reached = func(Point) {}
	}
	return &Watcher{o: o, state: State{State: "elsewhere"}}
}

// State is how it stands.
func (w *Watcher) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

func (w *Watcher) set(change func(s *State)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.state)
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	defer w.set(func(s *State) { s.State, s.How = "elsewhere", "" })
	pause := firstPause
	for {
		w.set(func(s *State) { s.State = "connecting" })
		r := reading{Watcher: w}
		began := time.Now()
		err := w.o.Follow(ctx, Hooks{Begin: r.begin, Each: r.each, Told: r.told, GivenUp: r.givenUp})
		if ctx.Err() != nil {
			return
		}
		if r.accepted > 0 || time.Since(began) > lastPause {
			pause = firstPause
		}
		r.failed(err)
		level := slog.LevelWarn
		if errors.Is(err, ErrMoved) { // nothing is wrong: another node was there first
			level = slog.LevelInfo
		}
		w.o.Log.Log(ctx, level, "watching a mailbox ended; it is begun again", "source", w.o.Source, "err", err, "in", pause)
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		pause = min(2*pause, lastPause)
	}
}

// reading is one opening of the mailbox.
type reading struct {
	*Watcher
	at       Position
	accepted int
}

// begin says where to read on, by what the store has.
func (r *reading) begin(ctx context.Context, found Found) (Position, error) {
	at, known, err := r.o.Store.MailPosition(ctx, r.o.Source)
	if err != nil {
		return Position{}, err
	}
	var before *Position
	if known {
		before = &at
	}
	var other bool
	if r.at, other = start(before, r.o.Mailbox, found, time.Now(), r.o.DedupeFor); !other {
		return r.at, nil
	}
	r.o.Reached(BeforeBegin)
	if err := r.o.Store.BeginMail(ctx, r.o.Source, before, r.at); err != nil {
		return Position{}, err
	}
	r.o.Reached(BehindBegin)
	r.o.Log.InfoContext(ctx, "beginning to read a mailbox", "source", r.o.Source, "mailbox", r.o.Mailbox, "validity", r.at.Validity, "behind", r.at.UID, "since", r.at.Since)
	return r.at, nil
}

// each makes an event of a message.
func (r *reading) each(ctx context.Context, m Mail) error {
	if r.o.Unable != nil {
		if err := r.o.Unable(); err != nil {
			return err
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	e := webhook.Event{ID: "evt_" + hex.EncodeToString(id[:]), Source: r.o.Source, Key: m.Key, ContentType: "application/json", Headers: map[string][]string{},
		Body: m.Body, ReceivedAt: time.Now(), ProviderAt: m.Sent, VerifiedBy: "fetched from the mailbox"}
	to := r.at.behind(m, e.ReceivedAt)
	if to.Validity = m.Validity; to.Validity != r.at.Validity {
		return fmt.Errorf("message %d is of another numbering than the mailbox when it was opened", m.UID)
	}
	r.o.Reached(BeforeAccept)
	receipt, err := r.o.Store.AcceptMail(ctx, e, r.o.DedupeFor, to)
	if err != nil {
		return err
	}
	r.o.Reached(BehindAccept)
	r.at = to
	r.accepted++
	r.set(func(s *State) {
		if !receipt.Duplicate {
			s.Accepted++
		}
		s.Last = e.ReceivedAt
	})
	r.o.Log.InfoContext(ctx, "accepted a mail", "source", r.o.Source, "event", receipt.ID, "duplicate", receipt.Duplicate)
	return nil
}

func (r *reading) told(idle bool) {
	how := "looking from time to time"
	if idle {
		how = "told by the server"
	}
	r.set(func(s *State) { s.State, s.How, s.LastError = "watching", how, "" })
}

// givenUp reports whether a message has failed so often that the others go on without it.
func (r *reading) givenUp(uid uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failing.uid == uid && r.failing.validity == r.at.Validity && r.failing.times >= patience
}

func (r *reading) failed(err error) {
	var one *ErrMessage
	of := errors.As(err, &one)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.State, r.state.How, r.state.LastError = "failing", "", fmt.Sprint(err)
	switch {
	case !of:
	case r.failing.uid == one.UID && r.failing.validity == r.at.Validity:
		r.failing.times++
	default:
		r.failing.validity, r.failing.uid, r.failing.times = r.at.Validity, one.UID, 1
	}
}
