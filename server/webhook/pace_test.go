package webhook_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"drawbridge/server/webhook"
)

// meter has so many deliveries to give, and gives none back.
type meter struct {
	left, asked int
	err         error
}

func (m *meter) TakeDeliveries(_ context.Context, source string, perSecond, most, want int, _ time.Time) (int, error) {
	if source != "src" || most != 10*perSecond || want < 1 {
		return 0, errors.New("asked for something else")
	}
	m.asked++
	taken := min(want, m.left)
	m.left -= taken
	return taken, m.err
}

func TestRUN09_RateOfASourceHoldsForAllNodes(t *testing.T) {
	shared, now := &meter{left: 25}, arrival
	node := func() *door {
		return open(t, func(s *webhook.Source, o *webhook.Options) {
			s.Rate, o.Meter = 200, shared // ten at once into a node's hand
			o.Now = func() time.Time { return now }
		})
	}
	nodes := []*door{node(), node()}
	taken := 0
	for i := range 40 {
		switch got := nodes[i%2].post(t, someBody); got.status {
		case 200:
			taken++
		case 429:
		default:
			t.Fatalf("delivery %d was answered %d", i, got.status)
		}
	}
	if taken != 25 {
		t.Errorf("%d were taken by both, want the 25 that may come", taken)
	}
	shared.left, shared.asked = 1000, 0
	for range 10 {
		nodes[0].post(t, someBody)
	}
	if shared.asked != 1 {
		t.Errorf("the meter was asked %d times for ten deliveries, want once", shared.asked)
	}
	nodes[0].post(t, someBody) // has nine in hand now
	now = now.Add(time.Second)
	nodes[0].post(t, someBody)
	if shared.asked != 3 {
		t.Errorf("asked %d times; what is not used within a second is given up", shared.asked)
	}
	shared.err = errors.New("the store is away")
	now = now.Add(2 * time.Second)
	if got := nodes[1].post(t, someBody); got.status != 200 {
		t.Errorf("without a word of the meter: %d, want the inbox to decide", got.status)
	}
}
