package openai

import (
	"testing"
	"time"
)

func failing(c *circuit, now time.Time, n int) (opened time.Duration) {
	for range n {
		p, _ := c.enter(now)
		opened = p.leave(now, fails)
	}
	return opened
}

func TestCircuitOpensAfterFailuresInARow(t *testing.T) {
	c := &circuit{random: half}
	failing(c, noon, failuresToOpen-1)
	p, _ := c.enter(noon)
	p.leave(noon, answers)
	failing(c, noon, failuresToOpen-1)
	p, wait := c.enter(noon)
	p.leave(noon, aside)
	if wait != 0 {
		t.Fatalf("it is open for %v, with an answer in between", wait)
	}
	if opened := failing(c, noon, 1); opened != 5500*time.Millisecond {
		t.Errorf("opened for %v", opened)
	}
	if _, wait := c.enter(noon.Add(time.Second)); wait != 4500*time.Millisecond {
		t.Errorf("wait %v", wait)
	}
}

func TestOpenCircuitLetsOneTry(t *testing.T) {
	c := &circuit{random: half}
	failing(c, noon, failuresToOpen)
	later := noon.Add(6 * time.Second)
	probe, wait := c.enter(later)
	if wait != 0 {
		t.Fatalf("wait %v", wait)
	}
	if _, wait := c.enter(later); wait != firstOpen {
		t.Errorf("another one waits %v while one tries", wait)
	}
	probe.leave(later, aside)
	probe, wait = c.enter(later)
	if wait != 0 {
		t.Errorf("wait %v after one that came to nothing", wait)
	}
	probe.leave(later, answers)
	for range 2 {
		if _, wait := c.enter(later); wait != 0 {
			t.Errorf("wait %v after an answer", wait)
		}
	}
}

func TestCircuitStaysOpenLongerEachTimeUpToABound(t *testing.T) {
	c := &circuit{random: func() float64 { return 0 }}
	now := noon
	opened := failing(c, now, failuresToOpen)
	for _, want := range []time.Duration{5, 10, 20, 40, 80, 120, 120} {
		if opened != want*time.Second {
			t.Errorf("opened for %v, want %v", opened, want*time.Second)
		}
		now = now.Add(opened)
		opened = failing(c, now, 1)
	}
}

func TestRequestFromBeforeTheCircuitOpenedDoesNotProlongIt(t *testing.T) {
	c := &circuit{random: half}
	early, _ := c.enter(noon)
	failing(c, noon, failuresToOpen)
	if opened := early.leave(noon.Add(time.Second), fails); opened != 0 {
		t.Errorf("opened for %v more", opened)
	}
}
