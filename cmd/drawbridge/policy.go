package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"drawbridge/config"
	"drawbridge/server/guard"
	"drawbridge/server/policy"
)

// policyRules are the rules of the settings, and ours behind them.
func policyRules(cfg config.Policy) []policy.Rule {
	var rules []policy.Rule
	for _, r := range cfg.Rules {
		rules = append(rules, policy.Rule{Name: r.Name, When: r.When, Then: guard.Action(r.Then), Reason: r.Reason, Redact: r.Redact,
			Terms: guard.Terms{By: r.Approve.By, Count: r.Approve.Count, Within: time.Duration(r.Approve.Within)}})
	}
	if cfg.Defaults == config.PolicyDefaultsOn {
		rules = append(rules, policy.Defaults()...)
	}
	return rules
}

// compilePolicy readies the rules. A mistake in one is a problem of the settings, at its
// place.
func compilePolicy(cfg *config.Config, o policy.Options) (*policy.Policy, error) {
	facts := map[string]policy.Fact{}
	for name, f := range cfg.Policy.Facts {
		facts[name] = policy.Fact{Tool: f.Tool, Args: f.Args, Value: f.Of}
	}
	p, err := policy.Compile(policyRules(cfg.Policy), facts, o)
	if problems := policyProblems(cfg, err); len(problems) > 0 {
		return nil, problems
	}
	return p, err
}

func policyProblems(cfg *config.Config, err error) config.Problems {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var problems config.Problems
		for _, one := range joined.Unwrap() {
			problems = append(problems, policyProblems(cfg, one)...)
		}
		return problems
	}
	var mistake *policy.RuleError
	if !errors.As(err, &mistake) {
		return config.Problems{cfg.Problem("policy", "%v", err)}
	}
	path := config.Child("policy.facts", mistake.Fact)
	if mistake.Rule >= 0 {
		path = fmt.Sprintf("policy.rules[%d]", mistake.Rule)
	}
	path += "." + mistake.Field
	if mistake.Line > 0 {
		return config.Problems{cfg.ProblemAt(path, mistake.Line, mistake.Column, "%s", mistake.Message)}
	}
	return config.Problems{cfg.Problem(path, "%s", mistake.Message)}
}

// policyOptions are what the rules of this process look things up with.
func (a *app) policyOptions() policy.Options {
	return policy.Options{Lookup: a.lookUpFact, Totals: a.totals(), Subject: a.subject, Hosts: policyHosts(a.cfg)}
}

func policyHosts(cfg *config.Config) []string {
	return append(publicHosts(cfg.Server.PublicURL), cfg.Policy.Hosts...)
}

// lookUpFact calls a tool that reads, as everybody does: by the guard, which has it on
// record. Rules decide by what is so now, and not by what was a moment ago.
func (a *app) lookUpFact(ctx context.Context, tool string, arguments json.RawMessage) (json.RawMessage, error) {
	result := a.guard.Call(guard.WithFresh(ctx), guard.Call{Principal: policy.Reader(), Door: policy.Door, Tool: tool, Arguments: arguments})
	if result.Err != nil {
		return nil, result.Err
	}
	return result.Output, nil
}
