package main

import (
	"time"

	"drawbridge/config"
	"drawbridge/server/dispatch"
)

// schedulesOf makes the schedules of the settings, with the mistakes in them.
func schedulesOf(cfg *config.Config) (map[string]*dispatch.Schedule, config.Problems) {
	all, problems := map[string]*dispatch.Schedule{}, config.Problems(nil)
	for name, s := range cfg.Schedules {
		schedule := &dispatch.Schedule{Name: name, Cron: s.Cron, Every: time.Duration(s.Every), At: s.At, Zone: s.Zone, Agent: s.Agent, Prompt: s.Prompt,
			CatchUp: dispatch.CatchUp(s.CatchUp), Overlap: dispatch.Overlap(s.Overlap), Priority: priorities[s.Priority], Callback: s.Callback != nil, Paused: s.Paused}
		problems = append(problems, routeProblems(cfg, "schedules."+name, schedule.Compile())...)
		all[name] = schedule
	}
	return all, problems
}
