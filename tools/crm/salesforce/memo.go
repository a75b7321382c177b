package salesforce

import (
	"sync"
	"time"
)

// The picture of a customer is four lists, each of which would look first which company the
// person works for. So that is remembered for a moment.
const (
	memoFor  = 10 * time.Second
	memoMost = 1000
)

// memo knows which company people work for, by their ids.
type memo struct {
	now func() time.Time

	mu    sync.Mutex
	known map[string]remembered
}

type remembered struct {
	account string
	at      time.Time
}

func (m *memo) keep(o owner) {
	if o.contact == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= memoMost {
		m.known = map[string]remembered{}
	}
	m.known[o.contact] = remembered{o.account, m.now()}
}

func (m *memo) forget(contact string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, contact)
}

// find gives whom an id is of, as far as filters of lists need it.
func (m *memo) find(id string) (owner, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, ok := m.known[id]
	if !ok || m.now().Sub(was.at).Abs() >= memoFor {
		return owner{}, false
	}
	return owner{contact: id, account: was.account}, true
}
