package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// providerPatience is how long a sender waits for an answer before it tries again.
	providerPatience = 5 * time.Second
	customers        = 24
	// outstanding is how many deliveries are under way at most: what is not taken is sent
	// again and again, and more would only be the same.
	outstanding = 400
)

// The webhooks of the nodes: the runs of one are ordered by customer, those of the
// other are bounded.
const (
	ordered = "ordered"
	bounded = "bounded"
)

// ack is an event that a node has acknowledged, as its sender keeps it.
type ack struct {
	Key      string    `json:"key"`
	ID       string    `json:"id"` // as the first answer said it
	Source   string    `json:"source"`
	Customer string    `json:"customer"`
	Sent     time.Time `json:"sent"` // first
	At       time.Time `json:"at"`   // first acknowledged
	// Others are ids of later answers that were not the first's: of one delivery there
	// is one event.
	Others []string `json:"others,omitempty"`
}

// sender sends events as a provider does: until they are acknowledged.
type sender struct {
	name  string // of the whole run, in all keys
	nodes func() []string
	http  *http.Client
	next  atomic.Int64

	under    sync.WaitGroup
	room     chan struct{}
	lines    map[string]chan string // of keys, by customer
	mu       sync.Mutex
	sent     map[string]string // source by key
	acks     map[string]*ack
	refused  []string // answers that no sender of ours should hear
	attempts int
}

func newSender(name string, nodes func() []string) *sender {
	s := &sender{name: name, nodes: nodes, room: make(chan struct{}, outstanding), lines: map[string]chan string{}, sent: map[string]string{}, acks: map[string]*ack{}}
	s.http = &http.Client{Timeout: providerPatience, Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 10 * time.Second}}
	return s
}

// load sends so many events a second until ctx ends. What is under way then goes on, as
// long as delivering lasts.
func (s *sender) load(ctx, delivering context.Context, rate float64) {
	for i := range customers {
		line := make(chan string, outstanding)
		customer := fmt.Sprintf("cus_%02d", i)
		s.lines[customer] = line
		s.under.Go(func() { // one after the other: what is sent later is later
			for key := range line {
				s.deliver(delivering, ordered, key, customer)
				<-s.room
			}
		})
	}
	defer func() {
		for _, line := range s.lines {
			close(line)
		}
	}()
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case s.room <- struct{}{}:
		default:
			continue
		}
		s.one(delivering)
	}
}

// one sends one more event, of one source or the other.
func (s *sender) one(ctx context.Context) {
	n := s.next.Add(1)
	key := fmt.Sprintf("ev_%s_%06d", s.name, n)
	customer := fmt.Sprintf("cus_%02d", rand.IntN(customers))
	if n%5 < 2 {
		s.lines[customer] <- key // it has room for all that may be under way
		return
	}
	s.under.Go(func() {
		s.deliver(ctx, bounded, key, customer)
		<-s.room
	})
}

// salvo sends so many events of the bounded source at once.
func (s *sender) salvo(ctx context.Context, name string, n int) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { s.deliver(ctx, bounded, fmt.Sprintf("ev_%s_%06d", name, i+1), "cus_00") })
	}
	all.Wait()
}

// deliver sends one event until it is acknowledged, some twice at the same time, and
// some once more later, as if the acknowledgement had been lost.
func (s *sender) deliver(ctx context.Context, source, key, customer string) {
	a := &ack{Key: key, Source: source, Customer: customer, Sent: time.Now()}
	s.mu.Lock()
	s.sent[key] = source
	s.mu.Unlock()
	copies := 1
	if rand.IntN(10) == 0 {
		copies = 2
	}
	var both sync.WaitGroup
	for range copies {
		both.Go(func() { s.insist(ctx, a) })
	}
	both.Wait()
	if rand.IntN(20) == 0 {
		s.insist(ctx, a)
	}
}

// insist sends until somebody has it, or ctx ends. It tries the next node on a failure,
// and rests once all have failed.
func (s *sender) insist(ctx context.Context, a *ack) {
	rest := 100 * time.Millisecond
	for ctx.Err() == nil {
		for _, base := range s.nodes() {
			if s.post(ctx, base, a) {
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest + rand.N(rest)):
		}
		rest = min(2*rest, 2*time.Second)
	}
}

// post tries once, and reports whether the event was acknowledged.
func (s *sender) post(ctx context.Context, base string, a *ack) bool {
	body := fmt.Appendf(nil, `{"id":%q,"type":"order.paid","customer":%q}`, a.Key, a.Customer)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/webhooks/"+a.Source, bytes.NewReader(body))
	if err != nil {
		panic(err) // an address of ours
	}
	now := stamp(time.Now())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", a.Key)
	req.Header.Set("webhook-timestamp", now)
	req.Header.Set("webhook-signature", sign(a.Key, now, body))
	s.mu.Lock()
	s.attempts++
	s.mu.Unlock()
	res, err := s.http.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return false // it may have been stored: then it is known when it comes again
	}
	return s.hear(a, res.StatusCode, raw)
}

func (s *sender) hear(a *ack, status int, raw []byte) bool {
	var answer struct{ ID string }
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case status == http.StatusOK && json.Unmarshal(raw, &answer) == nil && answer.ID != "":
	case status == http.StatusServiceUnavailable:
		return false
	default:
		s.refused = append(s.refused, fmt.Sprintf("event %s was answered %d: %.200s", a.Key, status, raw))
		return false
	}
	if a.ID == "" {
		a.ID, a.At = answer.ID, time.Now()
		s.acks[a.Key] = a
	} else if a.ID != answer.ID && !slices.Contains(a.Others, answer.ID) {
		a.Others = append(a.Others, answer.ID)
	}
	return true
}

// counts are for whoever watches.
func (s *sender) counts() (sent, acked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent), len(s.acks)
}

// account gives what was acknowledged, what was sent and never was, and what was
// answered wrongly.
func (s *sender) account() (acks []ack, open, refused []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.acks {
		acks = append(acks, *a)
	}
	slices.SortFunc(acks, func(a, b ack) int { return cmp.Compare(a.Key, b.Key) })
	for key := range s.sent {
		if s.acks[key] == nil {
			open = append(open, key)
		}
	}
	slices.Sort(open)
	return acks, open, slices.Clone(s.refused)
}

func stamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
