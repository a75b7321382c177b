package chatapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/chatapi"
	"drawbridge/server/dispatch"
)

// answering is a request with results of calls that the run of these tests made.
func answering(seq int64, more string) string {
	calls, results := []string{}, ""
	for i := range 2 {
		id := bridge.ClientCallID(runID, seq, i)
		calls = append(calls, `{"id":"`+id+`","type":"function","function":{"name":"ring","arguments":"{}"}}`)
		results += `,{"role":"tool","tool_call_id":"` + id + `","content":"rang ` + string(rune('a'+i)) + `"}`
	}
	return `{"model":"desk",` + tool + `,"temperature":1,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"Let me.","tool_calls":[` + strings.Join(calls, ",") + `]}` + results + more + `]}`
}

func TestResultsOfTheCallersFunctionsGoOnWithTheRun(t *testing.T) {
	w := newWorld(t, chatapi.Options{CancelWhenGone: true})
	w.runs.Play(play(succeeded("ok"), words(2, "ok"), turned(2, "ok")))
	rec := w.post(answering(7, `,{"role":"user","content":"Quick!"}`), "Idempotency-Key", "k1")
	if len(w.runs.Talks()) != 0 || len(w.runs.Replies()) != 1 {
		t.Fatalf("%d talks, %d replies", len(w.runs.Talks()), len(w.runs.Replies()))
	}
	got := w.runs.Replies()[0]
	if len(got.Digest) != 64 {
		t.Errorf("digest %q", got.Digest)
	}
	got.Digest = ""
	want := dispatch.Reply{Run: runID, Owner: "key:desk", Agent: "desk", Key: "k1", CancelWhenGone: true,
		Results:   map[string]string{bridge.ClientCallID(runID, 7, 0): "rang a", bridge.ClientCallID(runID, 7, 1): "rang b"},
		Messages:  []openai.Message{{Role: openai.User, Content: "Quick!"}},
		Functions: []openai.Function{{Name: "ring", Parameters: []byte(`{"type":"object","properties":{}}`)}},
		Params:    openai.Params{Temperature: ptr(1.0)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The same run, but another completion than its first.
	if id := decode(t, rec).ID; id != "chatcmpl-"+runID+"-7" {
		t.Errorf("id %q", id)
	}
}

func TestResultsThatNoRunWaitsForBeginANewOneWithTheWholeConversation(t *testing.T) {
	for _, why := range []error{dispatch.ErrNotFound, dispatch.ErrEnded, dispatch.ErrNotWaiting} {
		w := newWorld(t, chatapi.Options{})
		w.runs.Refuse(why)
		talk := w.talk(answering(7, ""))
		messages := talk.Conversation.Messages
		if len(messages) != 4 {
			t.Fatalf("%v: %+v", why, messages)
		}
		for i, c := range messages[1].Calls {
			if c.ID != messages[2+i].CallID {
				t.Errorf("%v: call %q, result of %q", why, c.ID, messages[2+i].CallID)
			}
		}
	}
}

func TestResultsThatCameTooLateGoOnOnlyIfSomebodySaysSo(t *testing.T) {
	for code, why := range map[string]error{"run_cancelled": dispatch.ErrCancelled, "run_expired": dispatch.ErrExpired} {
		w := newWorld(t, chatapi.Options{})
		w.runs.Refuse(why)
		e := refused(t, w.post(answering(7, "")), http.StatusBadRequest, "messages", code)
		if len(w.runs.Talks()) != 0 || !strings.Contains(e.Message, "/v1/runs/"+runID) {
			t.Errorf("%s: %d talks, %q", code, len(w.runs.Talks()), e.Message)
		}
		w.runs.Refuse(why)
		w.talk(answering(7, `,{"role":"user","content":"Go on!"}`))
	}
}

func TestConversationWithOtherCallsBeginsARun(t *testing.T) {
	for name, body := range map[string]string{
		"somebody else's ids":   saying(asked, rang1, rang2),
		"two runs' ids":         strings.ReplaceAll(answering(7, ""), bridge.ClientCallID(runID, 7, 1), bridge.ClientCallID(runID, 8, 1)),
		"an answer behind them": answering(7, `,{"role":"assistant","content":"Rang."},{"role":"user","content":"Again!"}`),
	} {
		w := newWorld(t, chatapi.Options{})
		if talk := w.talk(body); len(w.runs.Replies()) != 0 || len(talk.Conversation.Messages) < 3 {
			t.Errorf("%s: %d replies", name, len(w.runs.Replies()))
		}
	}
}

func TestRequestHasADigestOfWhatItAsksFor(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	digest := func(body string) string {
		run := w.talk(body, "Idempotency-Key", "k1").Run
		if run.Key != "k1" || run.Owner != "key:desk" {
			t.Errorf("%+v", run)
		}
		return run.Digest
	}
	first := digest(with(`"seed":1,"stream":false`))
	for _, same := range []string{with(`"seed":1`), with(`"seed":1,"stream":true,"stream_options":{"include_usage":true}`), with(` "seed" : 1 `)} {
		if digest(same) != first {
			t.Errorf("another digest for %s", same)
		}
	}
	for _, other := range []string{with(`"seed":2`), strings.Replace(with(`"seed":1`), "hi", "ho", 1), with(`"seed":1,` + tool)} {
		if digest(other) == first {
			t.Errorf("the same digest for %s", other)
		}
	}
	if run := w.talk(with(`"seed":1`)).Run; run.Key != "" || run.Digest != first {
		t.Errorf("without a key: %+v", run)
	}
}

func TestWhatTheDispatcherRefusesIsExplained(t *testing.T) {
	for name, test := range map[string]struct {
		err         error
		status      int
		param, code string
	}{
		"no such agent": {dispatch.ErrUnknownAgent, 404, "model", "model_not_found"},
		"batches":       {dispatch.ErrAnswersLater, 400, "model", "answers_in_batches"},
		"key reused":    {dispatch.ErrKeyReused, 422, "Idempotency-Key", "idempotency_key_reused"},
		"clash":         {&bridge.ConversationError{Param: "tools[0].function.name", Message: "taken"}, 400, "tools[0].function.name", "invalid_value"},
		"missing":       {&dispatch.MissingResultsError{CallIDs: []string{"call_b", "call_a"}}, 400, "messages", "invalid_value"},
		"stopping":      {dispatch.ErrStopping, 503, "", "server_stopping"},
		"our own fault": {errors.New("disk on fire"), 500, "", "internal_error"},
	} {
		w := newWorld(t, chatapi.Options{})
		w.runs.Refuse(test.err)
		e := refused(t, w.post(with(`"seed":1`)), test.status, test.param, test.code)
		if strings.Contains(e.Message, "fire") {
			t.Errorf("%s: tells what is for the log: %s", name, e.Message)
		}
		if name == "missing" && !strings.Contains(e.Message, `["call_a","call_b"]`) {
			t.Errorf("does not name the calls: %s", e.Message)
		}
	}
}

func TestHeadersSayWhatHappensWhenTheClientGoes(t *testing.T) {
	for _, test := range []struct {
		setting bool
		header  string
		want    bool
	}{{false, "", false}, {true, "", true}, {false, "cancel", true}, {true, "continue", false}} {
		w := newWorld(t, chatapi.Options{CancelWhenGone: test.setting})
		if got := w.talk(with(`"seed":1`), "X-Drawbridge-On-Disconnect", test.header).CancelWhenGone; got != test.want {
			t.Errorf("setting %v, header %q: %v", test.setting, test.header, got)
		}
	}
}

func TestHeadersThatSayNothingSensibleAreRefused(t *testing.T) {
	for _, test := range [][2]string{
		{"X-Drawbridge-On-Disconnect", "explode"}, {"X-Drawbridge-Activity", "yes"}, {"Idempotency-Key", ""},
		{"Idempotency-Key", strings.Repeat("k", 256)}, {"Idempotency-Key", "a b"}, {"Idempotency-Key", "clé"},
	} {
		w := newWorld(t, chatapi.Options{})
		refused(t, w.post(with(`"seed":1`), test[0], test[1]), http.StatusBadRequest, test[0], "invalid_value")
	}
	w := newWorld(t, chatapi.Options{})
	r := w.request(with(`"seed":1`))
	r.Header["Idempotency-Key"] = []string{"a", "b"}
	refused(t, w.do(r), http.StatusBadRequest, "Idempotency-Key", "invalid_value")
}
