package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

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

A SQLite store is migrated by whoever owns it: end the server first.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := c.fileOfStore(cmd, "")
			if err != nil {
				return err
			}
			if _, err := os.Stat(path); err != nil {
				return fmt.Errorf("nothing was stored in %q yet: %w", path, err)
			}
			standings, err := sqlite.Plan(cmd.Context(), path, schemas...)
			if plan || err != nil {
				return c.tellPlan(standings, asJSON, err)
			}
			if err := sqlite.Migrate(cmd.Context(), path, schemas...); err != nil {
				return err
			}
			return c.tellMigrated(standings, asJSON)
		},
	}
	cmd.Flags().BoolVar(&plan, "plan", false, "show the steps, and run none")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
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
}

func planOf(standings []sqldb.Standing) planView {
	view := planView{Components: []standingView{}}
	for _, s := range standings {
		one := standingView{Component: s.Component, Store: s.At, Program: s.Newest, Steps: []stepView{}}
		for _, step := range s.Pending {
			one.Steps = append(one.Steps, stepView{step.Version, step.Name, step.Contract})
		}
		view.Components, view.Pending = append(view.Components, one), view.Pending+len(one.Steps)
	}
	return view
}

// tellPlan prints the plan, as far as there is one, and passes on why it cannot be carried out.
func (c *console) tellPlan(standings []sqldb.Standing, asJSON bool, refused error) error {
	if len(standings) == 0 {
		return refused
	}
	view := planOf(standings)
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
	if view.Pending == 0 {
		l.printf("\nThe store is up to date.")
	} else {
		l.printf("\nPending: %d. End whatever has the store open first: its tables change.", view.Pending)
	}
	return l.err
}

func stepsOf(steps []stepView) string {
	if len(steps) == 0 {
		return "-"
	}
	var names []string
	for _, step := range steps {
		names = append(names, fmt.Sprintf("%d %s", step.Version, step.Name))
	}
	return strings.Join(names, ", ")
}

// tellMigrated says which steps were run.
func (c *console) tellMigrated(before []sqldb.Standing, asJSON bool) error {
	view := planOf(before)
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
