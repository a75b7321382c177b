package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/dispatch"
)

// demoTime bounds the walk from the event to the callback. A script needs well
// under a second, a real model perhaps a minute.
const demoTime = 5 * time.Minute

// demoResult is what demo --json prints.
type demoResult struct {
	EventID  string                `json:"event_id"`
	RunID    string                `json:"run_id"`
	Status   dispatch.State        `json:"status"`
	Turns    int                   `json:"turns"`
	Calls    []dispatch.CallReport `json:"calls"`
	Answer   string                `json:"answer"`
	Callback demoCallback          `json:"callback"`
	Effects  effects               `json:"effects"`
	Model    string                `json:"model"`
}

type demoCallback struct {
	Status   dispatch.CallbackState `json:"status"`
	Verified bool                   `json:"verified"`
}

// effects counts the rows that the run's calls left behind, by their idempotency keys.
type effects struct {
	Interactions int `json:"interactions"`
	Emails       int `json:"emails"`
	Tasks        int `json:"tasks"`
}

func demoCommand(c *console) *cobra.Command {
	var once, asJSON bool
	var storeURL string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a signed payment event become finished work",
		Long: `Starts everything in a temporary store with sample data, sends itself a payment event signed
as Stripe signs, and shows how it becomes a durable agent run, tool calls, and a signed
callback. Then it keeps serving, so that you can connect to it; --once ends instead, with
exit code 0 only if the run succeeded. Without a configured model a scripted rehearsal model
speaks, and says so.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			d := &demo{console: c, json: asJSON, story: c.out}
			if asJSON {
				d.story = c.err
			}
			return d.run(cmd.Context(), cfg, storeURL, once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the walk instead of serving on")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object at the end of the walk, and the story on standard error")
	cmd.Flags().StringVar(&storeURL, "store", "", "keep the state here, such as sqlite://./demo.db or postgres://user:password@host/database (default: a temporary file)")
	return cmd
}

// demo is one walk: an app, and the two strangers it deals with, the sender of the
// event and the receiver of the callback.
type demo struct {
	*console
	json     bool
	story    io.Writer
	app      *app
	receiver *receiver
	secret   string // of the webhook
	base     string // URL of the server
}

func (d *demo) run(ctx context.Context, cfg *config.Config, storeURL string, once bool) (err error) {
	folder, err := os.MkdirTemp("", "drawbridge-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if storeURL == "" {
		storeURL = "sqlite://" + filepath.Join(folder, "drawbridge.db")
	}
	if d.receiver, err = newReceiver(ctx); err != nil {
		return err
	}
	defer d.receiver.close()
	mine := d.settings(cfg, storeURL)
	if mine.AuditKey() == "" {
		mine.Audit.Key = filepath.Join(folder, "audit.key") // for as long as the demo lasts
	}
	if err := d.start(ctx, mine); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.app.Stop(context.WithoutCancel(ctx))) }()
	result, err := d.walk(ctx)
	if err != nil {
		return err
	}
	if d.json {
		err = printJSON(d.out, result)
	}
	if err == nil && !once {
		err = d.linger(ctx)
	}
	if result.Status != dispatch.Succeeded || !result.Callback.Verified {
		err = errors.Join(err, fmt.Errorf("the walk did not succeed: run %s, callback %s, verified %v", result.Status, result.Callback.Status, result.Callback.Verified))
	}
	return err
}

// settings are the person's own, with the demo's store, backends, agent and webhook.
func (d *demo) settings(cfg *config.Config, storeURL string) *config.Config {
	d.secret = "whsec_" + rand.Text()
	mine := *cfg
	mine.Store.URL, mine.Server.Listen, mine.Server.Keys, mine.Server.TLS = config.Secret(storeURL), "127.0.0.1:0", nil, nil
	mine.Auth = config.Auth{}           // it calls itself without a credential
	mine.Tools = config.Default().Tools // no mail is sent and no vendor asked for a demo
	mine.Approvals.Notify.Slack = nil   // which would go out by one
	agent := config.DefaultAgent()
	agent.Instructions = demoInstructions
	agent.Tools = []string{"crm_*", "email_*", "payment_get_*"}
	agent.Effects = []string{"read", "write", "message"} // it thanks by mail
	mine.Agents = map[string]config.Agent{"billing": agent}
	hook := config.DefaultWebhook()
	hook.Scheme, hook.Agent, hook.Prompt = "stripe", "billing", demoPrompt
	hook.When = `event.type == "payment_intent.succeeded"`
	hook.Secrets = []config.WebhookSecret{{Secret: config.Secret(d.secret)}}
	back := config.DefaultCallback()
	back.URL, back.Secret = d.receiver.url, config.Secret(d.receiver.secret)
	hook.Callback = &back
	mine.Webhooks = map[string]config.Webhook{"stripe": hook}
	return &mine
}

const demoInstructions = `You look after customers once a payment has come in. Look up the payment and the customer, log the ` +
	`interaction, thank the customer by mail in a sentence or two, and leave a follow-up task for a person. Say at the end what you did.`

const demoPrompt = `Payment {{ .event.data.object.id }} of customer {{ .event.data.object.customer }} succeeded ` +
	`({{ .event.data.object.amount }} {{ .event.data.object.currency }}, in minor units). Do what is due.`

func (d *demo) start(ctx context.Context, cfg *config.Config) error {
	a, err := newApp(ctx, cfg, appOptions{Log: d.logger(config.Log{Level: slog.LevelWarn.String()})})
	if err != nil {
		return err
	}
	d.app = a
	if err := a.backends.seed(ctx); err != nil {
		return errors.Join(err, a.Stop(ctx))
	}
	address, _, err := a.Listen(ctx, cfg.Server.Listen)
	if err != nil {
		return errors.Join(err, a.Stop(ctx))
	}
	a.Work(ctx)
	d.base = "http://" + address.String()
	return nil
}

// linger keeps serving and says how to connect.
func (d *demo) linger(ctx context.Context) error {
	out := &lines{w: d.story}
	out.printf(`
Still serving until you press Ctrl-C. Connect an MCP client to %[1]s/mcp (or %[1]s/sse), or look around:
  go run ./cmd/drawbridge tools
  curl %[1]s/readyz`, d.base)
	<-ctx.Done()
	return out.err
}
