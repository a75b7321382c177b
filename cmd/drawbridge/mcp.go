package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"drawbridge/server/auth"
	"drawbridge/store/state"
)

func mcpCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "mcp",
		Short: "Serve the tools to a desktop assistant over stdio",
		Long: `Speaks MCP on standard input and output, for a desktop assistant or IDE that starts it as a
child process. Nothing but the protocol is written to standard output. It works beside a
serving process on the same store, and several assistants may each have their own.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			a, err := newToolApp(ctx, cfg, appOptions{Log: c.logger(cfg.Log), Mode: state.Beside})
			if err != nil {
				return err
			}
			a.mounts.start(ctx)
			principal := auth.Principal{Kind: auth.Local, Name: "stdio", Tools: []string{"*"}, Effects: cfg.Server.Local}
			err = a.mcp.ServeStdio(ctx, c.in, c.out, principal)
			return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		},
	}
}
