package bridge_test

import (
	"encoding/json"
	"testing"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

func TestUsageHasAllThatWasPaidFor(t *testing.T) {
	paid := openai.Answer{Content: "x", Cost: 7, Currency: "EUR", Usage: openai.Usage{Prompt: 100, Completion: 20, Cached: 60, Reasoning: 15}}
	var entries []bridge.Entry
	add := func(kind bridge.EntryKind, body any) {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, bridge.Entry{Seq: int64(len(entries) + 1), Kind: kind, Body: raw})
	}
	add(bridge.EntryBrief, bridge.Brief{Prompt: "x"})
	for range 2 {
		add(bridge.EntryAnswer, paid)
	}
	for range 2 { // the later covers the earlier, and both were paid for
		add(bridge.EntrySummary, bridge.Summary{Upto: 2, Text: "x", Asked: paid})
	}
	want := bridge.Usage{Turns: 2, PromptTokens: 400, CompletionTokens: 80, CachedTokens: 240, ReasoningTokens: 60, Cost: 28, Currency: "EUR"}
	if got, err := bridge.UsageOf(runID, entries); err != nil || got != want {
		t.Errorf("%v: used %+v, want %+v", err, got, want)
	}
	if got := bridge.Spent(entries); got != want {
		t.Errorf("spent %+v, want %+v", got, want)
	}
}
