package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"drawbridge/store/sqlite"
	"drawbridge/tools"
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
	Output      json.RawMessage `json:"output_schema"`
}

func toolsCommand(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tools [PATTERN...]",
		Short: "List the tools, or those whose names match a pattern such as 'crm_*'",
		RunE: func(cmd *cobra.Command, patterns []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			// The catalog does not depend on what is stored: look at an empty store
			// rather than make or touch the configured one.
			scratch, remove, err := scratchStore(cfg)
			if err != nil {
				return err
			}
			defer remove()
			a, err := newToolApp(cmd.Context(), scratch, appOptions{Mode: sqlite.Beside})
			if err != nil {
				return err
			}
			defer func() { _ = a.Stop(context.WithoutCancel(cmd.Context())) }()
			if len(patterns) == 0 {
				patterns = []string{"*"}
			}
			return printTools(c, a.catalog, patterns, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print names, descriptions, schemas and effects as JSON")
	return cmd
}

func printTools(c *console, catalog *tools.Catalog, patterns []string, asJSON bool) error {
	views := []toolView{}
	rows := [][]string{}
	for _, t := range catalog.All() {
		if !tools.Match(patterns, t.Name) {
			continue
		}
		views = append(views, toolView{t.Name, t.Title, t.Description, t.Effect, t.Idempotent, t.Destructive, t.Taints, t.Input, t.Output})
		rows = append(rows, []string{t.Name, string(t.Effect), oneLine(t.Description, 90)})
	}
	if asJSON {
		return printJSON(c.out, views)
	}
	return table(c.out, "no tool matches", []string{"TOOL", "EFFECT", "WHAT IT DOES"}, rows)
}
