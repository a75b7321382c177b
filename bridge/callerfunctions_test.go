package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

func TestChoiceOfFunctionsHoldsForTheFirstQuestionOnly(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("seen"))
	model := &inTurn{answers: []openai.Answer{asks(openai.Call{ID: "a", Name: "look"}), says("Seen.")}}
	w.model = model
	w.talk(bridge.Conversation{Messages: []openai.Message{user("Look.")}, Params: openai.Params{ToolChoice: []byte(`"required"`), ResponseFormat: []byte(`{"type":"text"}`)}})
	if first, second := model.asked[0].Params, model.asked[1].Params; string(first.ToolChoice) != `"required"` || second.ToolChoice != nil || second.ResponseFormat == nil {
		t.Errorf("asked with %+v, then %+v", first, second)
	}
}

func TestNobodyIsCalledWhereTheCallerWantsNoCalls(t *testing.T) {
	w := newWorld(t).tool("note", bridge.Write, true, returns("noted"))
	model := &inTurn{answers: []openai.Answer{asks(openai.Call{ID: "a", Name: "note"}, openai.Call{ID: "b", Name: "weather"}), says("I may not.")}}
	w.model = model
	parallel := true
	got := w.talk(bridge.Conversation{Messages: []openai.Message{user("Note.")}, Functions: []openai.Function{weather},
		Params: openai.Params{ToolChoice: []byte(`"none"`), ParallelCalls: &parallel}})
	if got.Answer != "I may not." || len(w.calls()) != 0 {
		t.Errorf("outcome %+v, called %v", got, w.calls())
	}
	for n, r := range model.asked {
		if len(r.Functions) != 0 || r.Params.ToolChoice != nil || r.Params.ParallelCalls != nil {
			t.Errorf("question %d offers %d functions, with %+v", n, len(r.Functions), r.Params)
		}
	}
	for _, r := range w.results() {
		if r.Code != bridge.NotMade {
			t.Errorf("result %+v", r)
		}
	}
}

func TestWhatACallerCannotHaveIsRefusedByName(t *testing.T) {
	named := func(names ...string) []openai.Function {
		var out []openai.Function
		for _, name := range names {
			out = append(out, openai.Function{Name: name, Parameters: weather.Parameters})
		}
		return out
	}
	many := make([]string, 127)
	for i := range many {
		many[i] = fmt.Sprintf("f%d", i)
	}
	choice := func(text string) openai.Params { return openai.Params{ToolChoice: json.RawMessage(text)} }
	for name, c := range map[string]struct {
		functions []openai.Function
		params    openai.Params
		output    string
		param     string
	}{
		"fine":                {named("weather"), choice(`{"type":"function","function":{"name":"weather"}}`), "", ""},
		"fine, one of ours":   {nil, choice(`{"type":"function","function":{"name":"look"}}`), "", ""},
		"fine, allowed":       {named("a", "b"), choice(`{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"b"}}]}}`), "", ""},
		"as many as there go": {named(many[:126]...), openai.Params{}, "", ""},
		"too many":            {named(many...), openai.Params{}, "", "tools"},
		"one of ours":         {named("weather", "look"), openai.Params{}, "", "tools[1].function.name"},
		"one of the bridge":   {named("find_tools"), openai.Params{}, "", "tools[0].function.name"},
		"twice":               {named("a", "a"), openai.Params{}, "", "tools[1].function.name"},
		"no name":             {named("what is this"), openai.Params{}, "", "tools[0].function.name"},
		"unknown choice":      {named("a"), choice(`{"type":"function","function":{"name":"b"}}`), "", "tool_choice"},
		"unknown allowed":     {named("a"), choice(`{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"b"}}]}}`), "", "tool_choice"},
		"two forms":           {nil, openai.Params{ResponseFormat: []byte(`{"type":"json_object"}`)}, verdict, "response_format"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
			w.agent.Output = json.RawMessage(c.output)
			if c.output == "" {
				w.agent.Output = nil
			}
			task := w.task()
			task.Conversation = &bridge.Conversation{Messages: []openai.Message{user("Hello.")}, Functions: c.functions, Params: c.params}
			_, err := bridge.New(w.model, w.options).Brief(context.Background(), task)
			var refused *bridge.ConversationError
			if errors.As(err, &refused); (err != nil) != (c.param != "") || refused != nil && refused.Param != c.param || err != nil && refused == nil {
				t.Errorf("%v, want an error about %q", err, c.param)
			}
		})
	}
}

func TestOursMakeRoomForTheCallersFunctions(t *testing.T) {
	w := newWorld(t).crowd(300)
	var theirs []openai.Function
	for i := range 120 {
		theirs = append(theirs, openai.Function{Name: fmt.Sprintf("theirs_%d", i), Parameters: weather.Parameters})
	}
	model := &inTurn{answers: []openai.Answer{says("Hello.")}}
	w.model = model
	w.talk(bridge.Conversation{Messages: []openai.Message{user("Count the boxes on the shelves of the warehouse.")}, Functions: theirs})
	offered := model.asked[0].Functions
	if len(offered) != 128 || offered[0].Name != "read_result" || offered[1].Name != "find_tools" || offered[8].Name != "theirs_0" || offered[127].Name != "theirs_119" {
		t.Errorf("%d functions, %s to %s", len(offered), offered[0].Name, offered[len(offered)-1].Name)
	}
}

func TestNewWordsOfTheCallerChooseFunctionsAnew(t *testing.T) {
	w := newWorld(t).crowd(300)
	w.options.Limits.Functions = 20
	model := &inTurn{answers: []openai.Answer{asks(openai.Call{ID: "a", Name: "weather"}), says("Done.")}}
	w.model = model
	talk := bridge.Conversation{Messages: []openai.Message{user("Count the boxes on the shelves of the warehouse.")}, Functions: []openai.Function{weather}}
	w.talk(talk)
	w.reply(map[string]string{w.openCalls()[0].ID: "rain"}, bridge.Input{Messages: []openai.Message{user("Dim the lamp.")}})
	w.talk(talk)
	for n, want := range []bool{false, true} {
		has := false
		for _, f := range model.asked[n].Functions {
			has = has || f.Name == "lamp_dim"
		}
		if has != want {
			t.Errorf("question %d offers lamp_dim: %v", n, has)
		}
	}
}

func TestToolThatComesToHaveTheNameOfACallersFunctionGivesWay(t *testing.T) {
	w := newWorld(t)
	model := &inTurn{answers: []openai.Answer{asks(openai.Call{ID: "a", Name: "weather"}), asks(openai.Call{ID: "b", Name: "weather"})}}
	w.model = model
	talk := bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}}
	w.talk(talk)
	w.tool("weather", bridge.Write, false, returns("made"))
	w.reply(map[string]string{w.openCalls()[0].ID: "rain"}, bridge.Input{})
	if got := w.talk(talk); got.Reason != bridge.ClientCalls || len(w.calls()) != 0 {
		t.Errorf("outcome %+v, called %v", got, w.calls())
	}
	if offered := model.asked[1].Functions; len(offered) != 2 || offered[1].Description != weather.Description {
		t.Errorf("offered %+v", offered)
	}
}
