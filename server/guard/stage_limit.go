package guard

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"drawbridge/tools"
)

// limit bounds how often, how many at once and for how much calls are made. It stands
// behind once and the dry run, since what is not made is not counted; and before anybody
// is asked for an approval, since nobody should be asked for what would be refused then.
//
// The count stage has noted the call before, and takes it back if it is not made: refused
// here, or waiting for an approval.
type limit struct {
	limits []Limit
	totals Totals
	names  func() []string // of all tools
	now    func() time.Time
	log    *slog.Logger
	own    limited
}

func newLimit(g *Guard, o Options) *limit {
	for _, l := range o.Limits {
		if o.Totals == nil && (l.Hour.any() || l.Day.any()) {
			panic(fmt.Sprintf("guard: the limit %q needs totals", l.Name))
		}
	}
	names := func() (all []string) {
		for name := range *g.tools.Load() {
			all = append(all, name)
		}
		return all
	}
	return &limit{limits: o.Limits, totals: o.Totals, names: names, now: o.Now, log: o.Log, own: limited{turns: map[turnKey]*turn{}}}
}

func (s *limit) around(next step) step {
	if len(s.limits) == 0 {
		return next
	}
	return func(ctx context.Context, a *attempt) Result {
		if mine := s.over(a); len(mine) > 0 {
			return s.within(ctx, a, mine, next)
		}
		return next(ctx, a)
	}
}

// over are the limits that a call is under.
//
//go:noinline
func (s *limit) over(a *attempt) (mine []Limit) {
	for i := range s.limits {
		if s.limits[i].covers(a) {
			mine = append(mine, s.limits[i])
		}
	}
	return mine
}

// within makes a call if its limits allow it now.
func (s *limit) within(ctx context.Context, a *attempt, mine []Limit, next step) Result {
	for _, l := range mine {
		if refused, is := s.overQuota(ctx, a, l); is {
			return refused
		}
	}
	leave, by, wait := s.own.enter(mine, a.Principal.String(), s.now())
	switch {
	case by == nil:
	case wait > 0:
		return a.limited(by.Name, "rate", wait, "calls come faster than the limit %q allows (%s)", by.Name, by.pace())
	default:
		return a.limited(by.Name, "concurrent", time.Second, "as many calls are under way as the limit %q allows at once (%d)", by.Name, by.Concurrent)
	}
	defer leave()
	return next(ctx, a)
}

// overQuota refuses an attempt that is too many, or too much, in an hour or in a day.
func (s *limit) overQuota(ctx context.Context, a *attempt, l Limit) (_ Result, is bool) {
	var tallies []Tally
	for _, quota := range l.spans() {
		if !quota.any() {
			continue
		}
		if tallies == nil {
			tallies = l.tallies(a, s.names())
		}
		refused, is, err := s.judge(ctx, a, l, quota, tallies)
		if err != nil {
			s.log.Error("adding up what was done", "tool", a.Tool, "principal", a.Principal.String(), "run", a.Run, "limit", l.Name, "error", err)
			return a.refuse("limit", "the totals are out of order", tools.Errorf(tools.Unavailable,
				"what was done so far could not be looked up, so the call was not made; nothing was changed. Try again later.")), true
		}
		if is {
			return refused, true
		}
	}
	return Result{}, false
}

func (s *limit) judge(ctx context.Context, a *attempt, l Limit, quota quotaSpan, tallies []Tally) (_ Result, is bool, _ error) {
	moved := a.noted.Measure
	bound, named := quota.Amounts[moved.Currency]
	switch {
	case quota.Amounts == nil:
	case moved.Currency == "":
		return a.refuse("limit", l.Name+": an amount that nobody can tell", tools.Errorf(tools.Denied,
			"the limit %q bounds how much money is moved, and nobody can tell how much this call moves. Name the amount, or have somebody else do it. Nothing was done.", l.Name)), true, nil
	case !named:
		return a.refuse("limit", l.Name+": "+moved.Currency, tools.Errorf(tools.Denied,
			"the limit %q lets no %s be moved. Nothing was done.", l.Name, moved.Currency)), true, nil
	case moved.Minor > bound:
		return a.refuse("limit", l.Name+": amount", tools.Errorf(tools.Denied,
			"%d in minor units of %s are more than the limit %q allows in a whole %s (%d). Do not try it again in parts: have somebody decide. Nothing was done.",
			moved.Minor, moved.Currency, l.Name, quota.word, bound)), true, nil
	}
	began := s.now().Add(-quota.long)
	calls := func(after time.Duration) (bool, error) {
		done, err := sum(ctx, s.totals, tallies, "", began.Add(after))
		return done.Calls < quota.Calls, err
	}
	amount := func(after time.Duration) (bool, error) {
		done, err := sum(ctx, s.totals, tallies, moved.Currency, began.Add(after))
		return done.Minor+moved.Minor <= bound, err
	}
	if quota.Calls > 0 {
		if fits, err := calls(0); err != nil {
			return Result{}, false, err
		} else if !fits {
			wait, err := room(quota.long, calls)
			return a.limited(l.Name, "count", wait, "the limit %q allows %d such calls in one %s, and they were made", l.Name, quota.Calls, quota.word), true, err
		}
	}
	if quota.Amounts != nil {
		if fits, err := amount(0); err != nil {
			return Result{}, false, err
		} else if !fits {
			wait, err := room(quota.long, amount)
			return a.limited(l.Name, "amount", wait, "the limit %q allows %d in minor units of %s in one %s, and this call would go beyond it",
				l.Name, bound, moved.Currency, quota.word), true, err
		}
	}
	return Result{}, false, nil
}

// limited refuses an attempt for a while.
func (a *attempt) limited(name, what string, wait time.Duration, format string, args ...any) Result {
	err := tools.Errorf(tools.RateLimited, format+". Nothing was done. Try again in %s, not before.", append(args, wait.Round(time.Second).String())...)
	if wait < time.Second {
		wait = time.Second
		err = tools.Errorf(tools.RateLimited, format+". Nothing was done. Try again in a second, not before.", args...)
	}
	err.RetryAfter = wait
	return a.refuse("limit", name+": "+what, err)
}

// pace says the limit's rate in words.
func (l Limit) pace() string {
	if perMinute := float64(l.Rate) * 60; perMinute >= 1 {
		return fmt.Sprintf("%.4g a minute", perMinute)
	}
	return fmt.Sprintf("%.4g an hour", float64(l.Rate)*3600)
}
