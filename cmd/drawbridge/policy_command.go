package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/policy"
	"drawbridge/tools"
)

func policyCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Show, check and try the rules of what calls may do",
	}
	cmd.AddCommand(policyShow(c), policyLint(c), policyTest(c))
	return cmd
}

func policyShow(c *console) *cobra.Command {
	variables := false
	cmd := &cobra.Command{
		Use:   "show",
		Short: "List the rules in the order in which they are tried",
		Long: `Lists the rules of the settings, and Drawbridge's own behind them unless policy.defaults is
off, with the version that audit rows and approvals carry. --variables lists what conditions
see.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			if variables {
				var rows [][]string
				for _, v := range policy.Variables() {
					rows = append(rows, []string{v[0], v[1], v[2]})
				}
				for _, name := range slices.Sorted(maps.Keys(cfg.Policy.Facts)) {
					rows = append(rows, []string{"facts." + name, "dyn", "of the settings, by " + cfg.Policy.Facts[name].Tool})
				}
				return table(c.out, "", []string{"NAME", "TYPE", "WHAT"}, rows)
			}
			p, err := compilePolicy(cfg, policy.Options{})
			if err != nil {
				return wrongUse{err}
			}
			var rows [][]string
			for i, r := range p.Rules() {
				rows = append(rows, []string{strconv.Itoa(i + 1), r.Name, string(r.Then), strings.Join(strings.Fields(r.When), " ")})
			}
			if err := table(c.out, "There are no rules: what is permitted is done.", []string{"", "NAME", "THEN", "WHEN"}, rows); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "\nVersion %s.\n", p.Version())
			return err
		},
	}
	cmd.Flags().BoolVar(&variables, "variables", false, "list what conditions see")
	return cmd
}

func policyLint(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "lint",
		Short: "Find rules that cannot decide, deny everything, or name what there is not",
		Long: `Looks for rules of the settings that can never match, because their condition holds for no
tool or an earlier rule decides first, that deny everything, and that name tools, arguments,
agents, webhooks or effects that there are not. Exit code 1 means that something was found.
It starts no mounted server: tools of theirs that were never accepted may be anything.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			p, err := compilePolicy(cfg, policy.Options{})
			if err != nil {
				return wrongUse{err}
			}
			findings, err := p.Lint(policyNames(cfg))
			if err != nil {
				return err
			}
			n := 0
			for _, f := range findings {
				if f.Rule < len(cfg.Policy.Rules) { // ours may be idle behind an operator's
					n++
					_, _ = fmt.Fprintln(c.out, cfg.Problem(fmt.Sprintf("policy.rules[%d]", f.Rule), "rule %q: %s", f.Name, f.Message))
				}
			}
			if n > 0 {
				return fmt.Errorf("%d of what the rules say is likely not meant", n)
			}
			_, err = fmt.Fprintf(c.out, "Nothing found in %d rules.\n", len(p.Rules()))
			return err
		},
	}
}

// policyNames are what rules may name. A fact has to be looked up by a tool that reads,
// which the guard sees to.
func policyNames(cfg *config.Config) policy.Names {
	names := policy.Names{Tools: definitions(cfg.Tools).All(), Agents: slices.Sorted(maps.Keys(cfg.Agents)),
		Sources: slices.Concat(slices.Sorted(maps.Keys(cfg.Webhooks)), slices.Sorted(maps.Keys(cfg.Schedules)))}
	names.MayBe = func(tool string) bool {
		mount, _, ok := strings.Cut(tool, tools.MountMark)
		return ok && mounted(cfg, mount)
	}
	return names
}
