package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

func TestTimelineTellsWhatBecameOfEveryCallAndOfWhatTheModelIsShown(t *testing.T) {
	calls := []openai.Call{{Name: "weather"}, {Name: "crm_note", Arguments: "{"}}
	var story timeline
	var got []string
	for i, e := range []struct {
		kind bridge.EntryKind
		body any
	}{
		{bridge.EntryBrief, bridge.Brief{Agent: "desk", Model: "m", Conversation: &bridge.Conversation{Params: openai.Params{Metadata: map[string]string{"ticket": "7"}}}}},
		{bridge.EntryAnswer, openai.Answer{Model: "m", Calls: calls}},
		{bridge.EntryResult, bridge.Result{Answer: 2, Index: 1, Code: bridge.MalformedArguments, IsError: true, Content: "no JSON"}},
		{bridge.EntryResult, bridge.Result{Answer: 2, Index: 0, Code: bridge.CallersCall, Content: "rain"}},
		{bridge.EntryAnswer, openai.Answer{Model: "m", Calls: calls[:1]}},
		{bridge.EntryFold, bridge.Fold{Upto: 2}},
		{bridge.EntryFold, bridge.Fold{Upto: 2, Show: 500}},
		{bridge.EntrySummary, bridge.Summary{Upto: 5, Text: "It rains."}},
		{bridge.EntrySummary, bridge.Summary{Upto: 1, Messages: 3, Text: "They asked."}},
	} {
		body, err := json.Marshal(e.body)
		if err != nil {
			t.Fatal(err)
		}
		moments, err := story.read(bridge.Entry{Seq: int64(i + 1), Kind: e.kind, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range moments {
			got = append(got, m.What+" "+m.Tool+": "+m.Text)
		}
	}
	want := []string{
		`brief : agent desk, model m, 0 functions offered, metadata {"ticket":"7"}`,
		"says : turn 1 (m): asks for 2 calls",
		"result crm_note: no JSON",
		"result weather: from the caller: rain",
		"says : turn 2 (m): asks for a call",
		"folds : results up to entry 2 are shown to the model as one line each",
		"folds : results up to entry 2 are shown to the model up to 500 bytes",
		"sums : up entry 1 to 5 for the model: It rains.",
		"sums : up the caller's first 3 messages for the model: They asked.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
