package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

func toolsAcceptCommand(c *console) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "accept NAME...",
		Short: "Accept what mounted MCP servers and REST APIs changed about their tools",
		Long: `Names are of mounted servers and APIs, for all that is held back of them, or of single tools such as
github__create_issue. Each held definition is shown as it was accepted and as it is now; with
--yes it is accepted, and a serving process offers it from then on.

A definition is what a model acts on: read it as you would read a program you are about to run.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			return c.accept(cmd, cfg, names, yes)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "accept what is shown")
	return cmd
}

func (c *console) accept(cmd *cobra.Command, cfg *config.Config, names []string, yes bool) error {
	only, err := onlyMounts(cfg, names)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	a, err := newToolApp(ctx, only, appOptions{Log: c.logger(config.Log{Level: "error", Format: cfg.Log.Format}), Mode: state.Beside})
	if err != nil {
		return err
	}
	a.mounts.start(ctx)
	if err = a.mounts.settled(ctx, startTimeouts(only), c.err); err == nil {
		err = c.acceptHeld(ctx, a.mounts, names, yes)
	}
	return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
}

// mounted reports whether a server or an API of that name is.
func mounted(cfg *config.Config, name string) bool {
	return slices.ContainsFunc(cfg.Tools.MCP, func(s config.MCPServer) bool { return s.Name == name }) ||
		slices.ContainsFunc(cfg.Tools.OpenAPI, func(a config.OpenAPI) bool { return a.Name == name })
}

// onlyMounts gives the settings with no other servers than the names are about.
func onlyMounts(cfg *config.Config, names []string) (*config.Config, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		mount, _, _ := strings.Cut(name, tools.MountMark)
		if !mounted(cfg, mount) {
			return nil, wrongUse{fmt.Errorf("no MCP server or REST API %q is mounted; see tools.mcp and tools.openapi in the settings", mount)}
		}
		wanted[mount] = true
	}
	return withMounts(cfg, func(name string) bool { return wanted[name] }), nil
}

func (c *console) acceptHeld(ctx context.Context, m *mounts, names []string, yes bool) error {
	shown := 0
	for _, mount := range m.list {
		status := mount.Status()
		if status.State != mcpmount.Ready {
			return fmt.Errorf("the %s %q cannot be asked%s", status.Kind, status.Name, because(status))
		}
		var accepted []mcpmount.Held
		for _, held := range status.Held {
			if slices.Contains(names, status.Name) || slices.Contains(names, held.Tool) {
				if err := c.showHeld(held); err != nil {
					return err
				}
				accepted = append(accepted, held)
			}
		}
		shown += len(accepted)
		if !yes || len(accepted) == 0 {
			continue
		}
		if err := mount.Accept(ctx, accepted); err != nil {
			return err
		}
	}
	out := &lines{w: c.out}
	switch {
	case shown == 0:
		out.printf("Nothing of that is held back.")
	case yes:
		out.printf("Accepted %d.", shown)
	default:
		out.printf("Nothing was accepted. To accept what is shown, add --yes.")
	}
	return out.err
}

// showHeld prints a definition as it was accepted and as it is now.
func (c *console) showHeld(held mcpmount.Held) error {
	out := &lines{w: c.out}
	out.printf("%s: %s", oneLine(held.Tool, 140), oneLine(held.Why, 200))
	if len(held.Was.JSON) > 0 {
		out.printf("was, accepted %s:\n%s", when(held.Was.AcceptedAt), indented(held.Was.JSON))
	}
	out.printf("is now:\n%s\n", indented(held.Is.JSON))
	return out.err
}

func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "  ", "  ") != nil {
		return "  " + printable(string(raw))
	}
	return "  " + printable(b.String())
}
