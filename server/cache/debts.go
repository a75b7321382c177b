package cache

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// retried is how long to wait before asking again what could not be asked.
const retried = time.Second

// debts remember that a shared store could not be asked, and which families' marks are owed
// to it. While it is away nobody asks it but the one who looks whether it is back.
type debts struct {
	mu      sync.Mutex
	err     error // nil: it can be asked
	owed    map[string]bool
	pay     func(ctx context.Context, families []string) error
	back    func() // is told that it can be asked again
	ctx     context.Context
	end     context.CancelFunc
	looking sync.WaitGroup
}

func (d *debts) start(pay func(ctx context.Context, families []string) error, back func()) {
	d.pay, d.back, d.owed = pay, back, map[string]bool{}
	d.ctx, d.end = context.WithCancel(context.Background())
}

func (d *debts) stop() {
	d.mu.Lock()
	d.end()
	d.mu.Unlock()
	d.looking.Wait()
}

func (d *debts) away() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err != nil
}

// why says why it is away, "" if it is not.
func (d *debts) why() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		return ""
	}
	return d.err.Error()
}

// owe notes a mark that is to be set, if the store is away.
func (d *debts) owe(family string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		return false
	}
	d.owed[family] = true
	return true
}

// fault notes that the store could not be asked; a family is one whose mark is owed now. It
// reports whether that is new.
func (d *debts) fault(family string, err error) (news bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if family != "" {
		d.owed[family] = true
	}
	news, d.err = d.err == nil, err
	if news && d.ctx.Err() == nil {
		d.looking.Go(d.look)
	}
	return news
}

// look asks the store until it answers and has all that is owed to it.
func (d *debts) look() {
	timer := time.NewTimer(retried)
	defer timer.Stop()
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-timer.C:
		}
		if d.paid() {
			return
		}
		timer.Reset(retried)
	}
}

// paid pays what is owed, and reports whether that was all.
func (d *debts) paid() bool {
	d.mu.Lock()
	families := slices.Sorted(maps.Keys(d.owed))
	clear(d.owed)
	d.mu.Unlock()
	err := d.pay(d.ctx, families)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.err = err
		for _, family := range families {
			d.owed[family] = true
		}
		return false
	}
	if len(d.owed) > 0 {
		return false // somebody wrote meanwhile
	}
	d.err = nil
	d.back()
	return true
}
