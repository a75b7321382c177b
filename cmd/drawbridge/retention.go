package main

import (
	"context"
	"time"

	"drawbridge/config"
	"drawbridge/server/retention"
)

// sweep removes what is kept no longer, until ctx ends.
func (a *app) sweep(ctx context.Context) {
	retention.New(a.store, policyOf(a.cfg), retention.Options{Log: a.log}).Run(ctx)
}

// policyOf is what the settings say of how long things are kept.
func policyOf(cfg *config.Config) retention.Policy {
	r := cfg.Retention
	policy := retention.Policy{
		Events:     retention.Bound{Age: ageOf(r.Events), Count: r.MaxEvents},
		Runs:       retention.Bound{Age: ageOf(r.Runs), Count: r.MaxRuns},
		Callbacks:  retention.Bound{Age: ageOf(r.Callbacks), Count: r.MaxCallbacks},
		Audit:      retention.Bound{Age: ageOf(r.Audit), Count: r.MaxAudit},
		Rejections: ageOf(r.Rejections),
		Calls:      ageOf(r.Keys),
		Sources:    map[string]retention.Source{},
	}
	for name, hook := range cfg.Webhooks {
		policy.Sources[name] = retention.Source{Own: hook.Retention != 0, Age: ageOf(hook.Retention), Dedupe: time.Duration(hook.DedupeFor)}
	}
	return policy
}

// ageOf is an age as the sweeper knows it, to which 0 is forever.
func ageOf(age config.Age) time.Duration {
	if age == config.Forever {
		return 0
	}
	return time.Duration(age)
}
