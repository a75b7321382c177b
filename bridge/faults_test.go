package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/openaitest"
)

// overHTTP connects the model to a server that knows OpenAI's rules, by either of its
// APIs. The test fails if a request breaks one.
func (w *world) overHTTP(api openai.API, replies ...openaitest.Reply) *openaitest.Server {
	fake := openaitest.New(w.t)
	fake.Answer(replies...)
	w.model = openai.NewModels([]openai.ModelSettings{{Name: w.agent.Model, Model: "gpt-5", BaseURL: fake.URL(), APIKey: "k", API: api}},
		openai.ModelsOptions{Patience: time.Millisecond, Attempts: 2, Random: func() float64 { return 0 }})
	return fake
}

// TestEveryMistakeOfAModelHasItsEnd plays each fault over HTTP, and carries the run
// again from its journal: to the same end, with nothing asked or called again.
func TestEveryMistakeOfAModelHasItsEnd(t *testing.T) {
	note := func(arguments string, how ...openaitest.How) openaitest.Reply {
		return openaitest.Call("note", arguments, how...)
	}
	some := `{"id":"1"}`
	two := []openaitest.ToolCall{{Name: "note", Arguments: some}, {Name: "note", Arguments: `{"id":"2"}`}}
	for name, c := range map[string]struct {
		replies []openaitest.Reply
		reason  bridge.Reason
		codes   []bridge.ResultCode
		made    int
	}{
		"malformed arguments":        {[]openaitest.Reply{note(`{"id":`), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{bridge.MalformedArguments}, 0},
		"arguments that do not fit":  {[]openaitest.Reply{note(`{"id":7}`), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{bridge.InvalidArguments}, 0},
		"unknown function":           {[]openaitest.Reply{openaitest.Call("nothing", "{}"), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{bridge.UnknownFunction}, 0},
		"ids missing":                {[]openaitest.Reply{openaitest.Calls(two, openaitest.IDs("", "")), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{"", ""}, 2},
		"ids given twice":            {[]openaitest.Reply{openaitest.Calls(two, openaitest.IDs("x", "x")), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{"", ""}, 2},
		"calls interleaved":          {[]openaitest.Reply{openaitest.Calls(two, openaitest.Interleaved(), openaitest.Pieces(2)), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{"", ""}, 2},
		"text and calls together":    {[]openaitest.Reply{note(some, openaitest.WithText("Let me.")), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{""}, 1},
		"calls, and it says stop":    {[]openaitest.Reply{note(some, openaitest.Finish("stop")), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{""}, 1},
		"empty choices":              {[]openaitest.Reply{openaitest.Say("x", openaitest.EmptyChoices()), openaitest.Say("x", openaitest.EmptyChoices())}, bridge.ModelUnavailable, nil, 0},
		"empty choices once":         {[]openaitest.Reply{openaitest.Say("x", openaitest.EmptyChoices()), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"nothing, once":              {[]openaitest.Reply{openaitest.Say(""), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"nothing, ever":              {[]openaitest.Reply{openaitest.Say(""), openaitest.Say(""), openaitest.Say("")}, bridge.EmptyAnswer, nil, 0},
		"refusal":                    {[]openaitest.Reply{openaitest.Decline("I will not.")}, bridge.ModelRefused, nil, 0},
		"filtered words":             {[]openaitest.Reply{openaitest.Say("I", openaitest.Finish("content_filter"))}, bridge.ContentFiltered, nil, 0},
		"filtered call":              {[]openaitest.Reply{note(some, openaitest.Finish("content_filter"))}, bridge.ContentFiltered, nil, 0},
		"cut in words":               {[]openaitest.Reply{openaitest.Say("Once upon", openaitest.Finish("length"))}, bridge.Length, nil, 0},
		"cut in arguments":           {[]openaitest.Reply{note(`{"id"`, openaitest.Finish("length")), note(some), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{bridge.NotMade, ""}, 1},
		"cut in arguments, twice":    {[]openaitest.Reply{note(`{"id"`, openaitest.Finish("length")), note(`{"id`, openaitest.Finish("length"))}, bridge.Length, []bridge.ResultCode{bridge.NotMade}, 0},
		"the same call for ever":     {[]openaitest.Reply{note(some), note(some), note(some), note(some), note(some)}, bridge.Loop, []bridge.ResultCode{"", "", "", "", ""}, 5},
		"calls past the budget":      {[]openaitest.Reply{openaitest.Calls(append(two, openaitest.ToolCall{Name: "look", Arguments: "{}"}, two[0], two[1], two[0], two[1])), openaitest.Say("no more")}, bridge.BudgetCalls, []bridge.ResultCode{"", "", "", "", "", "", "budget_calls"}, 6},
		"stream cut, then whole":     {[]openaitest.Reply{openaitest.Calls(two, openaitest.CutAfterEvents(3)), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"stream without an end":      {[]openaitest.Reply{note(some, openaitest.EndAfterEvents(2)), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"an error in the stream":     {[]openaitest.Reply{openaitest.Say("Do not", openaitest.FailAfter(1)), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"an unreadable stream":       {[]openaitest.Reply{openaitest.Say("Do not", openaitest.Garbage(1)), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"a proxy's page":             {[]openaitest.Reply{openaitest.Page(502, "text/html", "<html>"), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"connection lost":            {[]openaitest.Reply{note(some), openaitest.Say("ok", openaitest.CutAfterBytes(0)), openaitest.Say("ok")}, bridge.Answered, []bridge.ResultCode{""}, 1},
		"too slow a request":         {[]openaitest.Reply{openaitest.Fail(408), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"a conflict":                 {[]openaitest.Reply{openaitest.Fail(409), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"a broken server":            {[]openaitest.Reply{openaitest.Fail(500), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"limited for a moment":       {[]openaitest.Reply{openaitest.Fail(429, openaitest.Header("Retry-After-Ms", "1"), openaitest.Header("Retry-After", "60")), openaitest.Say("ok")}, bridge.Answered, nil, 0},
		"the request is wrong":       {[]openaitest.Reply{openaitest.Fail(400)}, bridge.ModelError, nil, 0},
		"the key is wrong":           {[]openaitest.Reply{openaitest.Fail(401)}, bridge.ModelError, nil, 0},
		"the key is not for it":      {[]openaitest.Reply{openaitest.Fail(403)}, bridge.ModelError, nil, 0},
		"there is no such model":     {[]openaitest.Reply{openaitest.Fail(404)}, bridge.ModelError, nil, 0},
		"the request is too long":    {[]openaitest.Reply{openaitest.Fail(413), openaitest.Fail(413)}, bridge.ContextFull, nil, 0},
		"the account is used up":     {[]openaitest.Reply{openaitest.Fail(429, openaitest.ErrorIs("insufficient_quota", "insufficient_quota", "Pay."))}, bridge.ModelUnavailable, nil, 0},
		"the server is away":         {[]openaitest.Reply{openaitest.Fail(503), openaitest.Fail(503)}, bridge.ModelUnavailable, nil, 0},
		"to be asked again tomorrow": {[]openaitest.Reply{openaitest.Fail(429, openaitest.Header("Retry-After", "3600"))}, bridge.ModelUnavailable, nil, 0},
		"limited until a date":       {[]openaitest.Reply{openaitest.Fail(429, openaitest.Header("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"))}, bridge.ModelUnavailable, nil, 0},
	} {
		for _, api := range []openai.API{openai.Chat, openai.Responses} {
			if api == openai.Responses && (strings.HasPrefix(name, "ids") || strings.HasPrefix(name, "empty choices") || name == "calls, and it says stop") {
				continue // there is no such thing
			}
			t.Run(name+", "+string(api), func(t *testing.T) {
				w := newWorld(t).tool("note", bridge.Write, true, returns("noted")).tool("look", bridge.Read, true, returns("seen"))
				w.agent.Budget.Calls = 6
				fake := w.overHTTP(api, c.replies...)
				got := w.run()
				if got.Reason != c.reason || len(w.calls()) != c.made || fake.Unused() != 0 {
					t.Errorf("outcome %+v, made %v, %d replies unused", got, w.calls(), fake.Unused())
				}
				var codes []bridge.ResultCode
				for _, r := range w.results() {
					codes = append(codes, r.Code)
				}
				if diff := cmp.Diff(c.codes, codes); diff != "" {
					t.Errorf("results: %s", diff)
				}
				if got.Status == bridge.Waiting || got.Reason == bridge.ModelError || got.Reason == bridge.ContextFull {
					return // nothing of it is in the journal yet
				}
				asked, entries := len(fake.Requests()), w.entries()
				if again := w.run(); cmp.Diff(got, again, ignoreUnexported) != "" || len(fake.Requests()) != asked || len(w.entries()) != len(entries) {
					t.Errorf("carried again: %+v", again)
				}
			})
		}
	}
}

// TestAnswerThatDoesNotFitIsAskedForAgainByEitherAPI is of an agent with a form for its
// answers: that the form is strict, by OpenAI's rules, is the server's to judge.
func TestAnswerThatDoesNotFitIsAskedForAgainByEitherAPI(t *testing.T) {
	for _, api := range []openai.API{openai.Chat, openai.Responses} {
		for last, reason := range map[string]bridge.Reason{`{"ok":true,"why":null}`: bridge.Answered, `{"ok":7}`: bridge.OutputInvalid} {
			w := newWorld(t)
			w.agent.Output = json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"},"why":{"type":"string"}},"required":["ok"]}`)
			fake := w.overHTTP(api, openaitest.Say("It is fine."), openaitest.Say(`{"why":"fine"}`), openaitest.Say(last))
			if got := w.run(); got.Reason != reason || fake.Unused() != 0 {
				t.Errorf("%s, in the end %s: outcome %+v, %d replies unused", api, last, got, fake.Unused())
			}
		}
	}
}

// TestLastQuestionOfABudgetHasNoFunctions is of the wire: what a run says to that is in
// the tests of budgets.
func TestLastQuestionOfABudgetHasNoFunctions(t *testing.T) {
	for _, api := range []openai.API{openai.Chat, openai.Responses} {
		w := newWorld(t).tool("look", bridge.Read, true, counting())
		w.agent.Budget.Turns = 5
		look := openaitest.Call("look", "{}")
		fake := w.overHTTP(api, look, look, look, look, look, openaitest.Say("Five looks are done, more are not."))
		if got := w.run(); got.Reason != bridge.BudgetTurns || got.Answer != "Five looks are done, more are not." {
			t.Errorf("%s: outcome %+v", api, got)
		}
		for i, q := range fake.Requests() {
			if last, told := i == 5, strings.Contains(string(q.Body), "Come to an end"); (len(q.Functions) == 0) != last || told != (i >= 4) {
				t.Errorf("%s, question %d: %d functions, told to come to an end: %v", api, i, len(q.Functions), told)
			}
		}
	}
}

func TestHeadOfEveryRequestStaysAsItWas(t *testing.T) {
	w := newWorld(t).tool("note", bridge.Write, true, counting()).tool("look", bridge.Read, true, returns("seen"))
	w.agent.Budget.Turns = 5
	look := openaitest.Call("look", "{}")
	fake := w.overHTTP(openai.Chat, look, openaitest.Call("note", `{"id":`), look, openaitest.Say(""), look, openaitest.Say("done"))
	if got := w.run(); got.Reason != bridge.BudgetTurns {
		t.Errorf("outcome %+v", got)
	}
	requests := fake.Requests()
	for i := 1; i < len(requests)-1; i++ { // the last one has no functions
		if before := requests[i-1]; requests[i].Shared < len(before.Prompt)-1 {
			t.Errorf("request %d shares %d of the %d bytes of the one before", i, requests[i].Shared, len(before.Prompt))
		}
	}
}

func TestFallbackIsLoggedAndJournaled(t *testing.T) {
	w := newWorld(t)
	w.agent.Fallback = []string{"second"}
	var log bytes.Buffer
	w.options.Log = slog.New(slog.NewJSONHandler(&log, nil))
	away, there := openaitest.New(t), openaitest.New(t)
	away.Close()
	there.Answer(openaitest.Say("Here."))
	w.model = openai.NewModels([]openai.ModelSettings{{Name: w.agent.Model, BaseURL: away.URL()}, {Name: "second", Model: "gpt-5", BaseURL: there.URL()}},
		openai.ModelsOptions{Attempts: 1})
	if got := w.run(); got.Answer != "Here." {
		t.Errorf("outcome %+v", got)
	}
	a := bodies[openai.Answer](w, bridge.EntryAnswer)[0]
	if a.By != "second" || len(a.Passed) != 1 || a.Passed[0].Model != w.agent.Model || a.Passed[0].Why == "" {
		t.Errorf("journaled %+v", a)
	}
	var line struct{ Msg, Model, By, Run string }
	for l := range strings.Lines(log.String()) {
		if json.Unmarshal([]byte(l), &line); line.Msg == "another model answered" {
			break
		}
	}
	if line.Model != w.agent.Model || line.By != "second" || line.Run != runID {
		t.Errorf("logged %s", log.String())
	}
}

func TestWordsAreHeardAsTheModelSaysThem(t *testing.T) {
	w := newWorld(t)
	gate := openaitest.NewGate()
	w.overHTTP(openai.Chat, openaitest.Say("Good morning to you.", openaitest.Pieces(5), openaitest.Hold(3, gate)))
	heard := make(chan bridge.Event, 100)
	task := w.task()
	task.Watch = func(e bridge.Event) { heard <- e }
	ended := make(chan error)
	go func() {
		_, err := bridge.New(w.model, w.options).Run(context.Background(), task)
		ended <- err
	}()
	<-gate.Reached()
	if first := <-heard; first.Kind != bridge.Words || !strings.HasPrefix("Good morning", first.Text) {
		t.Errorf("heard %+v while the model was speaking", first)
	}
	gate.Open()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	close(heard)
	var kinds []bridge.EventKind
	for e := range heard {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Equal(slices.Compact(kinds), []bridge.EventKind{bridge.Words, bridge.Turned}) {
		t.Errorf("then heard %v", kinds)
	}
}
