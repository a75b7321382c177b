package main

import (
	"slices"
	"time"

	"golang.org/x/time/rate"

	"drawbridge/config"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// guardOptions are what the settings say of all calls.
func (a *app) guardOptions() guard.Options {
	g := a.cfg.Guard
	return guard.Options{Log: a.log, Policy: a.policy, Totals: a.totals(), Measure: a.policy.Measure, Counted: a.policy.Counted(), Approvals: askingApprovals{a.store, noticeTargets(a.cfg.Approvals)},
		RepeatWindow: time.Duration(g.RepeatWindow), RepeatEffects: effectsOf(g.RepeatEffects), Redact: redactionOf(g.Redact), Limits: limitsOf(g.Limits), Reached: guardReached(), Caching: a.caching()}
}

// totals are what limits and rules add calls up by.
func (a *app) totals() guard.Totals {
	if a.store.Alone() {
		return a.store
	}
	return patientTotals{a.store}
}

// effectsOf are effects as the settings name them. None are none, not the default.
func effectsOf(names []string) []tools.Effect {
	effects := []tools.Effect{}
	for _, name := range names {
		effects = append(effects, tools.Effect(name))
	}
	return effects
}

func redactionOf(r config.Redact) guard.Redaction {
	has := func(shape string) bool { return slices.Contains(r.Shapes, shape) }
	return guard.Redaction{Everywhere: r.Of == config.RedactAll,
		Shapes: guard.Shapes{Cards: has(config.ShapeCard), IBANs: has(config.ShapeIBAN), Secrets: has(config.ShapeSecret)}}
}

// guarding is the identity, but for tests that judge otherwise than the settings can.
var guarding = func(o guard.Options) guard.Options { return o }

func limitsOf(all []config.Limit) (limits []guard.Limit) {
	for _, l := range all {
		limits = append(limits, guard.Limit{Name: l.Name, Principal: l.Principal, Tool: l.Tool, Effect: tools.Effect(l.Effect), Together: l.Per == config.PerAll,
			Rate: rate.Limit(l.Rate.PerSecond()), Burst: l.Burst, Concurrent: l.Concurrent,
			Hour: guard.Quota{Calls: l.CountPerHour, Amounts: amountsOf(l.AmountPerHour)}, Day: guard.Quota{Calls: l.CountPerDay, Amounts: amountsOf(l.AmountPerDay)}})
	}
	return limits
}

// amountsOf are sums by their currency; no sums are no bound.
func amountsOf(sums []config.Money) map[string]int64 {
	if len(sums) == 0 {
		return nil
	}
	amounts := map[string]int64{}
	for _, sum := range sums {
		amounts[sum.Currency] = sum.AmountMinor
	}
	return amounts
}
