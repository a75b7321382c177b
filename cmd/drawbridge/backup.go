package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/store/postgres"
	"drawbridge/store/sqlite"
)

func backupCommand(c *console) *cobra.Command {
	var force, asJSON bool
	cmd := &cobra.Command{
		Use:   "backup FILE|FOLDER",
		Short: "Copy the store to a file, beside a process that works on it",
		Long: `Copies the SQLite store of the settings to a new file, or to one named by the time in a folder.
The copy is the store at one moment: whatever was acknowledged before the command began is in it.
It works beside a serving process, which goes on meanwhile, and it is checked (the file as a
whole, the references between its rows, its versions) and on disk before it gets its name. Only
you may read it. It holds what the store holds: customers, mails, what models said.

A store on PostgreSQL is backed up with PostgreSQL's own tools.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := c.fileOfStore(cmd, "pg_dump --format=custom --file=FILE, which copies a database that is in use as of one moment")
			if err != nil {
				return err
			}
			if _, err := os.Stat(path); err != nil {
				return fmt.Errorf("nothing was stored in %q yet: %w", path, err)
			}
			to := args[0]
			if info, err := os.Stat(to); err == nil && info.IsDir() {
				to = filepath.Join(to, time.Now().UTC().Format("drawbridge-20060102T150405Z.db"))
			}
			copied, err := sqlite.Backup(cmd.Context(), path, to, force, schemas...)
			if errors.Is(err, fs.ErrExist) {
				return wrongUse{fmt.Errorf("%w; --force takes its place", err)}
			}
			if err != nil {
				return err
			}
			return c.tellCopied(copied, "", asJSON)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "take the place of a file that is there")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func restoreCommand(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the store",
		Long: `Puts a copy of a backup in the place of the SQLite store of the settings. Nobody may have the
store open. The backup is checked first; one that is damaged, of another kind or of a newer version
is refused. The file that was there is kept beside it, under a name that is printed.

The store is then as it was when the backup was made: work that was under way then goes on when
"drawbridge serve" starts. What was called since is called again, under the same idempotency keys,
where the far side honours them; look at what is due before you serve: "drawbridge runs list".`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := c.fileOfStore(cmd, "pg_restore, which reads what pg_dump wrote")
			if err != nil {
				return err
			}
			restored, kept, err := sqlite.Restore(cmd.Context(), args[0], path, time.Now(), schemas...)
			if err != nil {
				return err
			}
			return c.tellCopied(restored, kept, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// fileOfStore gives the file of the settings' store; one that is no file has tools of its
// own.
func (c *console) fileOfStore(cmd *cobra.Command, instead string) (string, error) {
	cfg, err := c.settings(cmd)
	if err != nil {
		return "", err
	}
	if postgres.Names(cfg.Store.URL.Reveal()) {
		return "", wrongUse{fmt.Errorf("the store is on PostgreSQL: use %s", instead)}
	}
	path, err := sqlite.PathOf(cfg.Store.URL.Reveal())
	if err != nil {
		return "", wrongUse{err}
	}
	return path, nil
}

type copiedView struct {
	File     string           `json:"file"`
	Bytes    int64            `json:"bytes"`
	Rows     int64            `json:"rows"`
	Tables   map[string]int64 `json:"tables"`
	Versions map[string]int64 `json:"versions"`
	Kept     string           `json:"kept,omitempty"`
}

func (c *console) tellCopied(copied sqlite.Copied, kept string, asJSON bool) error {
	view := copiedView{File: copied.Path, Bytes: copied.Bytes, Rows: copied.Total(), Tables: map[string]int64{}, Versions: map[string]int64{}, Kept: kept}
	var versions []string
	for _, table := range copied.Rows {
		view.Tables[table.Table] = table.Rows
	}
	for _, one := range copied.Versions {
		if one.At > 0 {
			view.Versions[one.Component] = one.At
			versions = append(versions, fmt.Sprintf("%s %d", one.Component, one.At))
		}
	}
	if asJSON {
		return printJSON(c.out, view)
	}
	l := lines{w: c.out}
	l.printf("%s: %d rows in %d tables, %d bytes, checked", view.File, view.Rows, len(view.Tables), view.Bytes)
	l.printf("versions: %s", strings.Join(versions, ", "))
	if kept != "" {
		l.printf("what was there is in %s", kept)
	}
	return l.err
}
