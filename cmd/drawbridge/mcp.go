package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

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
serving process on the same store, and several assistants may each have their own.

The assistant may do what the API key in the environment variable DRAWBRIDGE_KEY may. Without
one it may call every tool whose effect is among server.local. Runs that it starts are
carried by whoever serves from the store.

It ends when the assistant closes its end of either pipe, at SIGTERM, and, on Unix, when the
process that started it is gone, even if somebody else still holds the pipes. Writes that are
under way then still come to their end, and into the audit.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			a, err := newClientApp(ctx, cfg, appOptions{Log: c.logger(cfg.Log), Mode: state.Beside})
			if err != nil {
				return err
			}
			principal, err := c.stdioPrincipal(a.keys, cfg.Server.Local)
			if err == nil {
				a.mounts.start(ctx)
				a.work(ctx, a.keepAudit)
				ctx, stop := withParent(ctx, a.log)
				err = a.mcp.ServeStdio(ctx, c.in, c.out, principal)
				stop()
			}
			return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		},
	}
}

// keyInEnvironment holds the API key of whoever starts the process. An assistant's settings
// have a place for a child's environment; its arguments, others can read.
const keyInEnvironment = "DRAWBRIDGE_KEY"

// stdioPrincipal is whoever is at the other end of the pipes: the holder of the key in
// the environment, or, without one, somebody at this machine.
func (c *console) stdioPrincipal(keys *auth.Keys, local []string) (auth.Principal, error) {
	key, set := c.lookup(keyInEnvironment)
	if !set || key == "" {
		return auth.Principal{Kind: auth.Local, Name: auth.DoorStdio, Tools: []string{"*"}, Effects: local, Agents: []string{"*"}}, nil
	}
	if !keys.Configured() {
		return auth.Principal{}, fmt.Errorf("%s is set, and there are no keys under server.keys", keyInEnvironment)
	}
	principal, err := keys.Authenticate(&http.Request{Header: http.Header{"X-Api-Key": {key}}})
	if err != nil {
		return auth.Principal{}, fmt.Errorf("%s: %w", keyInEnvironment, err)
	}
	return principal, nil
}
