package chatapi_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/auth"
	"drawbridge/server/chatapi"
	"drawbridge/server/chatapi/chattest"
	"drawbridge/server/dispatch"
)

// twoTurns is a run that speaks, calls, and speaks again.
func twoTurns() *chattest.Exchange {
	return play(succeeded("It is paid."),
		words(1, "Let me"), words(1, " look."), turned(1, "Let me look."),
		calling(1, "crm_get_customer"), returned(1, "crm_get_customer", false), calling(1, "payment_get"), returned(1, "payment_get", true),
		words(2, "It is"), words(2, " paid."), turned(2, "It is paid."))
}

func TestSeveralTurnsBecomeOneCleanMessage(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	x := twoTurns()
	w.runs.Play(x)
	s, rec := w.stream(chattest.Asked{Usage: true})
	if want := "Let me look.\n\nIt is paid."; s.Content != want || s.Finish != "stop" || s.Reasoning != "" {
		t.Errorf("said %q, finished %q, reasoned %q", s.Content, s.Finish, s.Reasoning)
	}
	want := chattest.Usage{Prompt: 100, Completion: 20, Total: 120}
	want.PromptOf.Cached, want.OutOf.Reasoning = 64, 8
	if diff := cmp.Diff(&want, s.Usage); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(chattest.About{Run: runID, State: "succeeded", Reason: "answered", Model: "gpt-x"}, s.Run); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{"X-Drawbridge-Run": runID, "Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Content-Type": "text/event-stream; charset=utf-8"} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(rec.Header().Get("X-Request-Id"), "req_") || s.Model != "desk" {
		t.Errorf("request %q, model %q", rec.Header().Get("X-Request-Id"), s.Model)
	}
	if x.Left() != 1 {
		t.Errorf("left %d times", x.Left())
	}
}

func TestWholeAnswerHasTheSameMessage(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	w.runs.Play(twoTurns())
	a, rec := w.whole()
	if len(a.Choices) != 1 || rec.Status() != http.StatusOK || a.Object != "chat.completion" || a.Model != "desk" || a.Created == 0 {
		t.Fatalf("%d %s", rec.Status(), rec.Body(true))
	}
	m := a.Choices[0].Message
	if text(m.Content) != "Let me look.\n\nIt is paid." || m.Role != "assistant" || m.Refusal != nil || a.Choices[0].Finish != "stop" || m.Reasoning != "" {
		t.Errorf("%+v", a.Choices[0])
	}
	if a.Usage.Total != 120 || a.Usage.PromptOf.Cached != 64 || a.Drawbridge.Run != runID || rec.Header().Get("X-Drawbridge-Run") != runID {
		t.Errorf("%+v", a)
	}
	if m.Calls != nil {
		t.Errorf("calls leaked: %+v", m.Calls)
	}
}

func TestActivityIsShownWhenAskedForAndWithoutWhatWasCalledWith(t *testing.T) {
	const lines = "crm_get_customer ...\ncrm_get_customer -> ok\npayment_get ...\npayment_get -> error\n"
	for name, test := range map[string]struct {
		setting bool
		header  []string
		want    string
	}{
		"by the header":  {false, []string{"X-Drawbridge-Activity", "true"}, lines},
		"by the setting": {true, nil, lines},
		"not any more":   {true, []string{"X-Drawbridge-Activity", "false"}, ""},
		"not by default": {false, nil, ""},
	} {
		w := newWorld(t, chatapi.Options{Activity: test.setting})
		w.runs.Play(twoTurns(), twoTurns())
		s, rec := w.stream(chattest.Asked{}, test.header...)
		if s.Reasoning != test.want || s.Content != "Let me look.\n\nIt is paid." {
			t.Errorf("%s: reasoned %q, said %q", name, s.Reasoning, s.Content)
		}
		if a, _ := w.whole(test.header...); a.Choices[0].Message.Reasoning != test.want {
			t.Errorf("%s, whole: reasoned %q", name, a.Choices[0].Message.Reasoning)
		}
		if body := rec.Body(true); s.Reasoning != "" && strings.Index(body, "look.") > strings.Index(body, "crm_get_customer ...") {
			t.Errorf("%s: shown before the words that came first: %s", name, body)
		}
		if strings.Contains(rec.Body(true), "1234") {
			t.Errorf("%s: what was called with, or returned, is shown", name)
		}
	}
}

func TestCallsOfTheClientAreHandedOver(t *testing.T) {
	end := ended(dispatch.Waiting, bridge.ClientCalls, "", 1)
	end.Calls = []openai.Call{{ID: "call_cafe_3_0", Name: "ring", Arguments: `{"times":2}`}, {ID: "call_cafe_3_1", Name: "open", Arguments: `{}`}}
	w := newWorld(t, chatapi.Options{})
	w.runs.Play(play(end, words(1, "One moment."), turned(1, "One moment.")), play(end, words(1, "One moment."), turned(1, "One moment.")), play(end, turned(1, "")))
	s, _ := w.stream(chattest.Asked{Usage: true, Own: []string{"ring", "open"}})
	if len(s.Calls) != 2 || s.Finish != "tool_calls" || s.Content != "One moment." || s.Calls[0].ID != "call_cafe_3_0" || s.Calls[0].Function.Arguments != `{"times":2}` {
		t.Errorf("%+v", s)
	}
	if a, _ := w.whole(); len(a.Choices[0].Message.Calls) != 2 || a.Choices[0].Finish != "tool_calls" || text(a.Choices[0].Message.Content) != "One moment." {
		t.Errorf("%+v", a)
	}
	if a, _ := w.whole(); a.Choices[0].Message.Content != nil {
		t.Errorf("words beside calls alone: %q", *a.Choices[0].Message.Content)
	}
}

func TestAnswerWithoutWordsHasEmptyOnes(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	w.runs.Play(play(succeeded("")))
	if a, rec := w.whole(); a.Choices[0].Message.Content == nil {
		t.Errorf("null, which clients read as calls: %s", rec.Body(true))
	}
}

func TestEndingsAreToldAsClientsExpect(t *testing.T) {
	spoke := []chattest.Step{words(1, "Half a"), turned(1, "Half a")}
	refusing := ended(dispatch.Failed, bridge.ModelRefused, "Not finished. The model declined.", 0)
	refusing.Refusal = "I would rather not."
	for name, test := range map[string]struct {
		end             dispatch.ExchangeEnd
		steps           []chattest.Step
		content, finish string
		refusal         string
	}{
		"cut at the limit":               {ended(dispatch.Failed, bridge.Length, "Not finished. Half a", 0), spoke, "Half a", "length", ""},
		"cut before the first word":      {ended(dispatch.Failed, bridge.Length, "Not finished.", 0), nil, "Not finished.", "length", ""},
		"withheld":                       {ended(dispatch.Failed, bridge.ContentFiltered, "Withheld.", 0), spoke, "Half a", "content_filter", ""},
		"declined":                       {ended(dispatch.Failed, bridge.ModelRefused, "I will not.", 0), nil, "", "stop", "I will not."},
		"declined, in its words":         {refusing, nil, "", "stop", "I would rather not."},
		"out of budget":                  {ended(dispatch.Failed, bridge.BudgetTurns, "Not finished. Done: a (ok)", 1), spoke, "Half a\n\nNot finished. Done: a (ok)", "stop", ""},
		"out of budget, in its words":    {ended(dispatch.Failed, bridge.BudgetTurns, "Half a", 1), spoke, "Half a", "stop", ""},
		"the day is over in the middle":  {ended(dispatch.Failed, bridge.BudgetDay, "Not finished.", 3), nil, "Not finished.", "stop", ""},
		"gave up after calls":            {ended(dispatch.Failed, bridge.ModelError, "Done: refund (ok)", 1), nil, "Done: refund (ok)", "stop", ""},
		"gave up after words":            {ended(dispatch.Dead, bridge.ModelUnavailable, "Not finished.", 0), spoke, "Half a\n\nNot finished.", "stop", ""},
		"cancelled":                      {ended(dispatch.Cancelled, bridge.CancelledByUser, "Cancelled.", 0), nil, "Cancelled.", "stop", ""},
		"an answer nobody heard":         {ended(dispatch.Succeeded, bridge.Answered, "All well.", 0), nil, "All well.", "stop", ""},
		"waits for a person":             {ended(dispatch.Waiting, "approval", "The refund of 5 EUR waits for approval.", 1), spoke, "Half a\n\nThe refund of 5 EUR waits for approval.\n\nThe run " + runID + " goes on by itself once that is decided.", "stop", ""},
		"waits for a person, no details": {ended(dispatch.Waiting, "approval", "", 1), nil, "This waits for a person (approval).\n\nThe run " + runID + " goes on by itself once that is decided.", "stop", ""},
	} {
		w := newWorld(t, chatapi.Options{})
		w.runs.Play(play(test.end, test.steps...), play(test.end, test.steps...))
		s, _ := w.stream(chattest.Asked{})
		if s.Content != test.content || s.Finish != test.finish || s.Refusal != test.refusal || s.Run.State != string(test.end.State) {
			t.Errorf("%s: said %q, finish %q, refusal %q, %+v", name, s.Content, s.Finish, s.Refusal, s.Run)
		}
		a, rec := w.whole()
		if rec.Status() != http.StatusOK || text(a.Choices[0].Message.Content) != test.content || a.Choices[0].Finish != test.finish || text(a.Choices[0].Message.Refusal) != test.refusal {
			t.Errorf("%s, whole: %s", name, rec.Body(true))
		}
	}
}

func TestRunThatCameToNothingIsAnErrorWithItsOwnStatus(t *testing.T) {
	for name, test := range map[string]struct {
		end    dispatch.ExchangeEnd
		status int
		param  string
		code   string
	}{
		"the model cannot be asked": {ended(dispatch.Failed, bridge.ModelError, "The key is wrong.", 0), 502, "", "model_error"},
		"gave up":                   {ended(dispatch.Dead, bridge.ModelUnavailable, "The model is away.", 0), 502, "", "model_unavailable"},
		"the day's budget":          {ended(dispatch.Cancelled, bridge.BudgetDay, "Used up.", 0), 429, "", "insufficient_quota"},
		"too long":                  {ended(dispatch.Failed, bridge.ContextFull, "Too long.", 0), 400, "messages", "context_length_exceeded"},
	} {
		w := newWorld(t, chatapi.Options{})
		for _, body := range []string{`{"model":"desk","stream":true,"messages":[{"role":"user","content":"hi"}]}`, `{"model":"desk","messages":[{"role":"user","content":"hi"}]}`} {
			w.runs.Play(play(test.end))
			rec := w.post(body)
			e := refused(t, rec, test.status, test.param, test.code)
			if !strings.Contains(e.Message, runID) || rec.Header().Get("X-Should-Retry") != "false" || rec.Header().Get("X-Drawbridge-Run") != runID {
				t.Errorf("%s: %q, %v", name, e.Message, rec.Header())
			}
		}
	}
}

func TestSilentStreamIsKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chatapi.Options{KeepAlive: time.Hour}) // 10 s is the most
		w.runs.Play(play(succeeded("ok"), after(61*time.Second, words(1, "Let me look.")), turned(1, "Let me look."), calling(1, "slow"),
			after(95*time.Second, returned(1, "slow", false)), after(25*time.Second, words(2, "ok")), turned(2, "ok")))
		s, rec := w.stream(chattest.Asked{})
		if rec.Gap() > 10*time.Second || s.Comments < 16 {
			t.Errorf("silent for %s, %d comments", rec.Gap(), s.Comments)
		}
		if s.Content != "Let me look.\n\nok" {
			t.Errorf("said %q", s.Content)
		}
	})
}

func TestErrorBehindTheFirstByteIsPartOfTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, step := range map[string]chattest.Step{
			"a comment": after(12*time.Second, happened(bridge.Again, "")), "words": words(1, "Half"),
		} {
			w := newWorld(t, chatapi.Options{})
			w.runs.Play(play(ended(dispatch.Failed, bridge.ModelError, "", 0), step, chattest.Step{Err: errors.New("stopping")}))
			s, rec := w.stream(chattest.Asked{Usage: true})
			if s.Error == nil || rec.Status() != http.StatusOK || text(s.Error.Code) != "run_interrupted" || !strings.Contains(s.Error.Message, runID) {
				t.Errorf("behind %s: %d %+v", name, rec.Status(), s.Error)
			}
		}
	})
}

func TestStoppedServerAnswersWhatHasNoByteYet(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	w.runs.Play(play(succeeded(""), chattest.Step{Err: errors.New("stopping")}))
	rec := w.post(`{"model":"desk","messages":[{"role":"user","content":"hi"}]}`)
	refused(t, rec, http.StatusFailedDependency, "", "run_interrupted")
}

func TestCallerWaitsForAModelThatIsAwayButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chatapi.Options{Patience: time.Minute})
		// Put down and carried again without getting on, for longer than a minute.
		begin := time.Now()
		x := play(succeeded("late"), happened(dispatch.Parked, "model_unavailable"), after(20*time.Second, happened(dispatch.Resumed, "")),
			after(20*time.Second, happened(dispatch.Parked, "model_unavailable")), after(time.Hour, words(1, "late")))
		w.runs.Play(x)
		s, _ := w.stream(chattest.Asked{})
		if s.Error == nil || text(s.Error.Code) != "model_unavailable" || !strings.Contains(s.Error.Message, runID) {
			t.Fatalf("%+v", s.Error)
		}
		if waited := time.Since(begin); waited != time.Minute {
			t.Errorf("waited %s", waited)
		}
		if x.Left() != 1 {
			t.Errorf("left %d times", x.Left())
		}
	})
}

// What it had done until then is done: whether to ask again is for a person to say.
func TestRunThatIsCancelledForWaitingIsNotAskedForAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chatapi.Options{CancelWhenGone: true})
		w.runs.Play(play(succeeded("late"), calling(1, "payment_refund"), happened(dispatch.Parked, "model_unavailable"), after(time.Hour, words(2, "late"))))
		rec := w.post(`{"model":"desk","messages":[{"role":"user","content":"hi"}]}`)
		if e := refused(t, rec, http.StatusFailedDependency, "", "model_unavailable"); !strings.Contains(e.Message, "cancelled") || rec.Header().Get("X-Should-Retry") != "false" {
			t.Errorf("%q, %v", e.Message, rec.Header())
		}
	})
}

func TestCallerWhoseModelComesBackGetsItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chatapi.Options{Patience: time.Minute})
		w.runs.Play(play(succeeded("Hello again"), words(1, "Hello"), happened(dispatch.Parked, "model_unavailable"), after(50*time.Second, happened(dispatch.Resumed, "")),
			after(50*time.Second, words(1, "Hello")), words(1, " again"), turned(1, "Hello again"), happened(dispatch.Parked, "x"), after(50*time.Second, happened(dispatch.Resumed, ""))))
		if s, _ := w.stream(chattest.Asked{}); s.Content != "Hello again" || s.Error != nil {
			t.Errorf("said %q, %+v", s.Content, s.Error)
		}
	})
}

func TestClientThatGoesLeavesTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, body := range []string{`"stream":true,`, ``} {
			w := newWorld(t, chatapi.Options{})
			x := play(succeeded("ok"), words(1, "o"), after(time.Hour, words(1, "k")))
			w.runs.Play(x)
			ctx, leave := cancelled(t)
			time.AfterFunc(7*time.Second, leave)
			begin := time.Now()
			r := w.request(`{"model":"desk",` + body + `"messages":[{"role":"user","content":"hi"}]}`)
			rec := w.do(r.WithContext(auth.With(ctx, w.key)))
			if waited := time.Since(begin); waited != 7*time.Second || x.Left() != 1 {
				t.Errorf("left %d times after %s", x.Left(), waited)
			}
			if strings.Contains(rec.Body(true), "[DONE]") {
				t.Errorf("talked on: %s", rec.Body(true))
			}
		}
	})
}

func TestClientThatTakesNothingMoreLeavesTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chatapi.Options{})
		x := play(succeeded("ok"), words(1, "o"), after(time.Second, words(1, "k")), after(time.Hour, turned(1, "ok")))
		w.runs.Play(x)
		rec := chattest.NewRecorder()
		time.AfterFunc(500*time.Millisecond, rec.Leave)
		begin := time.Now()
		w.api.ServeHTTP(rec, w.request(`{"model":"desk","stream":true,"messages":[{"role":"user","content":"hi"}]}`))
		if waited := time.Since(begin); waited != time.Second || x.Left() != 1 {
			t.Errorf("left %d times after %s", x.Left(), waited)
		}
	})
}

// stuck is a client that takes nothing.
type stuck struct {
	*chattest.Recorder
	until time.Time
}

func (s *stuck) SetWriteDeadline(t time.Time) error { s.until = t; return nil }

func (s *stuck) Write([]byte) (int, error) {
	if s.until.IsZero() {
		s.until = time.Now().Add(time.Hour)
	}
	time.Sleep(time.Until(s.until))
	return 0, os.ErrDeadlineExceeded
}

func TestClientThatTakesNoAnswerHoldsItsPlaceForABoundedTime(t *testing.T) {
	for _, stream := range []string{"false", "true"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, chatapi.Options{})
			w.runs.Play(play(succeeded("ok"), words(1, "ok"), turned(1, "ok")))
			begin := time.Now()
			w.api.ServeHTTP(&stuck{Recorder: chattest.NewRecorder()}, w.request(with(`"stream":`+stream)))
			if waited := time.Since(begin); waited > time.Minute {
				t.Errorf("streamed %s: held for %v", stream, waited)
			}
		})
	}
}

func TestWordsThatAreThereAlreadyGoOutTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chatapi.Options{})
		steps := make([]chattest.Step, 1000)
		for i := range steps {
			steps[i] = words(1, "la ")
		}
		w.runs.Play(play(succeeded(""), steps...))
		s, rec := w.stream(chattest.Asked{})
		if len(s.Content) != 3000 || rec.Flushes() > 600 {
			t.Errorf("%d bytes in %d flushes", len(s.Content), rec.Flushes())
		}
	})
}

func TestAnswerForAProgramIsTheLastTurnAlone(t *testing.T) {
	steps := []chattest.Step{words(1, "Let me look."), turned(1, "Let me look."), calling(1, "a"), returned(1, "a", false), words(2, `{"paid":`), words(2, `true}`), turned(2, `{"paid":true}`)}
	for name, body := range map[string]string{
		"the caller's schema": `{"model":"desk","stream":true,"response_format":{"type":"json_object"},"messages":[{"role":"user","content":"hi"}]}`,
		"the agent's schema":  `{"model":"clerk-json","stream":true,"messages":[{"role":"user","content":"hi"}]}`,
	} {
		w := newWorld(t, chatapi.Options{})
		w.runs.Play(play(succeeded(`{"paid":true}`), steps...), play(ended(dispatch.Failed, bridge.Loop, "Not finished.", 1), steps[:4]...))
		for _, want := range []string{`{"paid":true}`, "Not finished."} {
			if s := chattest.Read(strings.NewReader(w.post(body).Body(true)), chattest.Asked{}); s.Content != want || len(s.Broken) > 0 {
				t.Errorf("%s: said %q, broken %q", name, s.Content, s.Broken)
			}
		}
	}
}

// scripts draws what a run may do, with an end.
func scripts(t *rapid.T) (steps []chattest.Step, end dispatch.ExchangeEnd) {
	said := rapid.StringOf(rapid.SampledFrom([]rune("ab \n\"é<\u2028")))
	for turn := range rapid.IntRange(0, 4).Draw(t, "turns") {
		whole := said.Draw(t, "words")
		for range rapid.IntRange(0, 3).Draw(t, "attempts") {
			for rest := whole; rest != ""; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "n")
				for n < len(rest) && rest[n]&0xc0 == 0x80 {
					n++
				}
				steps = append(steps, words(turn+1, rest[:n]))
				rest = rest[n:]
			}
			whole = rapid.SampledFrom([]string{whole, said.Draw(t, "other words")}).Draw(t, "again")
			steps = append(steps, happened(bridge.Again, ""))
		}
		steps = append(steps, words(turn+1, whole), turned(turn+1, whole), calling(turn+1, "f"), returned(turn+1, "f", false))
	}
	end = rapid.SampledFrom([]dispatch.ExchangeEnd{
		succeeded(""), ended(dispatch.Failed, bridge.BudgetCalls, "Not finished.", 1), ended(dispatch.Failed, bridge.Length, "x", 1), ended(dispatch.Failed, bridge.ModelRefused, "No.", 1),
	}).Draw(t, "end")
	return steps, end
}

func TestStreamedAndWholeAnswersSayTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps, end := scripts(rt)
		w := newWorld(t, chatapi.Options{Activity: rapid.Bool().Draw(rt, "activity")})
		w.runs.Play(play(end, steps...), play(end, steps...))
		s, rec := w.stream(chattest.Asked{Usage: true})
		a, _ := w.whole()
		m := a.Choices[0].Message
		if s.Content != text(m.Content) || s.Reasoning != m.Reasoning || s.Refusal != text(m.Refusal) || s.Finish != a.Choices[0].Finish || *s.Usage != a.Usage || s.Run != a.Drawbridge {
			rt.Fatalf("streamed %s\nwhole %+v", rec.Body(true), a)
		}
		if strings.HasPrefix(s.Content, "\n") {
			rt.Fatalf("begins with an empty line: %q", s.Content)
		}
	})
}
