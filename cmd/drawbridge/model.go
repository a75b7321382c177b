package main

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/rehearsal"
	"drawbridge/config"
	"drawbridge/server/egress"
)

// rehearsalScript is what the scripted model plays when no real one is configured.
//
//go:embed rehearsal.yaml
var rehearsalScript []byte

// modelChoice says who speaks in this process, for which agent.
type modelChoice struct {
	models *openai.Models
	cfg    *config.Config
	// rehearsed are the agents for which a script speaks, not a model, in the order
	// of their names. Whatever is shown must say so.
	rehearsed []string
	stop      func(ctx context.Context) error // nil if there is nothing to stop
}

// chooseModel takes the configured models. An agent none of whose models could
// answer, because they are OpenAI's and there is no key, has the rehearsal model
// speak for it, over the same HTTP as a real one. rehearse has it speak for all.
func chooseModel(ctx context.Context, cfg *config.Config, rules *egress.Rules, log *slog.Logger, rehearse bool) (modelChoice, error) {
	choice := modelChoice{cfg: cfg, rehearsed: rehearsedIn(cfg, rehearse)}
	settings := modelSettings(cfg)
	if len(choice.rehearsed) > 0 {
		address, stop, err := rehearseModel(ctx)
		if err != nil {
			return modelChoice{}, err
		}
		choice.stop = stop
		if len(choice.rehearsed) == len(cfg.Agents) {
			settings = nil
		}
		settings = append(settings, rehearsalSetting(address))
	}
	choice.models = newModels(cfg, settings, rules, log)
	return choice, nil
}

// rehearsedIn are the agents none of whose models could answer; all, if everybody is to
// be rehearsed.
func rehearsedIn(cfg *config.Config, all bool) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Agents)) {
		if all || !slices.ContainsFunc(cfg.ModelsOf(cfg.Agents[name]), func(model string) bool { return canAnswer(cfg.EndpointOf(model)) }) {
			names = append(names, name)
		}
	}
	return names
}

func newModels(cfg *config.Config, settings []openai.ModelSettings, rules *egress.Rules, log *slog.Logger) *openai.Models {
	return openai.NewModels(settings, openai.ModelsOptions{Currency: cfg.Model.Currency, Prices: pricesOf(cfg.Model),
		Patience: cmp.Or(time.Duration(cfg.Model.Patience), -1), Attempts: cfg.Model.Attempts, HTTPClient: modelClient(rules, settings), Log: log})
}

// rehearsalSetting is that of the scripted model, where it listens.
func rehearsalSetting(address string) openai.ModelSettings {
	return openai.ModelSettings{Name: config.RehearsalModel, Model: rehearsal.ModelName, BaseURL: "http://" + address + "/v1"}
}

// canAnswer reports whether a model there could: OpenAI's own answer nobody without
// a key.
func canAnswer(e config.Endpoint) bool {
	return e.APIKey != "" || e.BaseURL != config.DefaultEndpoint().BaseURL
}

// modelSettings are those of all configured models, the default one first.
func modelSettings(cfg *config.Config) []openai.ModelSettings {
	settings := []openai.ModelSettings{modelSetting(cfg.Model.Name, cfg.EndpointOf(""))}
	for _, name := range slices.Sorted(maps.Keys(cfg.Models)) {
		settings = append(settings, modelSetting(name, cfg.EndpointOf(name)))
	}
	return settings
}

func modelSetting(name string, e config.Endpoint) openai.ModelSettings {
	return openai.ModelSettings{Name: name, Model: e.Name, BaseURL: e.BaseURL, APIKey: e.APIKey.Reveal(), API: openai.API(e.API),
		Timeout: time.Duration(e.Timeout), RequestsPerMinute: e.RequestsPerMinute, TokensPerMinute: e.TokensPerMinute}
}

func pricesOf(m config.Model) map[string]openai.Prices {
	prices := map[string]openai.Prices{}
	for name, p := range m.Prices {
		prices[name] = openai.Prices{Input: int64(p.Input), Cached: int64(p.CachedOrInput()), Output: int64(p.Output), Reasoning: int64(p.ReasoningOrOutput())}
	}
	return prices
}

// rehearseModel serves the scripted model on a port of this machine.
func rehearseModel(ctx context.Context) (address string, stop func(context.Context) error, err error) {
	script, err := rehearsal.Load(rehearsalScript)
	if err != nil {
		return "", nil, fmt.Errorf("loading the rehearsal script: %w", err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("starting the rehearsal model: %w", err)
	}
	serving := &http.Server{Handler: rehearsal.NewServer(script, rehearsal.Options{}), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = serving.Serve(listener) }()
	return listener.Addr().String(), func(context.Context) error { return serving.Close() }, nil
}

// speaksFor gives the models that an agent asks, in their order.
func (m modelChoice) speaksFor(agent string) []string {
	if slices.Contains(m.rehearsed, agent) {
		return []string{config.RehearsalModel}
	}
	return m.cfg.ModelsOf(m.cfg.Agents[agent])
}

// apiOf is the API by which the first of an agent's models is asked.
func (m modelChoice) apiOf(agent string) openai.API {
	if slices.Contains(m.rehearsed, agent) {
		return openai.Chat
	}
	return openai.API(m.cfg.EndpointOf(m.speaksFor(agent)[0]).API)
}

// refusesFiles reports whether one of an agent's models is said to take no files. Where
// nothing is said, those of a caller go out: whether they are taken shows by itself.
func (m modelChoice) refusesFiles(agent string) bool {
	return slices.ContainsFunc(m.speaksFor(agent), func(name string) bool { return m.cfg.EndpointOf(name).RefusesFiles() })
}

// notice says plainly who speaks, where it would not be clear.
func (m modelChoice) notice() string {
	switch {
	case len(m.rehearsed) == 0:
		return ""
	case len(m.rehearsed) < len(m.cfg.Agents):
		return "no model that could answer is configured for " + strings.Join(m.rehearsed, ", ") + ": a scripted rehearsal model is speaking for them. Set OPENAI_API_KEY, or give their models a key"
	}
	return "no model is configured: a scripted rehearsal model is speaking. Set OPENAI_API_KEY, or model in drawbridge.yaml, for a real one"
}
