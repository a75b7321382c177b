package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
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
	cmd.Flags().StringVar(&storeURL, "store", "", "keep the state here, such as sqlite://./demo.db (default: a temporary file)")
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
	if storeURL == "" {
		folder, err := os.MkdirTemp("", "drawbridge-demo-")
		if err != nil {
			return fmt.Errorf("making a folder for the demo: %w", err)
		}
		defer func() { _ = os.RemoveAll(folder) }()
		storeURL = "sqlite://" + filepath.Join(folder, "drawbridge.db")
	}
	if d.receiver, err = newReceiver(ctx); err != nil {
		return err
	}
	defer d.receiver.close()
	if err := d.start(ctx, d.settings(cfg, storeURL)); err != nil {
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

// settings are the person's own, with the demo's store, agent and webhook.
func (d *demo) settings(cfg *config.Config, storeURL string) *config.Config {
	d.secret = "whsec_" + rand.Text()
	mine := *cfg
	mine.Store.URL, mine.Server.Listen, mine.Server.Keys = storeURL, "127.0.0.1:0", nil
	agent := config.DefaultAgent()
	agent.Instructions = demoInstructions
	agent.Tools = []string{"crm_*", "email_*", "payment_get_*"}
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
	a.Work(ctx)
	address, _, err := a.Listen(ctx, cfg.Server.Listen)
	if err != nil {
		return errors.Join(err, a.Stop(ctx))
	}
	d.base = "http://" + address.String()
	return nil
}

// walk sends the event and tells what happens until the callback has arrived.
func (d *demo) walk(ctx context.Context) (demoResult, error) {
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	out, p := &lines{w: d.story}, paintFor(d.story)
	out.printf("%s", p.bold("Drawbridge demo: a payment becomes finished work"))
	if notice := d.app.model.notice(); notice != "" {
		out.printf("%s", notice+".")
	} else {
		out.printf("model %s at %s", d.app.model.name, d.app.model.baseURL)
	}
	out.printf("\n%s  POST %s/webhooks/stripe, signed as Stripe signs", p.bold("1 event   "), d.base)
	event, err := d.sendEvent(ctx)
	if err != nil {
		return demoResult{}, err
	}
	out.printf("            answered 200 once event %s and its job were on disk", event)
	run, err := d.awaitRun(ctx, event)
	if err != nil {
		return demoResult{}, err
	}
	out.printf("\n%s  %s, by agent %s", p.bold("2 run     "), run, "billing")
	d.console.err = d.story
	end, err := d.follow(ctx, d.app.store, run, false)
	if err != nil {
		return demoResult{}, err
	}
	out.printf("            %s", oneLine(end.Answer, 300))
	return d.tell(ctx, out, p, event, end)
}

// tell waits for the callback and gathers what the walk came to.
func (d *demo) tell(ctx context.Context, out *lines, p paint, event string, end dispatch.Run) (demoResult, error) {
	result := demoResult{EventID: event, RunID: end.ID, Status: end.State, Turns: end.Usage.Turns, Answer: end.Answer, Model: d.app.model.name}
	got, err := d.receiver.await(ctx)
	if err != nil {
		return result, err
	}
	result.Callback.Verified = got.err == nil
	if result.Callback.Status, err = d.settledCallback(ctx, end.ID); err != nil {
		return result, err
	}
	verdict := p.good("signature verified")
	if got.err != nil {
		verdict = p.bad("signature refused: " + got.err.Error())
	}
	out.printf("\n%s  POST %s: %s, %s", p.bold("3 callback"), d.receiver.url, got.kind, verdict)
	entries, err := d.app.store.Entries(ctx, end.ID)
	if err != nil {
		return result, err
	}
	if result.Calls, err = dispatch.Calls(entries); err != nil {
		return result, err
	}
	if result.Effects, err = d.count(ctx, result.Calls); err != nil {
		return result, err
	}
	e := result.Effects
	out.printf("\n%s  in the CRM and the outbox by the run's own keys: interactions %d, mails %d, tasks %d",
		p.bold("4 effects "), e.Interactions, e.Emails, e.Tasks)
	return result, out.err
}

// sendEvent posts a payment event as Stripe would, and gives the id it was kept under.
func (d *demo) sendEvent(ctx context.Context) (string, error) {
	now := time.Now()
	body, err := json.Marshal(map[string]any{
		"id": "evt_demo_" + rand.Text()[:12], "object": "event", "type": "payment_intent.succeeded", "created": now.Unix(), "livemode": false,
		"data": map[string]any{"object": map[string]any{"id": "pi_demo_1001", "object": "payment_intent", "amount": 4900, "currency": "eur",
			"customer": "cus_demo_ada", "receipt_email": "ada@example.com", "status": "succeeded"}},
	})
	if err != nil {
		return "", err
	}
	headers, err := webhook.Sign("stripe", d.secret, webhook.Outgoing{At: now, Body: body}, webhook.SchemeOptions{})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base+"/webhooks/stripe", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header = headers
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("sending the event: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil || res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("sending the event: answered %s: %s %w", res.Status, answer, err)
	}
	var receipt struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer, &receipt); err != nil {
		return "", fmt.Errorf("reading the answer to the event: %w", err)
	}
	return receipt.ID, nil
}

// awaitRun gives the run that the event became.
func (d *demo) awaitRun(ctx context.Context, event string) (string, error) {
	var run string
	err := poll(ctx, func() (bool, error) {
		runs, err := d.app.store.Runs(ctx, event, 1)
		if err != nil || len(runs) == 0 {
			return false, err
		}
		run = runs[0].ID
		return true, nil
	})
	return run, err
}

// settledCallback gives the callback's state once the attempt that we saw arrive
// has been noted.
func (d *demo) settledCallback(ctx context.Context, run string) (dispatch.CallbackState, error) {
	var state dispatch.CallbackState
	err := poll(ctx, func() (bool, error) {
		callbacks, err := d.app.store.Callbacks(ctx, run)
		if err != nil || len(callbacks) == 0 || callbacks[0].Attempts == 0 {
			return false, err
		}
		state = callbacks[0].State
		return true, nil
	})
	return state, err
}

// poll asks until the answer is yes.
func poll(ctx context.Context, done func() (bool, error)) error {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// count looks in the tables, not in the journal: what is there, is there.
func (d *demo) count(ctx context.Context, calls []dispatch.CallReport) (effects, error) {
	keys := []string{}
	for _, call := range calls {
		keys = append(keys, call.IdempotencyKey)
	}
	raw, err := json.Marshal(keys)
	if err != nil {
		return effects{}, err
	}
	var e effects
	for table, n := range map[string]*int{"crm_interactions": &e.Interactions, "email_messages": &e.Emails, "crm_tasks": &e.Tasks} {
		query := `SELECT COUNT(*) FROM ` + table + ` WHERE idempotency_key IN (SELECT value FROM json_each(?))`
		if err := d.app.store.Read().QueryRowContext(ctx, query, string(raw)).Scan(n); err != nil {
			return effects{}, fmt.Errorf("counting %s: %w", table, err)
		}
	}
	return e, nil
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
