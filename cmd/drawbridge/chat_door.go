package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/chatapi"
	"drawbridge/server/runapi"
)

// wireChat makes the handlers below /v1: conversations with agents, and runs.
func (a *app) wireChat(ctx context.Context, _ appOptions) error {
	settings, hosts := a.cfg.Chat, publicHosts(a.cfg.Server.PublicURL)
	var agents []chatapi.Agent
	for _, name := range slices.Sorted(maps.Keys(a.cfg.Agents)) {
		agent := agentOf(name, a.cfg.Agents[name], a.model)
		agents = append(agents, chatapi.Agent{Name: name, Created: a.started, Output: len(agent.Output) > 0, Blind: !agent.Images, NoFiles: a.model.refusesFiles(name), Later: a.cfg.Agents[name].InBatches(), API: a.model.apiOf(name)})
	}
	// One set of limits: what a key may ask for counts at both doors together.
	keyless := auth.Limit{PerMinute: settings.RequestsPerMinute, Concurrent: settings.Concurrent}
	a.limits = auth.NewLimits(keyless, nil)
	if !a.store.Alone() {
		a.limits = auth.NewSharedLimits(keyless, nil, a.store)
	}
	chat := chatapi.New(a.worker, agents, chatapi.Options{Limits: a.limits, Hosts: hosts, Activity: settings.Activity,
		KeepAlive: time.Duration(settings.KeepAlive), CancelWhenGone: settings.OnDisconnect == config.OnDisconnectCancel,
		BodyLimit: int64(a.cfg.Server.MaxBody), Log: a.log})
	o := runapi.Options{Limits: a.limits, Hosts: hosts, BodyLimit: int64(a.cfg.Server.MaxBody), KeepAlive: time.Duration(settings.KeepAlive), Log: a.log}
	if len(a.cfg.Callbacks.Secrets) > 0 {
		o.CheckCallback = a.sender.CheckRequested
	}
	runs := runapi.New(a.store, a.worker, o)
	doors := http.NewServeMux()
	doors.Handle("/v1/", chat)
	doors.Handle("/v1/runs", runs)
	doors.Handle("/v1/runs/", runs)
	approvals, err := a.wireApprovals(ctx)
	if err != nil {
		return err
	}
	doors.Handle("/v1/approvals", approvals)
	doors.Handle("/v1/approvals/", approvals)
	a.chat, a.below = doors, slices.Concat(chat.Routes(), runs.Routes(), approvals.Routes())
	return nil
}
