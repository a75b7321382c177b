package config

import (
	"maps"
	"slices"
	"strings"
	"time"
)

func (k *checker) checkAgents() {
	for _, name := range slices.Sorted(maps.Keys(k.Agents)) {
		path, agent := child("agents", name), k.Agents[name]
		k.checkName(path, name)
		k.checkPatterns(path+".tools", agent.Tools)
		k.checkEffectList(path+".effects", agent.Effects)
		k.checkPatterns(path+".always", agent.Always)
		k.checkModelsOf(path, agent)
		k.checkMode(path, agent)
		k.checkBudget(path, "budget", agent, agent.Budget, 1)
		between(k, path+".budget.wall", agent.Budget.Wall, Duration(time.Second), Duration(7*day))
		k.checkBudget(path, "daily", agent, agent.Daily, 0)
		if output := agent.Output; len(output) > 0 && output[0] != '{' {
			k.refuse(path+".output", "want a JSON Schema, a mapping such as {type: object, properties: {...}}")
		}
	}
}

// checkModelsOf checks whom an agent asks, and in which order.
func (k *checker) checkModelsOf(path string, agent Agent) {
	if k.source.has(path + ".model") {
		k.checkModelName(path+".model", agent.Model)
	}
	models := k.ModelsOf(agent)
	for i, name := range agent.Fallback {
		at := item(path+".fallback", i)
		k.checkModelName(at, name)
		switch first := slices.Index(models, name); {
		case first == 0:
			k.refuse(at, "%s is the model that it should stand in for", k.show(at, name))
		case first <= i:
			k.refuse(at, "%s is there twice", k.show(at, name))
		}
	}
}

// checkModelName checks the name of a model to ask. What models does not have is
// asked for at model.base_url, where only the endpoint knows what there is.
func (k *checker) checkModelName(path, name string) {
	if name == "" {
		k.refuse(path, "the name is empty")
		return
	}
	if _, known := k.Models[name]; known || name == k.Model.Name {
		return
	}
	if nearest := suggestion(name, slices.Sorted(maps.Keys(k.Models))); strings.HasPrefix(nearest, "did you mean") {
		k.warn(path, "%s is not among models, so model.base_url is asked for it; %s", k.show(path, name), nearest)
	}
}

// checkBudget checks a budget of the agent in the section, whose counts are least or
// more.
func (k *checker) checkBudget(section, budget string, agent Agent, b Budget, least int) {
	path := child(section, budget)
	k.atLeast(path+".turns", b.Turns, least)
	k.atLeast(path+".calls", b.Calls, least)
	k.atLeast(path+".tokens", b.Tokens, least)
	if b.Cost != (Money{}) {
		k.checkCost(section, path+".cost", agent, b.Cost)
	}
}

// namedAt is the path of the setting that names the i-th model of an agent.
func namedAt(section string, agent Agent, i int) string {
	switch {
	case i > 0:
		return item(section+".fallback", i-1)
	case agent.Model != "":
		return section + ".model"
	}
	return "model.name"
}

// maxCost bounds a budget of money, in the currency's smallest unit.
const maxCost = 1_000_000_000

// checkCost checks a budget of money: it counts only where every answer has a price.
func (k *checker) checkCost(section, path string, agent Agent, cost Money) {
	switch {
	case cost.Currency != k.Model.Currency:
		k.refuse(path, "%s is not in the currency of model.currency, %s", k.show(path, cost.String()), k.show("model.currency", k.Model.Currency))
		return
	case cost.AmountMinor <= 0 || cost.AmountMinor > maxCost:
		k.refuse(path, "%s is out of range; want more than nothing and at most %s; without the key there is no bound",
			k.show(path, cost.String()), Money{maxCost, cost.Currency})
	}
	for i, name := range k.ModelsOf(agent) {
		if _, priced := k.Model.Prices[name]; !priced {
			k.refuse(path, "what model %s costs is not known; add it to model.prices", k.show(namedAt(section, agent, i), name))
		}
	}
}
