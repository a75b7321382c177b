package dispatch

import (
	"context"
	"log/slog"
	"time"

	"drawbridge/server/callback"
)

func (d *Dispatcher) claimCallbacks(ctx context.Context, limit int) ([]work, error) {
	owed, err := d.store.ClaimCallbacks(ctx, limit, LeaseFor+callbackTime)
	all := make([]work, len(owed))
	for i, c := range owed {
		all[i] = work{c.ID, func(ctx context.Context) { d.deliver(ctx, c) }}
	}
	return all, err
}

// callbackTime is what one attempt may take in all.
const callbackTime = 30 * time.Second

// deliver makes one attempt at a callback.
func (d *Dispatcher) deliver(ctx context.Context, c Callback) {
	ctx, cancel := context.WithTimeout(ctx, callbackTime)
	defer cancel()
	log := d.o.Log.With("run", c.Run, "callback", c.ID)
	target, ok := d.settings.Targets[c.Route]
	if !ok {
		d.postpone(ctx, log, CallbackJob, c.ID, "callback waits: its webhook has no callback configured now")
		return
	}
	attempt := d.attempt(ctx, c, target)
	if err := d.store.Attempted(context.WithoutCancel(ctx), c.ID, attempt); err != nil {
		log.Error("noting an attempt", "err", err) // it is sent again: receivers tell by webhook-id
		return
	}
	logAttempt(log, attempt)
}

// attempt sends the message once and decides what comes next.
func (d *Dispatcher) attempt(ctx context.Context, c Callback, target Target) Attempt {
	result := d.sender.Send(ctx, callback.Attempt{ID: c.ID, URL: target.URL, Origin: callback.Configured, Secret: target.Secret, Body: c.Body})
	a := Attempt{At: d.o.Now(), State: Delivered, Status: result.Status, Reason: result.Reason}
	if result.Verdict == callback.Delivered {
		return a
	}
	a.State = Undelivered
	if pause, more := target.Schedule.Next(c.Attempts+1, d.o.Random); more && result.Verdict == callback.Retry {
		a.State, a.Next = Pending, a.At.Add(result.Wait(pause))
	}
	return a
}

func logAttempt(log *slog.Logger, a Attempt) {
	switch a.State {
	case Delivered:
		log.Info("callback delivered", "status", a.Status)
	case Pending:
		log.Warn("callback not delivered, will retry", "status", a.Status, "reason", a.Reason, "next", a.Next)
	default:
		log.Error("callback given up", "status", a.Status, "reason", a.Reason)
	}
}
