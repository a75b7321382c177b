package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"drawbridge/store/postgres"
	"drawbridge/store/sqlite"
	"drawbridge/tools/sqldb"
)

func storeCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: "Bring the store up to date, or copy it to another", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(storeMigrateCommand(c), storeCopyCommand(c))
	return cmd
}

func storeMigrateCommand(c *console) *cobra.Command {
	var plan, asJSON bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the store's tables to this program's version, or show what that would do",
		Long: `Brings the tables of the store to the version of this program, under a lock, each step once and
whole; "drawbridge serve" does the same when it starts. There is no way back but a backup. With
--plan it changes nothing, and shows the version of each component in the store and in this
program, and the steps between them.

A SQLite store is migrated by whoever owns it: end the server first. On PostgreSQL nodes of the
version before go on working while it runs and after it; where a step takes something away that they
still use, the plan says so. A node that starts, and every command, has to be of the store's version
or a newer one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			u, err := upgradeOf(cfg.Store.URL.Reveal())
			if err != nil {
				return err
			}
			standings, err := u.plan(cmd.Context())
			if plan || err != nil {
				return c.tellPlan(u, standings, asJSON, err)
			}
			if err := u.run(cmd.Context()); err != nil {
				return err
			}
			return c.tellMigrated(u, standings, asJSON)
		},
	}
	cmd.Flags().BoolVar(&plan, "plan", false, "show the steps, and run none")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// upgrade is how the store of one engine is brought up to date.
type upgrade struct {
	plan func(ctx context.Context) ([]sqldb.Standing, error)
	run  func(ctx context.Context) error
	// beside reports whether those who have it open may go on.
	beside func(standings []sqldb.Standing) bool
}

func upgradeOf(storeURL string) (upgrade, error) {
	if postgres.Names(storeURL) {
		return upgrade{
			plan: func(ctx context.Context) ([]sqldb.Standing, error) { return postgres.Plan(ctx, storeURL, schemas...) },
			run:  func(ctx context.Context) error { return postgres.Upgrade(ctx, storeURL, schemas...) },
			beside: func(standings []sqldb.Standing) bool {
				return !slices.ContainsFunc(standings, func(s sqldb.Standing) bool { return !s.Beside() })
			},
		}, nil
	}
	path, err := sqlite.PathOf(storeURL)
	if err != nil {
		return upgrade{}, wrongUse{err}
	}
	if _, err := os.Stat(path); err != nil {
		return upgrade{}, fmt.Errorf("nothing was stored in %q yet: %w", path, err)
	}
	return upgrade{
		plan:   func(ctx context.Context) ([]sqldb.Standing, error) { return sqlite.Plan(ctx, path, schemas...) },
		run:    func(ctx context.Context) error { return sqlite.Migrate(ctx, path, schemas...) },
		beside: func([]sqldb.Standing) bool { return false }, // its migrations may make tables anew
	}, nil
}

type standingView struct {
	Component string     `json:"component"`
	Store     int64      `json:"store"`
	Program   int64      `json:"program"`
	Steps     []stepView `json:"steps"`
}

type stepView struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
	Needs   int64  `json:"needs,omitempty"` // whoever goes on beside it has to know this version
}

type planView struct {
	Components []standingView `json:"components"`
	Pending    int            `json:"pending"`
	// Beside: whoever has the store open, and knows its version as it is, may go on.
	Beside bool `json:"others_may_run"`
}

func (u upgrade) view(standings []sqldb.Standing) planView {
	view := planView{Components: []standingView{}}
	for _, s := range standings {
		one := standingView{Component: s.Component, Store: s.At, Program: s.Newest, Steps: []stepView{}}
		for _, step := range s.Pending {
			one.Steps = append(one.Steps, stepView{step.Version, step.Name, step.Contract})
		}
		view.Components, view.Pending = append(view.Components, one), view.Pending+len(one.Steps)
	}
	view.Beside = view.Pending == 0 || u.beside(standings)
	return view
}

// tellPlan prints the plan, as far as there is one, and passes on why it cannot be carried out.
func (c *console) tellPlan(u upgrade, standings []sqldb.Standing, asJSON bool, refused error) error {
	if len(standings) == 0 {
		return refused
	}
	view := u.view(standings)
	if asJSON {
		if err := printJSON(c.out, view); err != nil {
			return err
		}
		return refused
	}
	var rows [][]string
	for _, one := range view.Components {
		rows = append(rows, []string{one.Component, fmt.Sprint(one.Store), fmt.Sprint(one.Program), stepsOf(one.Steps)})
	}
	if err := table(c.out, "", []string{"COMPONENT", "STORE", "PROGRAM", "PENDING"}, rows); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	l := lines{w: c.out}
	switch {
	case view.Pending == 0:
		l.printf("\nThe store is up to date.")
	case view.Beside:
		l.printf("\nPending: %d. Nodes that run now may go on.", view.Pending)
	default:
		l.printf("\nPending: %d. Whatever has the store open has to be ended first.", view.Pending)
	}
	return l.err
}

func stepsOf(steps []stepView) string {
	if len(steps) == 0 {
		return "-"
	}
	var names []string
	for _, step := range steps {
		name := fmt.Sprintf("%d %s", step.Version, step.Name)
		if step.Needs > 0 {
			name += fmt.Sprintf(" (for nodes that know %d)", step.Needs)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// tellMigrated says which steps were run.
func (c *console) tellMigrated(u upgrade, before []sqldb.Standing, asJSON bool) error {
	view := u.view(before)
	if asJSON {
		return printJSON(c.out, view)
	}
	l := lines{w: c.out}
	for _, one := range view.Components {
		if len(one.Steps) > 0 {
			l.printf("%s: from version %d to %d (%s)", one.Component, one.Store, one.Program, stepsOf(one.Steps))
		}
	}
	if view.Pending == 0 {
		l.printf("The store was up to date.")
	}
	return l.err
}
