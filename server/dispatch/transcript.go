package dispatch

import (
	"sync"

	"drawbridge/bridge"
)

// transcript is what one run has said and done, for those who listen to it. It is
// kept while the run is carried here or somebody listens. Whoever carries the run
// writes it, as it happens; while nobody does, it is read from the store.
//
// Words of a turn are one growing text, of which each listener takes what it has not
// had yet: a slow one holds up nobody, and costs no more memory than a quick one.
type transcript struct {
	run  string
	refs int // of listeners and lives; under the dispatcher's lock

	mu        sync.Mutex
	lives     map[*life]bool
	holder    *life // the newest: an older one was fenced and does not know yet
	listeners map[*listener]bool

	items  []item
	spoken *words // of the turn that is being spoken, the last item
	parts  []*part
	seq    int64 // journal entries that the items tell of
	parked bool  // listeners were told that the run was put down
}

// item is an event, or the words of a turn.
type item struct {
	event bridge.Event
	words *words
}

// words are the words of one turn.
type words struct {
	turn   int
	text   []byte
	voided int // how often all before was taken back
}

func newTranscript(run string) *transcript {
	return &transcript{run: run, lives: map[*life]bool{}, listeners: map[*listener]bool{}, parts: []*part{{seq: 1}}}
}

// attach gives the run's transcript, which stays until detach was called as often.
func (d *Dispatcher) attach(run string) *transcript {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.transcripts[run]
	if t == nil {
		t = newTranscript(run)
		d.transcripts[run] = t
	}
	t.refs++
	return t
}

func (d *Dispatcher) detach(t *transcript) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.refs--; t.refs == 0 {
		delete(d.transcripts, t.run)
	}
}

// transcript gives the run's transcript if there is one.
func (d *Dispatcher) transcript(run string) *transcript {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.transcripts[run]
}

// carriedBy makes a life the one that tells.
func (t *transcript) carriedBy(l *life) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lives[l] = true
	t.holder = l
	t.unsay()
	if t.parked {
		t.parked = false
		t.add(bridge.Event{Kind: Resumed})
	}
}

// putDown ends a life.
func (t *transcript) putDown(l *life) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.lives, l)
	if t.holder == l {
		t.holder = nil
	}
	t.tell() // listeners have to look for themselves from now on
}

// watched is told what the run does, as it happens.
func (t *transcript) watched(l *life, e bridge.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder == l {
		t.add(e)
	}
}

// journaled is told what is in the journal now. The events of it come by themselves.
func (t *transcript) journaled(l *life, entries []bridge.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder == l {
		t.read(entries)
	}
}

// putOff tells that the run was put down for a time, and why.
func (t *transcript) putOff(l *life, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder != l {
		return
	}
	t.unsay()
	t.parked = true
	t.add(bridge.Event{Kind: Parked, Text: reason})
}

// ended closes the exchange that is open.
func (t *transcript) ended(l *life, end ExchangeEnd) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder == l {
		t.close(end)
		t.tell()
	}
}

// add notes an event. It is called under the lock, as all below.
func (t *transcript) add(e bridge.Event) {
	switch e.Kind {
	case bridge.Words:
		if t.spoken == nil {
			t.spoken = &words{turn: e.Turn}
			t.items = append(t.items, item{words: t.spoken})
		}
		t.spoken.text = append(t.spoken.text, e.Text...)
	case bridge.Again:
		t.unsay()
	default:
		t.spoken = nil
		t.items = append(t.items, item{event: e})
	}
	t.tell()
}

// unsay takes back the words of a turn that did not become whole.
func (t *transcript) unsay() {
	if t.spoken != nil {
		t.spoken.text = t.spoken.text[:0]
		t.spoken.voided++
	}
}

// tell wakes all who listen.
func (t *transcript) tell() {
	for l := range t.listeners {
		l.poke()
	}
}
