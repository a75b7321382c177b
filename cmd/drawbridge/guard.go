package main

import (
	"slices"
	"time"

	"drawbridge/config"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// guardOptions are what the settings say of all calls.
func (a *app) guardOptions() guard.Options {
	g := a.cfg.Guard
	return guard.Options{Log: a.log, Totals: a.store, Approvals: askingApprovals{a.store, noticeTargets(a.cfg.Approvals)},
		RepeatWindow: time.Duration(g.RepeatWindow), RepeatEffects: effectsOf(g.RepeatEffects), Redact: redactionOf(g.Redact)}
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
