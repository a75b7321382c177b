package hubspot

import (
	"sync"
	"time"
)

// HubSpot's search shows what was written only a while later. So this node remembers what
// it wrote last, and reads that by id beside what a search finds.
const (
	searchLag  = time.Minute // by then a search shows it
	mostRecent = batch       // as many as one request reads
)

// recent are the ids of the records that this node wrote last, by type.
type recent struct {
	mu      sync.Mutex
	written map[string][]write
}

type write struct {
	id string
	at time.Time
}

func (r *recent) note(object, id string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.written == nil {
		r.written = map[string][]write{}
	}
	list := r.written[object][:0:0]
	for _, w := range r.written[object] {
		if w.id != id && at.Sub(w.at) < searchLag {
			list = append(list, w)
		}
	}
	if list = append(list, write{id, at}); len(list) > mostRecent {
		list = list[1:]
	}
	r.written[object] = list
}

// ids are those that a search may not show yet, or not as they are.
func (r *recent) ids(object string, now time.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, w := range r.written[object] {
		if now.Sub(w.at) < searchLag {
			ids = append(ids, w.id)
		}
	}
	return ids
}

// acquaintances are contacts that were read a moment ago, by id: the parts of one picture
// of a customer need not look each for whom it is.
type acquaintances struct {
	mu  sync.Mutex
	met map[string]time.Time
}

const (
	acquainted   = 10 * time.Second
	mostAcquired = 1000
)

func (a *acquaintances) note(id string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.met == nil || len(a.met) >= mostAcquired {
		a.met = map[string]time.Time{}
	}
	a.met[id] = at
}

func (a *acquaintances) lately(id string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, met := a.met[id]
	return met && now.Sub(at) < acquainted
}
