package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"drawbridge/store/postgres"
)

func checkCommand(c *console) *cobra.Command {
	noResolve := false
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration and explain what it would do",
		Long: `Reads the configuration as "serve" would, compiles every condition and prompt, and says in
words what would be served. It opens no port and leaves the store alone; it looks up the
names of callbacks, to warn of those that lead where nothing is called, and reads the
documents of REST APIs, to say which operations cannot be tools. Exit code 2 means
that the configuration cannot work; every problem is listed with its place.

References to secrets are read too: files are opened, commands run, and Vault is asked. With
--no-resolve they are not, and what would be made of them is not checked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from := c.references(cmd.Context())
			if noResolve {
				from = c.unread()
			}
			cfg, err := c.settingsFrom(cmd, from)
			if err != nil {
				return err
			}
			if url := cfg.Store.URL.Reveal(); postgres.Names(url) { // one that was not read names nothing
				if err := postgres.Check(url); err != nil {
					return wrongUse{err}
				}
			}
			scratch, remove, err := scratchStore(cfg)
			if err != nil {
				return err
			}
			defer remove()
			a, err := newApp(cmd.Context(), scratch, appOptions{})
			if err != nil {
				return wrongUse{err}
			}
			defer func() { _ = a.Stop(context.WithoutCancel(cmd.Context())) }()
			if err := a.mounts.checkAPIs(cmd.Context(), cfg, c.err); err != nil {
				return wrongUse{err}
			}
			for _, warning := range a.idlePatterns() {
				_, _ = fmt.Fprintf(c.err, "drawbridge: %v\n", warning)
			}
			for _, warning := range egressWarnings(cmd.Context(), cfg, a.egress) {
				_, _ = fmt.Fprintf(c.err, "drawbridge: %s\n", warning)
			}
			cfg.Explain(c.out)
			if notice := a.model.notice(); notice != "" {
				_, err = fmt.Fprintf(c.out, "\n%s\n", notice)
			}
			if unread := cfg.Unread(); err == nil && len(unread) > 0 {
				_, err = fmt.Fprintf(c.out, "\nNot read, and so not checked: %s\n", strings.Join(unread, ", "))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&noResolve, "no-resolve", false, "read no ${file:...}, ${exec:...} and ${vault:...}")
	return cmd
}
