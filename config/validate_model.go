package config

import (
	"maps"
	"regexp"
	"slices"
	"time"
)

const (
	// A request must have room for the bridge's own functions and some tools.
	minFunctions      = 8
	minFunctionTokens = 1000
	// minWindow is the smallest window, in tokens, in which a run gets anywhere.
	minWindow = 4096
)

func (k *checker) checkModel() {
	k.checkEndpoint("model", k.Model.Endpoint())
	if k.Model.Name == "" {
		k.refuse("model.name", "the name is empty")
	}
	k.atLeast("model.max_functions", k.Model.MaxFunctions, minFunctions)
	k.atLeast("model.function_tokens", k.Model.FunctionTokens, minFunctionTokens)
	between(k, "model.patience", k.Model.Patience, 0, Duration(5*time.Minute))
	k.within("model.attempts", k.Model.Attempts, 1, 10)
}

// checkEndpoint checks what any model has, in the section at path.
func (k *checker) checkEndpoint(path string, e Endpoint) {
	if u := k.checkBaseURL(path+".base_url", e.BaseURL); u != nil && unencrypted(u) && e.APIKey != "" {
		k.warn(path+".base_url", "the API key would be sent unencrypted; want https")
	}
	k.oneOf(path+".api", e.API, APIChat, APIResponses)
	between(k, path+".timeout", e.Timeout, Duration(time.Second), Duration(time.Hour))
	k.atLeast(path+".window", e.Window, minWindow)
	if e.Window >= minWindow && k.Model.FunctionTokens > e.Window/2 {
		k.warn(path+".window", "the definitions of functions may take %d of %d tokens, which leaves little for the work; lower model.function_tokens", k.Model.FunctionTokens, e.Window)
	}
	k.atLeast(path+".requests_per_minute", e.RequestsPerMinute, 0)
	k.atLeast(path+".tokens_per_minute", e.TokensPerMinute, 0)
}

// modelName is a name as vendors give them: "gpt-5.1", "meta-llama/Llama-3:70b".
var modelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$`)

func (k *checker) checkModels() {
	for _, name := range slices.Sorted(maps.Keys(k.Models)) {
		path := child("models", name)
		switch {
		case !modelName.MatchString(name):
			k.refuse(path, "%s is no name of a model; want up to 128 letters, digits, and . _ : / @ - behind the first", k.show(path, name))
		case name == RehearsalModel:
			k.refuse(path, "%s is the name of the scripted model; give this one another", k.show(path, name))
		case name == k.Model.Name:
			k.refuse(path, "%s is the model of model.name already; give one of them another name", k.show(path, name))
		}
		k.checkEndpoint(path, k.Models[name])
	}
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

func (k *checker) checkPrices() {
	for _, name := range slices.Sorted(maps.Keys(k.Model.Prices)) {
		path, p := child("model.prices", name), k.Model.Prices[name]
		if p.CachedOrInput() == 0 && p.Input > 0 {
			k.refuse(path+".cached", "input that costs something is not free when it was kept; leave the key out if you do not know the price")
		}
		if p.ReasoningOrOutput() == 0 && p.Output > 0 {
			k.refuse(path+".reasoning", "output that costs something is not free when it is not shown; leave the key out if you do not know the price")
		}
	}
	if !currencyForm.MatchString(k.Model.Currency) {
		k.refuse("model.currency", "%s is no currency; want the three capitals of ISO 4217, such as USD", k.show("model.currency", k.Model.Currency))
	}
	if k.source == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(k.Model.Prices)) {
		path := child("model.prices", name)
		for _, part := range []string{"input", "output"} {
			if !k.source.has(path + "." + part) {
				k.refuse(path+"."+part, "the price of %s is missing; 0 is a price too", part)
			}
		}
	}
}

func (k *checker) checkChat() {
	between(k, "chat.keep_alive", k.Chat.KeepAlive, Duration(time.Second), Duration(10*time.Second))
	k.oneOf("chat.on_disconnect", k.Chat.OnDisconnect, OnDisconnectContinue, OnDisconnectCancel)
	between(k, "chat.client_wait", k.Chat.ClientWait, Duration(time.Second), Duration(7*day))
	k.atLeast("chat.requests_per_minute", k.Chat.RequestsPerMinute, 0)
	k.atLeast("chat.concurrent", k.Chat.Concurrent, 0)
}
