package dispatch

import (
	"context"
	"errors"
	"io"
	"time"

	"drawbridge/bridge"
)

// lookEvery is how often somebody who listens to a run that nobody carries here looks
// at the store: the run may be carried, or ended, in another process.
const lookEvery = time.Second

// listener is one who listens to a transcript.
type listener struct {
	d    *Dispatcher
	t    *transcript
	wake chan struct{}
	left bool
	// cancels: the run is to be cancelled if nobody else listens when this one leaves.
	cancels bool

	// seq is that of the part to listen to; 0 for all from the first on.
	seq  int64
	part int // its index, -1 as long as it is not known
	// next is the item to come; heard and voided are what was heard of its words.
	next, heard, voided int
}

var _ Exchange = (*listener)(nil)

// listen adds a listener to a transcript that the caller has attached.
func (d *Dispatcher) listen(t *transcript, seq int64, cancelWhenGone bool) *listener {
	l := &listener{d: d, t: t, cancels: cancelWhenGone, wake: make(chan struct{}, 1), seq: seq, part: -1}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listeners[l] = true
	return l
}

func (l *listener) Run() string { return l.t.run }

func (l *listener) Next(ctx context.Context) (bridge.Event, error) {
	for {
		event, got, over, carried := l.take()
		switch {
		case got:
			return event, nil
		case over:
			return bridge.Event{}, io.EOF
		}
		if err := l.await(ctx, carried); err != nil {
			return bridge.Event{}, err
		}
	}
}

// await returns when there may be something new.
func (l *listener) await(ctx context.Context, carried bool) error {
	var look <-chan time.Time
	if !carried {
		timer := time.NewTimer(lookEvery)
		defer timer.Stop()
		look = timer.C
	}
	select {
	case <-l.wake:
	case <-look:
		return l.d.lookUp(ctx, l.t)
	case <-ctx.Done():
		return ctx.Err()
	case <-l.d.live.stopped:
		return ErrStopping
	}
	return nil
}

// take gives the next event, if there is one.
func (l *listener) take() (event bridge.Event, got, over, carried bool) {
	t := l.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.part < 0 && !l.find() {
		return bridge.Event{}, false, false, len(t.lives) > 0
	}
	for {
		p := t.parts[l.part]
		upto := len(t.items)
		if p.end != nil {
			upto = p.last
		}
		for l.next < upto {
			if event, got = l.item(t.items[l.next]); got {
				return event, true, false, true
			}
			if l.next < upto && t.items[l.next].words == t.spoken && t.spoken != nil {
				return bridge.Event{}, false, false, len(t.lives) > 0 // there is more to come of these
			}
		}
		if p.end == nil || l.seq != 0 || l.part+1 == len(t.parts) {
			return bridge.Event{}, false, p.end != nil, len(t.lives) > 0
		}
		l.part++
	}
}

// item gives what is new of an item. It moves on behind one that is over.
func (l *listener) item(i item) (bridge.Event, bool) {
	w := i.words
	if w == nil {
		l.next++
		return i.event, true
	}
	void := l.voided != w.voided && l.heard > 0
	if l.voided != w.voided {
		l.voided, l.heard = w.voided, 0
	}
	switch {
	case void:
		return bridge.Event{Kind: bridge.Again, Turn: w.turn}, true
	case l.heard < len(w.text):
		text := string(w.text[l.heard:])
		l.heard = len(w.text)
		return bridge.Event{Kind: bridge.Words, Turn: w.turn, Text: text}, true
	case w != l.t.spoken:
		l.next, l.heard, l.voided = l.next+1, 0, 0
	}
	return bridge.Event{}, false
}

// find looks for the part to listen to.
func (l *listener) find() bool {
	for i, p := range l.t.parts {
		if p.seq >= l.seq {
			l.part, l.next = i, p.first
			return true
		}
	}
	return false
}

func (l *listener) End() ExchangeEnd {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if l.part < 0 || l.t.parts[l.part].end == nil {
		return ExchangeEnd{}
	}
	return *l.t.parts[l.part].end
}

// poke wakes the listener.
func (l *listener) poke() {
	select {
	case l.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// leaveTime bounds the request to cancel a run that nobody listens to any more.
const leaveTime = 10 * time.Second

func (l *listener) Leave() {
	if !l.gone() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if _, err := l.d.Cancel(ctx, l.t.run, "nobody listens to it any more"); err != nil && !errors.Is(err, ErrEnded) {
		l.d.o.Log.Error("cancelling a run that nobody listens to", "run", l.t.run, "err", err)
	}
}

// gone takes the listener out, and reports whether the run is to be cancelled for it.
func (l *listener) gone() bool {
	l.t.mu.Lock()
	if l.left {
		l.t.mu.Unlock()
		return false
	}
	l.left = true
	delete(l.t.listeners, l)
	cancel := l.cancels && len(l.t.listeners) == 0 && l.t.open().end == nil
	l.t.mu.Unlock()
	l.d.detach(l.t)
	return cancel
}
