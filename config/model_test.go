package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const twoModels = `
model: {base_url: http://127.0.0.1:1/v1, api_key: sk-main, name: main, timeout: 30s, window: 8192, images: false, function_tokens: 1000}
models:
  spare: {base_url: http://127.0.0.1:2/v1, name: small-2, api: responses, requests_per_minute: 60}
  gpt-4.1: {}
agents:
  a: {model: gpt-4.1, fallback: [spare, other]}
`

func TestModelIsFoundByTheNameThatAgentsCallIt(t *testing.T) {
	c, err := Parse("f.yaml", []byte(twoModels), lookupIn(map[string]string{OpenAIKeyVariable: "sk-openai"}))
	if err != nil {
		t.Fatal(err)
	}
	spare, openAI := DefaultEndpoint(), DefaultEndpoint()
	spare.BaseURL, spare.Name, spare.API, spare.RequestsPerMinute = "http://127.0.0.1:2/v1", "small-2", APIResponses, 60
	openAI.Name, openAI.APIKey = "gpt-4.1", "sk-openai"
	main, other := c.Model.Endpoint(), c.Model.Endpoint()
	other.Name = "other"
	for name, want := range map[string]Endpoint{"spare": spare, "gpt-4.1": openAI, "other": other, "main": main, "": main} {
		if diff := cmp.Diff(want, c.EndpointOf(name)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
	if main.Window != 8192 || main.Images || main.APIKey != "sk-main" || main.Name != "main" {
		t.Errorf("the model is %+v", main)
	}
}

func TestOpenAIsKeyGoesToOpenAIOnly(t *testing.T) {
	const text = `
model: {base_url: https://other.example.com/v1}
models:
  own: {}
  keyless: {api_key: ""}
  other: {base_url: https://other.example.com/v1}
  near: {base_url: https://api.openai.com.example.com/v1}
`
	c, err := Parse("f.yaml", []byte(text), lookupIn(map[string]string{OpenAIKeyVariable: "sk-openai"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Model.APIKey != "" {
		t.Error("the model of another host has the key")
	}
	for name, want := range map[string]Secret{"own": "sk-openai", "keyless": "", "other": "", "near": ""} {
		if got := c.Models[name].APIKey; got.Reveal() != want.Reveal() {
			t.Errorf("%s has key %q, want %q", name, got.Reveal(), want.Reveal())
		}
	}
}

// TestFilesGoToWhoIsSaidToTakeThem: unless something is said, to OpenAI's own model, and
// only a model of which the file says so refuses those of a caller.
func TestFilesGoToWhoIsSaidToTakeThem(t *testing.T) {
	const text = `
model: {base_url: https://other.example.com/v1, files: true}
models:
  own: {}
  own-without: {files: false}
  other: {base_url: https://other.example.com/v1}
  other-with: {base_url: https://other.example.com/v1, files: true}
  other-without: {base_url: https://other.example.com/v1, files: false}
`
	c, err := Parse("f.yaml", []byte(text), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct{ takes, refuses bool }{
		"": {true, false}, "any": {true, false}, "own": {true, false}, "own-without": {false, true},
		"other": {false, false}, "other-with": {true, false}, "other-without": {false, true},
	} {
		if e := c.EndpointOf(name); e.TakesFiles() != want.takes || e.RefusesFiles() != want.refuses {
			t.Errorf("%q takes files: %v, refuses them: %v; want %+v", name, e.TakesFiles(), e.RefusesFiles(), want)
		}
	}
}

func TestLeftOutPricesFollowTheOthers(t *testing.T) {
	cached, reasoning := Price(1), Price(2)
	bare, full := Prices{Input: 10, Output: 20}, Prices{Input: 10, Cached: &cached, Output: 20, Reasoning: &reasoning}
	if bare.CachedOrInput() != 10 || bare.ReasoningOrOutput() != 20 || full.CachedOrInput() != 1 || full.ReasoningOrOutput() != 2 {
		t.Errorf("%d %d, %d %d", bare.CachedOrInput(), bare.ReasoningOrOutput(), full.CachedOrInput(), full.ReasoningOrOutput())
	}
}

func TestCostCountsOnceEveryModelHasAPrice(t *testing.T) {
	const text = `
model: {prices: {gpt-5.1: {input: 1, output: 2}, spare: {input: 0, output: 0}}}
agents: {a: {fallback: [spare], budget: {cost: 2.50 USD}, daily: {cost: 100 USD}}}
`
	c, err := Parse("f.yaml", []byte(text), lookupIn(nil))
	if err != nil || c.Agents["a"].Budget.Cost.Micros() != 2_500_000 || c.Agents["a"].Daily.Cost.Micros() != 100_000_000 {
		t.Errorf("%v, %+v", err, c.Agents["a"])
	}
}
