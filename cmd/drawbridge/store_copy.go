package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"drawbridge/store/copying"
	"drawbridge/store/postgres"
	"drawbridge/store/sqlite"
)

func storeCopyCommand(c *console) *cobra.Command {
	var from, to string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "copy --from URL --to URL",
		Short: "Copy all of one store into another, of either engine",
		Long: `Copies everything in one store to another that is empty: from a SQLite file to PostgreSQL when
one machine is not enough, and back, and from file to file. Nobody may have either store open, no
server and no command: whoever comes meanwhile waits. The target's tables are made, the source has to
be of this program's version ("drawbridge store migrate" brings it there).

All rows go over in one transaction. Then both sides are read again, table by table, and compared by
how many rows there are and by a hash of all of them. If anything differs nothing is kept, and the exit
code is 1. The source stays as it is: set store.url to the target, start, and keep the source until you
trust the move. Do not serve from both.

A URL is written as store.url is. A password need not be in it: PGPASSWORD and ~/.pgpass are read.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" || to == "" {
				return wrongUse{errors.New("expected --from and --to, such as --from sqlite://./data/drawbridge.db --to postgres://drawbridge@db.internal/drawbridge")}
			}
			results, err := copyStore(cmd.Context(), from, to)
			if results != nil {
				err = errors.Join(err, c.tellCopy(results, asJSON))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the store to copy")
	cmd.Flags().StringVar(&to, "to", "", "the store to fill, which must be empty")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// heldStore is a store that nobody else uses.
type heldStore interface {
	copying.Target
	Commit(ctx context.Context) error
	Close() error
}

func copyStore(ctx context.Context, from, to string) (results []copying.Result, err error) {
	source, err := holdSource(ctx, from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := holdTarget(ctx, to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if results, err = copying.Copy(ctx, source, target, components()...); err != nil {
		return results, err
	}
	return results, target.Commit(ctx)
}

func holdSource(ctx context.Context, storeURL string) (heldStore, error) {
	if postgres.Names(storeURL) {
		return heldOr(postgres.OpenSource(ctx, storeURL, schemas...))
	}
	path, err := sqlite.PathOf(storeURL)
	if err != nil {
		return nil, wrongUse{err}
	}
	return heldOr(sqlite.OpenSource(ctx, path, schemas...))
}

func holdTarget(ctx context.Context, storeURL string) (heldStore, error) {
	if postgres.Names(storeURL) {
		return heldOr(postgres.OpenTarget(ctx, storeURL, schemas...))
	}
	path, err := sqlite.PathOf(storeURL)
	if err != nil {
		return nil, wrongUse{err}
	}
	return heldOr(sqlite.OpenTarget(ctx, path, schemas...))
}

// heldOr makes of no store none, and not one that is nil.
func heldOr[H heldStore](held H, err error) (heldStore, error) {
	if err != nil {
		return nil, err
	}
	return held, nil
}

type copyView struct {
	Tables []copyTableView `json:"tables"`
	Rows   int64           `json:"rows"`
	Same   bool            `json:"same"`
}

type copyTableView struct {
	Table string   `json:"table"`
	From  sideView `json:"from"`
	To    sideView `json:"to"`
	Same  bool     `json:"same"`
}

type sideView struct {
	Rows int64  `json:"rows"`
	Hash string `json:"hash"`
}

// tellCopy prints what both sides have of each table.
func (c *console) tellCopy(results []copying.Result, asJSON bool) error {
	slices.SortFunc(results, func(a, b copying.Result) int { return strings.Compare(a.Table, b.Table) })
	view := copyView{Tables: []copyTableView{}, Same: true}
	var rows [][]string
	for _, r := range results {
		one := copyTableView{r.Table, sideView{r.From.Rows, r.From.Sum.String()}, sideView{r.To.Rows, r.To.Sum.String()}, r.Same()}
		view.Tables, view.Rows, view.Same = append(view.Tables, one), view.Rows+r.From.Rows, view.Same && one.Same
		arrived := "the same"
		if !one.Same {
			arrived = fmt.Sprintf("DIFFERENT: %d rows, %s", r.To.Rows, one.To.Hash)
		}
		rows = append(rows, []string{r.Table, fmt.Sprint(r.From.Rows), one.From.Hash, arrived})
	}
	if asJSON {
		return printJSON(c.out, view)
	}
	if err := table(c.out, "no tables", []string{"TABLE", "ROWS", "HASH", "ARRIVED"}, rows); err != nil {
		return err
	}
	l := lines{w: c.out}
	if view.Same {
		l.printf("\n%d rows in %d tables, the same on both sides.", view.Rows, len(results))
	} else {
		l.printf("\nNothing was kept.")
	}
	return l.err
}
