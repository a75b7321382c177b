package config

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

func (c *Config) explainModel(w io.Writer) {
	m := c.Model
	api := ""
	if m.API == APIResponses {
		api = " (Responses API)"
	}
	fmt.Fprintf(w, "Asks model %s at %s%s, %s, up to %d times, and waits %s for a sign of life. It takes %s.\n",
		m.Name, publicPart(m.BaseURL), api, c.explainKey("model.api_key", m.APIKey), m.Attempts, m.Timeout, m.Endpoint().takes())
}

// takes are the kinds of content that the model can be sent.
func (e Endpoint) takes() string {
	kinds := "text"
	if e.Images {
		kinds += ", images"
	}
	if e.TakesFiles() {
		kinds += ", files"
	}
	return kinds
}

func (c *Config) explainKey(path string, key Secret) string {
	switch {
	case key == "":
		return "without an API key"
	case c.source.has(path):
		return "with the API key of " + path
	}
	return "with the API key of " + OpenAIKeyVariable
}

func (c *Config) explainModels(w io.Writer) {
	if len(c.Models) == 0 {
		return
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(c.Models)) {
		e, path := c.EndpointOf(name), child("models", name)
		rows = append(rows, []string{name, e.Name, c.publicPartAt(path+".base_url", e.BaseURL), e.API, c.explainKey(path+".api_key", e.APIKey), fmt.Sprint(e.Window), e.takes()})
	}
	table(w, "Models", []string{"name", "is", "at", "api", "key", "window", "takes"}, rows)
}

func (c *Config) explainPrices(w io.Writer) {
	if len(c.Model.Prices) == 0 {
		return
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(c.Model.Prices)) {
		p := c.Model.Prices[name]
		rows = append(rows, []string{name, p.Input.String(), p.CachedOrInput().String(), p.Output.String(), p.ReasoningOrOutput().String()})
	}
	table(w, "Prices, "+c.Model.Currency+" for a million tokens", []string{"model", "input", "cached", "output", "reasoning"}, rows)
}

func (c *Config) explainChat(w io.Writer) {
	onGone := "goes on"
	if c.Chat.OnDisconnect == OnDisconnectCancel {
		onGone = "is cancelled"
	}
	shown := "are not shown"
	if c.Chat.Activity {
		shown = "are shown as reasoning"
	}
	fmt.Fprintf(w, "\nA chat stream is silent for %s at most; tool calls %s. A run whose client has gone %s; one that waits for its client's own tools does so for %s.\n",
		c.Chat.KeepAlive, shown, onGone, c.Chat.ClientWait)
}

func (c *Config) explainAgents(w io.Writer) {
	if len(c.Agents) == 0 {
		fmt.Fprintln(w, "\nThere are no agents.")
		return
	}
	daily := false
	for _, agent := range c.Agents {
		daily = daily || agent.Daily != Budget{}
	}
	heads := []string{"name", "may call", "with effects", "model", "answers", "each run at most"}
	if daily {
		heads = append(heads, "all runs of a day at most")
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(c.Agents)) {
		agent := c.Agents[name]
		may := strings.Join(agent.Tools, " ")
		if may == "" {
			may = "no tool"
		}
		effects := effectWords(agent.Effects)
		if len(agent.Tools) == 0 {
			effects = "none"
		}
		answers := "text"
		if len(agent.Output) > 0 {
			answers = "JSON"
		}
		budget := agent.Budget
		if agent.InBatches() {
			budget = agent.batchBudget()
		}
		row := []string{name, may, effects, strings.Join(c.ModelsOf(agent), ", else "), answers, budget.words()}
		if daily {
			row = append(row, agent.Daily.words())
		}
		rows = append(rows, row)
	}
	table(w, "Agents", heads, rows)
	c.explainBatches(w)
}

// words are the bounds there are.
func (b Budget) words() string {
	var parts []string
	for _, count := range []struct {
		n    int
		what string
	}{{b.Turns, "turns"}, {b.Calls, "calls"}, {b.Tokens, "tokens"}} {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	if b.Wall > 0 {
		parts = append(parts, b.Wall.String())
	}
	if b.Cost.AmountMinor > 0 {
		parts = append(parts, b.Cost.String())
	}
	if len(parts) == 0 {
		return "no bound"
	}
	return strings.Join(parts, ", ")
}
