package bridge_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"drawbridge/bridge"
	"drawbridge/bridge/convert/strictrules"
	"drawbridge/bridge/openai"
)

// verdict is a form with an optional member, which strict can only say as one that
// may be null, and an amount that strict cannot bound.
const verdict = `{"type":"object","properties":{
	"refund":{"type":"boolean"},
	"reason":{"type":"string","minLength":3},
	"cents":{"type":"integer","minimum":0}},
	"required":["refund","reason"]}`

func formed(schema string, answers ...openai.Answer) func(t *testing.T) (*world, *inTurn) {
	return func(t *testing.T) (*world, *inTurn) {
		w, model := newWorld(t), &inTurn{answers: answers}
		w.agent.Output, w.model = json.RawMessage(schema), model
		return w.tool("look", bridge.Read, true, returns("x")), model
	}
}

func TestFittingAnswerComesInItsOwnTerms(t *testing.T) {
	for name, c := range map[string]struct{ schema, said, want string }{
		"optional left out": {verdict, `{"refund": true, "reason": "broken", "cents": null}`, `{"refund":true,"reason":"broken"}`},
		"optional given":    {verdict, ` {"refund":false,"reason":"used","cents":0} `, `{"refund":false,"reason":"used","cents":0}`},
		"in a fence":        {verdict, "```json\n{\"refund\":true,\"reason\":\"broken\",\"cents\":5}\n```", `{"refund":true,"reason":"broken","cents":5}`},
		"in a bare fence":   {verdict, "```\n{\"refund\":true,\"reason\":\"broken\",\"cents\":5}```", `{"refund":true,"reason":"broken","cents":5}`},
		"in one line":       {verdict, "```{\"refund\":true,\"reason\":\"broken\",\"cents\":5}```", `{"refund":true,"reason":"broken","cents":5}`},
		"a list":            {`{"type":"array","items":{"type":"string"}}`, `{"answer":["a","b"]}`, `["a","b"]`},
		"a tree": {`{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["kids"]}}}`,
			`{"answer":{"kids":[{"kids":[]}]}}`, `{"kids":[{"kids":[]}]}`},
		"no type":      {`{"properties":{"a":{"type":"integer"}},"required":["a"]}`, `{"a":1}`, `{"a":1}`},
		"one of a few": {`{"enum":["yes","no"]}`, `{"answer":"yes"}`, `"yes"`},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := formed(c.schema, says(c.said))(t)
			if got := w.run(); got.Status != bridge.Succeeded || got.Answer != c.want {
				t.Errorf("outcome %+v, want %s", got, c.want)
			}
		})
	}
}

func TestFormIsSaidToTheModelStrictlyAndInWords(t *testing.T) {
	w, model := formed(verdict, asks(openai.Call{ID: "a", Name: "look"}), says(`{"refund":true,"reason":"broken","cents":null}`))(t)
	if got := w.run(); got.Status != bridge.Succeeded || len(w.calls()) != 1 {
		t.Errorf("outcome %+v, called %v", got, w.calls())
	}
	for n, r := range model.asked {
		var format struct {
			Type   string `json:"type"`
			Schema struct {
				Name   string          `json:"name"`
				Strict bool            `json:"strict"`
				Schema json.RawMessage `json:"schema"`
			} `json:"json_schema"`
		}
		if err := json.Unmarshal(r.Params.ResponseFormat, &format); err != nil || format.Type != "json_schema" || format.Schema.Name == "" || !format.Schema.Strict {
			t.Fatalf("question %d: %v, %s", n, err, r.Params.ResponseFormat)
		}
		if broken := strictrules.Check(format.Schema.Name, format.Schema.Schema, true); len(broken) > 0 {
			t.Errorf("question %d: %v", n, broken)
		}
		if said := r.Messages[0]; said.Role != openai.System || !strings.HasPrefix(said.Content, "You work at the desk.\n\n") || !strings.HasSuffix(said.Content, string(format.Schema.Schema)) {
			t.Errorf("question %d is instructed with %q", n, said.Content)
		}
	}
}

func TestAnswerThatDoesNotFitIsAskedForAgain(t *testing.T) {
	w, model := formed(verdict,
		says("I would refund it."), asks(openai.Call{ID: "a", Name: "look"}),
		says(`{"refund":"yes","reason":"no","cents":-1}`), says(`{"refund":true,"reason":"broken","cents":null}`))(t)
	if got := w.run(); got.Status != bridge.Succeeded || got.Answer != `{"refund":true,"reason":"broken"}` || got.Usage.Turns != 4 {
		t.Errorf("outcome %+v", got)
	}
	for n, wants := range map[int][]string{
		1: {"does not fit the form", `the answer: expected a JSON object, got "I would refund it."`},
		3: {"refund:", "Give the whole answer again"},
	} {
		for _, want := range wants {
			if !strings.Contains(model.last(n), want) {
				t.Errorf("question %d ends in %q, want %q", n, model.last(n), want)
			}
		}
	}
}

func TestReferencesHoldWithinAFormThatIsNoObject(t *testing.T) {
	w, model := formed(`{"$ref":"#/$defs/node","$defs":{"node":{"type":"array","items":{"$ref":"#/$defs/node"}}}}`,
		says(`{"answer":[[],[7]]}`), says(`{"answer":[[],[[]]]}`))(t)
	if got := w.run(); got.Answer != "[[],[[]]]" || !strings.Contains(model.last(1), "- answer[1][0]: ") {
		t.Errorf("outcome %+v after %q", got, model.last(1))
	}
}

func TestThirdAnswerThatDoesNotFitEndsTheRun(t *testing.T) {
	w, _ := formed(verdict, says("no"), says(`{"refund":true,"reason":"ok?","cents":-1}`), says(`{"refund":true}`), says("never"))(t)
	got := w.run()
	if got.Status != bridge.Failed || got.Reason != bridge.OutputInvalid || got.Usage.Turns != 3 {
		t.Errorf("outcome %+v", got)
	}
	for _, want := range []string{"The answer does not fit the form that was asked for:\n- reason: ", `The model's last words: {"refund":true}`} {
		if !strings.Contains(got.Answer, want) {
			t.Errorf("answer %q, want %q", got.Answer, want)
		}
	}
}

func TestRunKeepsTheFormItBeganWith(t *testing.T) {
	w, _ := formed(verdict, says("no"))(t)
	w.run() // fails its second question
	w.journal = resumed(w, 3)
	w.agent.Output = nil
	w.model = &inTurn{answers: []openai.Answer{says(`{"refund":true,"reason":"broken","cents":null}`)}}
	if got := w.run(); got.Answer != `{"refund":true,"reason":"broken"}` {
		t.Errorf("outcome %+v", got)
	}
}

func TestLastWordsOfARunOutOfBudgetHaveNoForm(t *testing.T) {
	w, model := formed(verdict, asks(openai.Call{ID: "a", Name: "look"}), says("I looked, and no more."))(t)
	w.agent.Budget.Turns = 1
	got := w.run()
	if got.Reason != bridge.BudgetTurns || got.Answer != "I looked, and no more." || model.asked[1].Params.ResponseFormat != nil {
		t.Errorf("outcome %+v, asked for %s", got, model.asked[1].Params.ResponseFormat)
	}
}

func TestUnusableFormIsAnError(t *testing.T) {
	for schema, want := range map[string]string{
		`{`:     "no JSON",
		``:      "no JSON",
		`false`: "accepts no",
		`{"type":"object","required":["a"],"properties":{"a":false}}`: "accepts no",
		`7`: "neither an object nor true or false",
	} {
		err := bridge.CheckOutput(json.RawMessage(schema))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "tool") {
			t.Errorf("%s: %v, want %q", schema, err, want)
		}
	}
	if err := bridge.CheckOutput(json.RawMessage(verdict)); err != nil {
		t.Error(err)
	}
	w, _ := formed(`false`)(t)
	if _, err := bridge.New(w.model, w.options).Run(context.Background(), w.task()); err == nil {
		t.Error("a run began with a form that nothing fits")
	}
}
