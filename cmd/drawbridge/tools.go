package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"drawbridge/bridge"
	"drawbridge/config"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

// toolView is a tool as `tools --json` prints it.
type toolView struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Effect      tools.Effect    `json:"effect"`
	Idempotent  bool            `json:"idempotent"`
	Destructive bool            `json:"destructive"`
	Taints      bool            `json:"taints"`
	Input       json.RawMessage `json:"input_schema"`
	Output      json.RawMessage `json:"output_schema,omitempty"`
	// Strict: a model's arguments are held to the schema while it writes them.
	Strict bool     `json:"strict"`
	Notes  []string `json:"notes,omitempty"` // what the function says in words, or had to repair
}

func toolsCommand(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tools [PATTERN...]",
		Short: "List the tools, or those whose names match a pattern such as 'crm_*'",
		Long: `Lists the tools with what they change. Mounted MCP servers whose tools may match are started,
asked and stopped, and the documents of mounted REST APIs are read; what is held back or left out of their tools is listed with the reason,
with --json on standard error.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			if len(patterns) == 0 {
				patterns = []string{"*"}
			}
			cfg = withMounts(cfg, func(name string) bool {
				return slices.ContainsFunc(patterns, func(pattern string) bool { return mayBeAbout(pattern, name) })
			})
			return c.withCatalog(cmd, cfg, func(a *app) error { return c.printTools(a, patterns, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print names, descriptions, schemas and effects as JSON")
	cmd.AddCommand(toolsAcceptCommand(c))
	return cmd
}

// withCatalog does something with all tools there are. The configured store is
// not made or touched: the built-in tools do not depend on what is in it, and of
// mounted ones only what was accepted is read.
func (c *console) withCatalog(cmd *cobra.Command, cfg *config.Config, do func(*app) error) error {
	scratch, remove, err := scratchStore(cfg)
	if err != nil {
		return err
	}
	defer remove()
	ctx := cmd.Context()
	accepted, err := openStoreOf(ctx, cfg, state.ReadOnly)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if accepted != nil {
		defer func() { _ = accepted.Close() }()
	}
	a, err := newToolApp(ctx, scratch, appOptions{Log: c.logger(config.Log{Level: "error", Format: cfg.Log.Format}), Mode: state.Beside, Book: glance{accepted}})
	if err != nil {
		return err
	}
	a.mounts.start(ctx)
	if err = a.mounts.settled(ctx, startTimeouts(cfg), c.err); err == nil {
		err = do(a)
	}
	return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
}

func (c *console) printTools(a *app, patterns []string, asJSON bool) error {
	var chosen []tools.Tool
	for _, t := range a.catalog.All() {
		if tools.Match(patterns, t.Name) {
			chosen = append(chosen, t)
		}
	}
	made := functionsOf(chosen)
	if asJSON {
		return errors.Join(printJSON(c.out, toolViews(chosen, made)), c.warnOfMounts(a.mounts))
	}
	rows := [][]string{}
	for _, t := range chosen {
		rows = append(rows, []string{t.Name, string(t.Effect), oneLine(t.Description, 90)})
	}
	if err := table(c.out, "no tool matches", []string{"TOOL", "EFFECT", "WHAT IT DOES"}, rows); err != nil {
		return err
	}
	for _, left := range made.LeftOut {
		if _, err := fmt.Fprintf(c.out, "\n%s is not offered to models: %s\n", left.Tool, oneLine(left.Why, 200)); err != nil {
			return err
		}
	}
	return c.printMounts(a.mounts)
}

// functionsOf makes functions of tools as an agent's session would.
func functionsOf(list []tools.Tool) bridge.Converted {
	all := make([]bridge.Tool, len(list))
	for i, t := range list {
		all[i] = bridge.Tool{Name: t.Name, Title: t.Title, Description: t.Description, Input: t.Input}
	}
	return bridge.Convert(all)
}

func toolViews(list []tools.Tool, made bridge.Converted) []toolView {
	strict := map[string]bool{}
	for _, f := range made.Functions {
		strict[made.Names[f.Name]] = f.Strict
	}
	views := []toolView{}
	for _, t := range list {
		views = append(views, toolView{Name: t.Name, Title: t.Title, Description: t.Description, Effect: t.Effect, Idempotent: t.Idempotent,
			Destructive: t.Destructive, Taints: t.Taints, Input: t.Input, Output: t.Output, Strict: strict[t.Name], Notes: made.Notes[t.Name]})
	}
	return views
}

// printMounts says how the mounted servers stand, and what of them is not offered.
func (c *console) printMounts(m *mounts) error {
	out := &lines{w: c.out}
	for _, mount := range m.list {
		out.printf("")
		printMount(out, mount.Status())
	}
	return out.err
}

// warnOfMounts does so on standard error, of servers of which something is missing.
func (c *console) warnOfMounts(m *mounts) error {
	out := &lines{w: c.err}
	for _, mount := range m.list {
		if s := mount.Status(); s.State != mcpmount.Ready || len(s.Held)+len(s.LeftOut) > 0 {
			printMount(out, s)
		}
	}
	return out.err
}

func printMount(out *lines, s mcpmount.Status) {
	out.printf("%s %s: %s, %d tools offered%s", s.Kind, s.Name, s.State, s.Offered, because(s))
	for _, held := range s.Held {
		out.printf("  held back: %s: %s", oneLine(held.Tool, 140), oneLine(held.Why, 200))
	}
	for _, left := range s.LeftOut {
		out.printf("  left out: %s: %s", oneLine(left.Tool, 140), oneLine(left.Why, 200))
	}
}

func because(s mcpmount.Status) string {
	if s.LastError == "" {
		return ""
	}
	return "; " + oneLine(s.LastError, 300)
}
