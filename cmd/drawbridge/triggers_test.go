package main

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
)

// TestRunActsForItsTrigger: who it is, and what the settings bound it by.
func TestRunActsForItsTrigger(t *testing.T) {
	known := triggersOf(&config.Config{
		Server:    config.Server{Keys: []config.Key{{Name: "desk", Tools: []string{"crm_*"}}, {Name: "trial", Tools: []string{"*"}, DryRun: true}}},
		Auth:      config.Auth{Certificates: []config.Certificate{{Name: "erp", Tools: []string{"crm_*"}, Effects: []string{"read"}}}},
		Webhooks:  map[string]config.Webhook{"stripe": {Tools: []string{"payment_*"}, Effects: []string{"read"}}, "shop": {}, "trial": {DryRun: true}},
		Schedules: map[string]config.Schedule{"nightly": {Effects: []string{"read", "message"}}, "trial": {DryRun: true}},
	}, nil)
	for _, c := range []struct {
		run     dispatch.Run
		trigger string
		want    auth.Bounds
	}{
		{dispatch.Run{Source: "stripe", Event: "evt_1"}, "webhook:stripe", auth.Bounds{Tools: []string{"payment_*"}, Effects: []string{"read"}}},
		{dispatch.Run{Source: "shop", Event: "evt_2"}, "webhook:shop", auth.Bounds{}},
		{dispatch.Run{Source: "schedule/nightly"}, "schedule:nightly", auth.Bounds{Effects: []string{"read", "message"}}},
		{dispatch.Run{Source: "api", Owner: "key:desk"}, "key:desk", auth.Bounds{Tools: []string{"crm_*"}, Effects: []string{"read", "write"}}},
		{dispatch.Run{Source: "api", Owner: "cert:erp"}, "cert:erp", auth.Bounds{Tools: []string{"crm_*"}, Effects: []string{"read"}}},
		{dispatch.Run{Source: "chat", Owner: "local:http"}, "local:http", auth.Bounds{}},
		{dispatch.Run{Source: "api", Owner: "key:trial"}, "key:trial", auth.Bounds{Tools: []string{"*"}, Effects: []string{"read", "write"}, DryRun: true}},
		{dispatch.Run{Source: "trial", Event: "evt_3"}, "webhook:trial", auth.Bounds{DryRun: true}},
		{dispatch.Run{Source: "schedule/trial"}, "schedule:trial", auth.Bounds{DryRun: true}},
		{dispatch.Run{Source: "cli"}, "local:cli", auth.Bounds{}},
	} {
		trigger := triggerOf(c.run)
		got, err := known.bounds(trigger)
		if diff := cmp.Diff(c.want, got); trigger != c.trigger || err != nil || diff != "" {
			t.Errorf("%+v acts for %q (%v), want %q (-want +got):\n%s", c.run, trigger, err, c.trigger, diff)
		}
	}
	for _, gone := range []dispatch.Run{{Source: "old"}, {Source: "schedule/old"}, {Source: "api", Owner: "key:old"}, {Source: "api", Owner: "cert:old"}} {
		if _, err := known.bounds(triggerOf(gone)); !errors.Is(err, dispatch.ErrUnconfigured) {
			t.Errorf("%+v: %v, want %v", gone, err, dispatch.ErrUnconfigured)
		}
	}
}
