package main

import (
	"encoding/json"
	"errors"
	"time"

	"drawbridge/config"
	"drawbridge/server/dispatch"
)

var priorities = map[string]dispatch.Priority{
	config.PriorityHigh: dispatch.High, config.PriorityNormal: dispatch.Normal, config.PriorityLow: dispatch.Low,
}

// workOf is what is to be done about a webhook's events, with the mistakes in it.
func workOf(cfg *config.Config, name string) (*dispatch.Source, config.Problems) {
	hook := cfg.Webhooks[name]
	source := &dispatch.Source{Name: name, All: hook.Match == config.MatchAll, Validate: dispatch.Validation(hook.Validate), AtOnce: hook.Concurrency}
	var problems config.Problems
	if len(hook.Schema) > 0 {
		var err error
		source.Schema, err = dispatch.CompileSchema(json.RawMessage(hook.Schema))
		problems = append(problems, schemaProblems(cfg, "webhooks."+name+".schema", err)...)
	}
	for _, r := range cfg.RoutesOf(name) {
		route := routeOf(name, r)
		problems = append(problems, routeProblems(cfg, r.Path, route.Compile())...)
		source.Routes = append(source.Routes, route)
	}
	return source, problems
}

func routeOf(source string, r config.PlacedRoute) *dispatch.Route {
	route := &dispatch.Route{Source: source, Name: r.Name, Agent: r.Agent, When: r.When, OrderBy: r.OrderBy, Prompt: r.Prompt,
		Delay: time.Duration(r.Delay), Debounce: time.Duration(r.Debounce), Priority: priorities[r.Priority], AtOnce: r.Concurrency}
	if r.Budget != (config.Budget{}) {
		route.Budget = budgetOf(r.Budget)
	}
	if r.Callback != nil {
		route.Target = r.Target
	}
	return route
}

// routeProblems gives each mistake in a route its place in the file.
func routeProblems(cfg *config.Config, path string, err error) config.Problems {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var problems config.Problems
		for _, one := range joined.Unwrap() {
			problems = append(problems, routeProblems(cfg, path, one)...)
		}
		return problems
	}
	var mistake *dispatch.SettingError
	if errors.As(err, &mistake) {
		return config.Problems{cfg.ProblemAt(path+"."+mistake.Field, mistake.Line, mistake.Column, "%s", mistake.Message)}
	}
	return config.Problems{cfg.Problem(path, "%v", err)}
}
