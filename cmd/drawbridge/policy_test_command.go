package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/policy"
	"drawbridge/store/state"
)

func policyTest(c *console) *cobra.Command {
	var file string
	var audit bool
	var since period
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Try the rules on cases from a file, or on past calls",
		Long: `Says what the rules would make of calls, and by which rule; none is made. Exit code 1 means
that something was decided otherwise than wanted, or than it was.

--file reads cases, a list of
  - name: a large refund
    call: {tool: payment_create_refund, args: {payment_id: pi_1}, principal: "agent:billing",
           trigger: "key:desk", tainted: false, door: agent}
    facts: {amount_minor: 90000, currency: EUR, payment: {left_minor: 90000, age_days: 3}}
    spent: {payment_create_refund: 0}      # and count
    want: approve                          # allow, deny, approve or dry_run
    rule: default/refund-sum               # if it matters
What a case does not give cannot be had, and a rule that asks for it denies.

--audit takes calls that were let through, or refused by a rule, from the audit. Their facts
are looked up as they are now, and totals are those of now; arguments that were redacted are
not there any more.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (file == "") == !audit {
				return wrongUse{fmt.Errorf("give --file with cases, or --audit")}
			}
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			var rows [][]string
			var wrong int
			if audit {
				rows, wrong, err = auditCases(cmd.Context(), c, cfg, since)
			} else {
				rows, wrong, err = fileCases(cmd.Context(), cfg, file)
			}
			if err != nil {
				return err
			}
			if err := table(c.out, "There is nothing to try.", []string{"", "CASE", "WANT", "IS", "BY"}, rows); err != nil {
				return err
			}
			if wrong > 0 {
				return fmt.Errorf("%d of %d are decided otherwise", wrong, len(rows))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "cases, as YAML")
	cmd.Flags().BoolVar(&audit, "audit", false, "try calls of the audit")
	since.flags(cmd, "with --audit, calls")
	return cmd
}

// policyCase is one of a file.
type policyCase struct {
	Name string `yaml:"name"`
	Call struct {
		Tool      string         `yaml:"tool"`
		Args      map[string]any `yaml:"args"`
		Principal string         `yaml:"principal"`
		Trigger   string         `yaml:"trigger"`
		Tainted   bool           `yaml:"tainted"`
		Door      string         `yaml:"door"`
	} `yaml:"call"`
	Facts map[string]any   `yaml:"facts"`
	Spent map[string]int64 `yaml:"spent"`
	Count map[string]int   `yaml:"count"`
	Want  string           `yaml:"want"`
	Rule  string           `yaml:"rule"`
}

func fileCases(ctx context.Context, cfg *config.Config, file string) (rows [][]string, wrong int, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, 0, wrongUse{fmt.Errorf("reading cases: %w", err)}
	}
	var cases []policyCase
	if err := yaml.UnmarshalWithOptions(text, &cases, yaml.Strict()); err != nil {
		return nil, 0, wrongUse{fmt.Errorf("reading cases of %s: %w", file, err)}
	}
	for i, one := range cases {
		p, err := compilePolicy(cfg, policy.Options{Totals: givenTotals{one}, Hosts: policyHosts(cfg)})
		if err != nil {
			return nil, 0, wrongUse{err}
		}
		q, err := one.question(cfg.Tools)
		if err != nil {
			return nil, 0, wrongUse{fmt.Errorf("case %d (%q) of %s: %w", i+1, one.Name, file, err)}
		}
		q.Measure = p.Measure(ctx, q)
		v := p.Judge(ctx, q)
		mark := "ok"
		if string(v.Action) != one.Want || one.Rule != "" && one.Rule != v.Rule {
			mark, wrong = "WRONG", wrong+1
		}
		rows = append(rows, []string{mark, one.Name, one.Want, string(v.Action), byRule(v)})
	}
	return rows, wrong, nil
}

func byRule(v guard.Verdict) string {
	if v.Rule == "" {
		return "no rule"
	}
	return v.Rule
}

// question is the call of a case.
func (one policyCase) question(offered config.Tools) (guard.Question, error) {
	tool, known := definitions(offered).Lookup(one.Call.Tool)
	switch {
	case !known:
		return guard.Question{}, fmt.Errorf("there is no tool %q", one.Call.Tool)
	case !slices.Contains([]string{"allow", "deny", "approve", "dry_run"}, one.Want):
		return guard.Question{}, fmt.Errorf("want is %q; there are allow, deny, approve, dry_run", one.Want)
	}
	kind, name, ok := strings.Cut(one.Call.Principal, ":")
	if !ok {
		return guard.Question{}, fmt.Errorf("principal is %q; want a kind and a name, such as key:desk", one.Call.Principal)
	}
	q := guard.Question{Tool: tool, Door: one.Call.Door, Notes: guard.Notes{},
		Principal: auth.Principal{Kind: auth.Kind(kind), Name: name, For: one.Call.Trigger, Tainted: one.Call.Tainted}}
	if auth.Kind(kind) == auth.Agent {
		q.Run, q.Principal.Run = "run_case", "run_case"
	}
	raw, err := json.Marshal(one.Call.Args)
	if err != nil {
		return q, err
	}
	if q.Arguments, err = exactly(raw); err != nil {
		return q, err
	}
	given("facts", one.Facts, q.Notes)
	return q, nil
}

// given notes facts under the names that conditions have for them.
func given(name string, value any, notes guard.Notes) {
	members, isMap := value.(map[string]any)
	if !isMap || name == "facts.customer.paid" {
		if n, ok := value.(uint64); ok {
			value = int64(n)
		}
		notes[name] = value
		return
	}
	for member, below := range members {
		given(name+"."+member, below, notes)
	}
}

func exactly(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	return value, decoder.Decode(&value)
}

// givenTotals are those of a case, whatever the period.
type givenTotals struct{ policyCase }

func (givenTotals) Reserve(context.Context, guard.Effected) (int64, bool, error) {
	return 0, false, nil
}
func (givenTotals) TakeBack(context.Context, string) error               { return nil }
func (givenTotals) Made(context.Context, string) (map[string]int, error) { return nil, nil }
func (t givenTotals) Sum(_ context.Context, q guard.Tally) (guard.Sum, error) {
	return guard.Sum{Calls: t.Count[q.Tool], Minor: t.Spent[q.Tool]}, nil
}

// auditCases judges past calls anew.
func auditCases(ctx context.Context, c *console, cfg *config.Config, over period) (rows [][]string, wrong int, err error) {
	since, until, err := over.read(time.Now())
	if err != nil {
		return nil, 0, err
	}
	a, err := newToolApp(ctx, cfg, appOptions{Log: c.logger(cfg.Log), Mode: state.Beside})
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = a.Stop(context.WithoutCancel(ctx)) }()
	past, err := a.store.Audit(ctx, "", maxAudited)
	if err != nil {
		return nil, 0, err
	}
	for _, row := range past {
		tool, known := a.catalog.Lookup(row.Tool)
		byPolicy := row.Decision == guard.Refused && (strings.HasPrefix(row.Rule, "policy: ") || strings.HasPrefix(row.Rule, "approve: "))
		if !known || row.Door == policy.Door || row.At.Before(since) || !until.IsZero() && !row.At.Before(until) || row.Decision != guard.Allowed && !byPolicy {
			continue
		}
		arguments, err := exactly(row.Arguments)
		if err != nil {
			continue // they could not be read then either
		}
		q := guard.Question{Principal: a.principalOf(ctx, row), Door: row.Door, Tool: tool, Arguments: arguments, Run: row.Run, Notes: guard.Notes{}}
		q.Measure = a.policy.Measure(ctx, q)
		v := a.policy.Judge(ctx, q)
		was := wasDecided(row)
		mark := "ok"
		if was != string(v.Action) {
			mark, wrong = "CHANGED", wrong+1
		}
		rows = append(rows, []string{mark, row.At.UTC().Format(time.RFC3339) + " " + row.Principal + " " + row.Tool, was, string(v.Action), byRule(v)})
	}
	return rows, wrong, nil
}

// maxAudited is how many rows of the audit are looked at.
const maxAudited = 100_000

// wasDecided is what a row says of the decision then. A call that was made with an
// approval needed one.
func wasDecided(row guard.Row) string {
	switch {
	case strings.HasPrefix(row.Rule, "policy: "):
		return string(guard.Deny)
	case strings.HasPrefix(row.Rule, "approve: "), row.Approval != "":
		return string(guard.Approve)
	case row.DryRun:
		return string(guard.DryRun)
	}
	return string(guard.Allow)
}

// principalOf is who a row says called. For whom a run acted its run knows.
func (a *app) principalOf(ctx context.Context, row guard.Row) auth.Principal {
	kind, name, _ := strings.Cut(row.Principal, ":")
	p := auth.Principal{Kind: auth.Kind(kind), Name: name, Tainted: row.Tainted, Run: row.Run}
	if row.Run != "" {
		if run, err := a.store.Run(ctx, row.Run); err == nil {
			p.For = triggerOf(run)
		}
	}
	return p
}
