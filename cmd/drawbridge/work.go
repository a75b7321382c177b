package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/config"
	"drawbridge/server/callback"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
)

// workSettings turns the configuration into what the dispatcher works by. Mistakes
// in conditions and prompts are problems of the configuration, with their place.
func workSettings(cfg *config.Config, model modelChoice) (dispatch.Settings, error) {
	settings := dispatch.Settings{Callbacks: callbackRules(cfg), Agents: map[string]bridge.Agent{}, Sources: map[string]*dispatch.Source{}, Targets: map[string]dispatch.Target{}}
	var problems config.Problems
	settings.Batches, settings.OpenAI = map[string]dispatch.BatchSettings{}, map[string]dispatch.OpenAISource{}
	for name, agent := range cfg.Agents {
		settings.Agents[name] = agentOf(name, agent, model)
		if agent.InBatches() {
			settings.Batches[name] = batchOf(agent.Batch)
		}
		if len(agent.Output) > 0 {
			problems = append(problems, outputProblems(cfg, name, json.RawMessage(agent.Output))...)
		}
	}
	for name := range cfg.Webhooks {
		source, mistakes := workOf(cfg, name)
		settings.Sources[name] = source
		if hook := cfg.Webhooks[name]; hook.Scheme == webhook.OpenAI {
			settings.OpenAI[name] = dispatch.OpenAISource{Fetch: hook.Fetch}
		}
		problems = append(problems, mistakes...)
		for _, route := range cfg.RoutesOf(name) {
			if route.Callback != nil {
				settings.Targets[route.Target] = targetOf(*route.Callback)
			}
		}
	}
	var mistakes config.Problems
	settings.Schedules, mistakes = schedulesOf(cfg)
	problems = append(problems, mistakes...)
	for name, schedule := range cfg.Schedules {
		if schedule.Callback != nil {
			settings.Targets[settings.Schedules[name].Source()] = targetOf(*schedule.Callback)
		}
	}
	if len(problems) > 0 {
		slices.SortFunc(problems, func(a, b config.Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
		return dispatch.Settings{}, problems
	}
	return settings, nil
}

// agentOf makes an agent of its settings. It is given what the first of its models
// can take in; one that it falls back to says itself when a request is too long.
// Images and documents go out only if all of them take them: a request with one is an
// error elsewhere.
func agentOf(name string, agent config.Agent, model modelChoice) bridge.Agent {
	models := model.speaksFor(name)
	a := bridge.Agent{Name: name, Instructions: agent.Instructions, Model: models[0], Fallback: models[1:], Always: agent.Always,
		Budget: budgetOf(agent.Budget), Daily: budgetOf(agent.Daily), Output: json.RawMessage(agent.Output),
		Window: model.cfg.EndpointOf(models[0]).Window, Images: true, Files: true}
	for _, name := range models {
		e := model.cfg.EndpointOf(name)
		a.Images, a.Files = a.Images && e.Images, a.Files && e.TakesFiles()
	}
	return a
}

// mostBatchBytes is how long a batch's file may be: half of what OpenAI takes, since it is
// held in memory a few times over while it is sent.
const mostBatchBytes = openai.MostBatchBytes / 2

func batchOf(b config.Batch) dispatch.BatchSettings {
	return dispatch.BatchSettings{Limits: dispatch.BatchLimits{Questions: b.MaxEvents, Bytes: mostBatchBytes, Wait: time.Duration(b.MaxWait)},
		Poll: time.Duration(b.Poll), Discount: b.Discount}
}

func budgetOf(b config.Budget) bridge.Budget {
	budget := bridge.Budget{Turns: b.Turns, Calls: b.Calls, Tokens: b.Tokens, Wall: time.Duration(b.Wall), Cost: b.Cost.Micros()}
	if budget.Cost > 0 {
		budget.Currency = b.Cost.Currency
	}
	return budget
}

func targetOf(c config.Callback) dispatch.Target {
	return dispatch.Target{URL: c.URL, Secrets: signersOf(c.AllSecrets()), Schedule: scheduleOf(c.Schedule),
		EndpointLimit: dispatch.EndpointLimit{AtOnce: c.Concurrency, InOrder: c.FIFO}}
}

// callbackRules are what the settings say of all callbacks.
func callbackRules(cfg *config.Config) dispatch.CallbackRules {
	c := cfg.Callbacks
	return dispatch.CallbackRules{Secrets: signersOf(c.Secrets), Schedule: scheduleOf(c.Schedule), AtOnce: c.Concurrency,
		Patience: dispatch.Patience{For: time.Duration(c.DisableAfter), InARow: c.DisableAfterFailures}, Obey: c.ObeyReceivers, PublicURL: cfg.Server.PublicURL}
}

func signersOf(secrets []config.WebhookSecret) []callback.Secret {
	var signers []callback.Secret
	for _, s := range secrets {
		signers = append(signers, callback.Secret{Text: s.Secret.Reveal(), NotAfter: s.NotAfter})
	}
	return signers
}

func scheduleOf(pauses []config.Duration) callback.Schedule {
	if pauses == nil {
		return callback.DefaultSchedule()
	}
	var schedule callback.Schedule
	for _, pause := range pauses {
		schedule = append(schedule, time.Duration(pause))
	}
	return schedule
}

// mailLook is how often the mail that other nodes have scheduled is looked for: nobody
// tells of it.
const mailLook = 5 * time.Second

// releaseMail sends scheduled mail when it is due. It sleeps until the earliest,
// or until the outbox says that something changed; at most for longest, if that is set.
func (b *backends) releaseMail(ctx context.Context, longest time.Duration, log *slog.Logger) {
	for ctx.Err() == nil {
		if n, err := b.email.Release(ctx, time.Now()); err != nil && ctx.Err() == nil {
			log.Error("releasing scheduled mail", "err", err)
		} else if n > 0 {
			log.Info("released scheduled mail", "messages", n)
		}
		pause := time.Minute // after a fault of the store
		if at, ok, err := b.email.NextDue(ctx); err == nil && ok {
			pause = max(time.Until(at), time.Millisecond)
		} else if err == nil {
			pause = time.Hour
		}
		if longest > 0 {
			pause = min(pause, longest)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-b.email.Wake():
		case <-ctx.Done():
		}
		timer.Stop()
	}
}
