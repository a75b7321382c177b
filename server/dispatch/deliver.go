package dispatch

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"drawbridge/server/callback"
)

// callbackPool carries callbacks: of each endpoint so many at once, so that one that
// hangs does not take the others' slots.
func (d *Dispatcher) callbackPool() *pool {
	limits := d.endpointLimits()
	p := d.pool(CallbackJob, d.o.Callbacks, func(ctx context.Context, limit int) ([]work, error) {
		owed, err := d.store.ClaimCallbacks(ctx, limit, LeaseFor+callbackTime, limits)
		all := make([]work, len(owed))
		for i, c := range owed {
			all[i] = work{ref: c.ID, do: func(h *hold) { d.deliver(h.ctx, c) }}
		}
		return all, err
	})
	p.next = func(ctx context.Context) (time.Time, bool, error) { return d.store.NextCallback(ctx, limits) }
	return p
}

// endpointLimits are those of the settings.
func (d *Dispatcher) endpointLimits() EndpointLimits {
	limits := EndpointLimits{AtOnce: cmp.Or(d.settings.Callbacks.AtOnce, 4), Of: map[string]EndpointLimit{}}
	for name, target := range d.settings.Targets {
		limits.Of[name] = target.EndpointLimit
	}
	return limits
}

// callbackTime is what one attempt may take in all.
const callbackTime = 30 * time.Second

// deliver makes one attempt at a callback.
func (d *Dispatcher) deliver(ctx context.Context, c Callback) {
	ctx, cancel := context.WithTimeout(ctx, callbackTime)
	defer cancel()
	log := d.o.Log.With("run", c.Run, "callback", c.ID, "endpoint", publicName(c))
	attempt, schedule, why := d.prepare(c)
	if why != "" {
		d.postpone(ctx, log, CallbackJob, c.ID, why)
		return
	}
	made := d.attempt(ctx, c, attempt, schedule)
	turn, err := d.store.Attempted(context.WithoutCancel(ctx), c.ID, made, d.settings.Callbacks.Patience)
	if err != nil {
		log.Error("noting an attempt", "err", err) // it is sent again: receivers tell by webhook-id
		return
	}
	logAttempt(log, c, made)
	logTurn(log, turn)
}

// prepare looks up where a callback goes and what signs it, as the settings are now.
// why says what they lack. An address that a request named is never trusted, however
// it came to be in the store (SSRF-07).
func (d *Dispatcher) prepare(c Callback) (a callback.Attempt, schedule callback.Schedule, why string) {
	a = callback.Attempt{ID: c.ID, URL: c.URL, Origin: callback.Requested, Body: c.Body, Obey: d.settings.Callbacks.Obey}
	signing := d.signing.Load()
	a.Secrets, schedule = signing.requested, d.settings.Callbacks.Schedule
	if c.URL == "" {
		target, ok := d.settings.Targets[c.Route]
		if !ok {
			return a, nil, "callback waits: its route has no callback configured now"
		}
		a.URL, a.Origin, a.Secrets, schedule = target.URL, callback.Configured, signing.targets[c.Route], target.Schedule
	}
	if !callback.Live(a.Secrets, d.o.Now()) {
		return a, nil, "callback waits: there is no secret to sign it with now"
	}
	return a, schedule, ""
}

// attempt sends the message once and decides what comes next.
func (d *Dispatcher) attempt(ctx context.Context, c Callback, out callback.Attempt, schedule callback.Schedule) Attempt {
	result := d.sender.Send(ctx, out)
	a := Attempt{At: d.o.Now(), State: Delivered, Status: result.Status, Reason: result.Reason, Latency: result.Latency, Remote: result.RemoteAddr, Excerpt: result.Excerpt}
	switch {
	case result.Verdict == callback.Gone:
		a.Disable = "it answered 410 Gone"
	case result.Wish == callback.Disable:
		a.Disable = "it answered webhook-delivery: disable"
	}
	if result.Verdict == callback.Delivered {
		return a
	}
	a.State = Undelivered
	switch pause, more := schedule.Next(c.Attempts-c.Manual+1, d.o.Random); {
	case result.Wish == callback.AbortMessage:
		a.Reason += "; webhook-delivery: abort-message"
	case a.Disable != "":
		a.State, a.Next = Pending, a.At // it is held, and goes on when the endpoint is enabled
	case more:
		a.State, a.Next = Pending, a.At.Add(result.Wait(pause))
	}
	return a
}

// publicName is an endpoint as logs have it: an address without what may be a token.
func publicName(c Callback) string {
	if c.URL != "" {
		return callback.PublicPart(c.URL)
	}
	return c.Route
}

func logAttempt(log *slog.Logger, c Callback, a Attempt) {
	switch {
	case a.State == Delivered:
		log.Info("callback delivered", "status", a.Status)
	case c.Before != "":
		log.Warn("callback not delivered on request", "status", a.Status, "reason", a.Reason)
	case a.Disable != "":
		log.Warn("callback not delivered", "status", a.Status, "reason", a.Reason)
	case a.State == Pending:
		log.Warn("callback not delivered, will retry", "status", a.Status, "reason", a.Reason, "next", a.Next)
	default:
		log.Error("callback given up", "status", a.Status, "reason", a.Reason)
	}
}

// logTurn tells the operator what became of an endpoint. These are the operational
// events that there are: `drawbridge callbacks endpoints` shows where it stands.
func logTurn(log *slog.Logger, t Turn) {
	switch {
	case t.Disabled:
		log.Error("endpoint disabled", "operation", "endpoint.disabled", "why", t.Why, "held", t.HeldNow, "then", "drawbridge callbacks enable")
	case t.HalfWay:
		log.Warn("endpoint does nothing but fail, and will be disabled if it goes on", "operation", "endpoint.failing", "since", t.FailingSince, "failures", t.Failures)
	}
}
