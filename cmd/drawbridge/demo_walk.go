package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
)

// walk sends the event and tells what happens until the callback has arrived.
func (d *demo) walk(ctx context.Context) (demoResult, error) {
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	out, p := &lines{w: d.story}, paintFor(d.story)
	out.printf("%s", p.bold("Drawbridge demo: a payment becomes finished work"))
	if notice := d.app.model.notice(); notice != "" {
		out.printf("%s", notice+".")
	} else {
		speaks := d.app.model.speaksFor("billing")[0]
		out.printf("model %s at %s", speaks, d.app.cfg.EndpointOf(speaks).BaseURL)
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
	end, err := follow(ctx, d.app.store, run, d.story)
	if err != nil {
		return demoResult{}, err
	}
	out.printf("            %s", oneLine(end.Answer, 300))
	return d.tell(ctx, out, p, event, end)
}

// tell waits for the callback and gathers what the walk came to.
func (d *demo) tell(ctx context.Context, out *lines, p paint, event string, end dispatch.Run) (demoResult, error) {
	result := demoResult{EventID: event, RunID: end.ID, Status: end.State, Turns: end.Usage.Turns, Answer: end.Answer, Model: d.app.model.speaksFor("billing")[0]}
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
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the answer to the event: %w", err)
	case res.StatusCode == http.StatusServiceUnavailable:
		return "", fmt.Errorf("sending the event: answered %s: %s (is the disk of the temporary folder nearly full? Another is named by TMPDIR)", res.Status, bytes.TrimSpace(answer))
	case res.StatusCode != http.StatusOK:
		return "", fmt.Errorf("sending the event: answered %s: %s", res.Status, bytes.TrimSpace(answer))
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
