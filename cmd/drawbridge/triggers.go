package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
)

// triggers know what those may do for whom runs act, by their names as in
// [auth.Principal].For.
type triggers struct {
	configured map[string]auth.Bounds
	keys       *auth.Keys // of the store; nil where nobody looks there
}

func triggersOf(cfg *config.Config, keys *auth.Keys) triggers {
	t := map[string]auth.Bounds{localTriggers: {Effects: cfg.Server.Local}}
	for _, key := range cfg.Server.Keys {
		t[triggerName(auth.Key, key.Name)] = auth.BoundsOf(auth.Principal{Tools: key.Tools, Effects: key.Effects, DryRun: key.DryRun})
	}
	for _, c := range cfg.Auth.Certificates {
		t[triggerName(auth.Certificate, c.Name)] = auth.BoundsOf(auth.Principal{Tools: c.Tools, Effects: c.Effects, DryRun: c.DryRun})
	}
	for name, hook := range cfg.Webhooks {
		t[triggerName(auth.Webhook, name)] = auth.Bounds{Tools: hook.Tools, Effects: hook.Effects, DryRun: hook.DryRun}
	}
	for name, s := range cfg.Schedules {
		t[triggerName(auth.Schedule, name)] = auth.Bounds{Tools: s.Tools, Effects: s.Effects, DryRun: s.DryRun}
	}
	return triggers{t, keys}
}

// localTriggers stands for everybody at this machine, who comes without a key.
const localTriggers = "local:*"

func triggerName(kind auth.Kind, name string) string {
	return auth.Principal{Kind: kind, Name: name}.String()
}

// triggerOf is whom a run acts for: the caller who started it, or else what did.
func triggerOf(run dispatch.Run) string {
	schedule, scheduled := strings.CutPrefix(run.Source, dispatch.FromSchedule)
	switch {
	case run.Owner != "":
		return run.Owner
	case scheduled:
		return triggerName(auth.Schedule, schedule)
	case run.Source == dispatch.FromTerminal, run.Source == dispatch.FromAPI, run.Source == dispatch.FromChat:
		return triggerName(auth.Local, run.Source)
	}
	return triggerName(auth.Webhook, run.Source)
}

// of are the bounds of a run. What a token said is noted with its run.
func (t triggers) of(run dispatch.Run, trigger string) (within auth.Bounds, err error) {
	if run.Bounds == "" || !strings.HasPrefix(trigger, triggerName(auth.JWT, "")) {
		return t.bounds(trigger)
	}
	if err = json.Unmarshal([]byte(run.Bounds), &within); err != nil {
		err = fmt.Errorf("what %s allowed run %s: %w", trigger, run.ID, err)
	}
	return within, err
}

// bounds are what a run may do for its trigger besides what its agent may. Whoever is configured no more is not taken for somebody
// without bounds: the run waits.
func (t triggers) bounds(trigger string) (auth.Bounds, error) {
	switch kind, name, _ := strings.Cut(trigger, ":"); {
	case auth.Kind(kind) == auth.Local:
		return t.configured[localTriggers], nil
	case auth.Kind(kind) == auth.Schedule && strings.HasPrefix(name, dispatch.FollowUpPrefix):
		return auth.Bounds{}, nil
	}
	within, known := t.configured[trigger]
	if name, ok := strings.CutPrefix(trigger, triggerName(auth.Key, "")); ok && !known && t.keys != nil {
		within, err := t.keys.Bounds(name)
		if err != nil {
			err = fmt.Errorf("%w: %s, for whom the run acts: %w", dispatch.ErrUnconfigured, trigger, err)
		}
		return within, err
	}
	if !known {
		return within, fmt.Errorf("%w: %s, for whom the run acts, is not configured now", dispatch.ErrUnconfigured, trigger)
	}
	return within, nil
}
