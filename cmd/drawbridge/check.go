package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"drawbridge/store/postgres"
)

func checkCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration and explain what it would do",
		Long: `Reads the configuration as "serve" would, compiles every condition and prompt, and says in
words what would be served. It opens no port and leaves the store alone; it looks up the
names of callbacks, to warn of those that lead where nothing is called, and reads the
documents of REST APIs, to say which operations cannot be tools. Exit code 2 means
that the configuration cannot work; every problem is listed with its place.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			if url := cfg.Store.URL.Reveal(); postgres.Names(url) {
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
			return err
		},
	}
}
