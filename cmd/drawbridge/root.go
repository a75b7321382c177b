package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/store/postgres"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// newRoot makes the command tree.
func newRoot(c *console) *cobra.Command {
	root := &cobra.Command{
		Use:   "drawbridge",
		Short: "One guarded set of business tools for language models",
		Long: `Drawbridge gives a language model one guarded set of business tools (CRM, payments,
email): to MCP clients over stdio and HTTP, to whoever talks to an agent, and to durable agent
runs that signed events start.

Start with "drawbridge demo": it needs nothing and shows the whole walk.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.PersistentFlags().StringP("config", "c", "", "configuration file (default: drawbridge.yaml in this folder, if there is one)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return wrongUse{err} })
	root.AddCommand(demoCommand(c), serveCommand(c), mcpCommand(c), chatCommand(c), runCommand(c), toolsCommand(c), eventsCommand(c), webhookCommand(c), runsCommand(c), batchesCommand(c), callbacksCommand(c), approvalsCommand(c), policyCommand(c), schedulesCommand(c),
		schemaCommand(c),
		checkCommand(c), initCommand(c), versionCommand(c))
	root.AddCommand(replayCommand(c), deadCommand(c), exportCommand(c), auditCommand(c), keysCommand(c), backupCommand(c), restoreCommand(c), storeCommand(c))
	markWrongUse(root)
	return root
}

// markWrongUse makes every complaint about arguments exit with code 2.
func markWrongUse(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return wrongUse{fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		markWrongUse(sub)
	}
}

// settings loads the configuration that the command line names.
func (c *console) settings(cmd *cobra.Command) (*config.Config, error) {
	return c.settingsFrom(cmd, c.references(cmd.Context()))
}

// settingsFrom does so with the references that are to be read.
func (c *console) settingsFrom(cmd *cobra.Command, from config.Sources) (*config.Config, error) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, err
	}
	if path == "" {
		path, _ = config.Find(".")
	}
	cfg, err := config.LoadFrom(path, from)
	if err != nil {
		return nil, err
	}
	for _, warning := range cfg.Warnings() {
		_, _ = fmt.Fprintf(c.err, "drawbridge: %v\n", warning)
	}
	return cfg, nil
}

// logger writes to standard error, as the settings say.
func (c *console) logger(settings config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(settings.Level)); err != nil {
		level = slog.LevelInfo // validated before; this is for a zero Log
	}
	options := &slog.HandlerOptions{Level: level}
	if settings.Format == "json" {
		return slog.New(slog.NewJSONHandler(c.err, options))
	}
	return slog.New(slog.NewTextHandler(c.err, options))
}

// withStore does something with the store and closes it.
func (c *console) withStore(cmd *cobra.Command, mode state.Mode, do func(*state.Store) error) error {
	store, err := c.openStore(cmd, mode)
	if err != nil {
		return err
	}
	return errors.Join(do(store), store.Close())
}

// openStore opens the store for a command that looks at it or leaves work in it,
// beside a process that may be serving from it.
func (c *console) openStore(cmd *cobra.Command, mode state.Mode) (*state.Store, error) {
	cfg, err := c.settingsFrom(cmd, c.referencesOfStore(cmd.Context()))
	if err != nil {
		return nil, err
	}
	return openStoreOf(cmd.Context(), cfg, mode)
}

// openStoreOf does so for a command that has read the settings.
func openStoreOf(ctx context.Context, cfg *config.Config, mode state.Mode) (*state.Store, error) {
	if path := cfg.Store.Path(); path != "" {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("nothing was stored in %q yet; `drawbridge serve` makes it: %w", path, os.ErrNotExist)
		}
	}
	return openState(ctx, cfg.Store, mode)
}

// openState opens the store with the engine that its URL names.
func openState(ctx context.Context, at config.Store, mode state.Mode) (*state.Store, error) {
	if postgres.Names(at.URL.Reveal()) {
		if err := postgres.Check(at.URL.Reveal()); err != nil {
			return nil, wrongUse{err}
		}
		return postgres.Open(ctx, at.URL.Reveal(), mode, state.Options{Schemas: schemas})
	}
	path, err := sqlite.PathOf(at.URL.Reveal())
	if err != nil {
		return nil, wrongUse{err}
	}
	return sqlite.Open(ctx, path, mode, state.Options{Schemas: schemas})
}
