package main

import (
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func serveCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Answer MCP clients, chat clients and webhooks, and carry runs, until stopped",
		Long: `Serves all doors on server.listen: MCP over streamable HTTP (/mcp) and SSE (/sse, /message),
agents behind OpenAI's chat API (/v1/chat/completions, /v1/models) and their runs (/v1/runs/RUN),
webhooks (/webhooks/NAME) and health (/healthz, /readyz); and carries durable runs and callbacks.
One process at a time serves from a store in a file, and any number from one in PostgreSQL.
SIGINT or SIGTERM stops it in order: what it has is put down, for another or for its next start.
SIGHUP has it read the references to secrets anew (${file:...}, ${exec:...}, ${vault:...}), and
nothing else of the settings.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			known := memory{}
			cfg, err := c.settingsFrom(cmd, known.noting(c.references(cmd.Context())))
			if err != nil {
				return err
			}
			log := c.logger(cfg.Log)
			a, err := newApp(cmd.Context(), cfg, appOptions{Log: log})
			if err != nil {
				return err
			}
			for _, warning := range a.idlePatterns() {
				log.Warn(warning.String())
			}
			if notice := a.model.notice(); notice != "" {
				log.Warn(notice)
			}
			go tendMemory(cmd.Context())
			a.work(cmd.Context(), (&reloading{app: a, known: known, read: c.references}).on(hangups))
			return a.Serve(cmd.Context(), func(address net.Addr) {
				log.Info("serving", "address", ownScheme(cfg)+"://"+address.String(), "tools", len(a.catalog.All()),
					"agents", len(cfg.Agents), "webhooks", len(cfg.Webhooks), "store", cfg.Store.Place())
			})
		},
	}
}
