package openai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPassingErrorsAreAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		first http.HandlerFunc
		wait  time.Duration // with a random of one half
		heard string
	}{
		"timeout":             {status(408), 250 * time.Millisecond, "yes"},
		"conflict":            {status(409), 250 * time.Millisecond, "yes"},
		"limited":             {status(429), 250 * time.Millisecond, "yes"},
		"limited for a while": {status(429, "Retry-After", "3"), 3 * time.Second, "yes"},
		"limited for ms":      {status(429, "Retry-After-Ms", "700", "Retry-After", "3"), 700 * time.Millisecond, "yes"},
		"limited until":       {status(429, "Retry-After", "Sat, 01 Jan 2000 00:00:05 GMT"), 5 * time.Second, "yes"},
		"broken":              {status(500), 250 * time.Millisecond, "yes"},
		"overloaded":          {status(503, "Retry-After", "2"), 2 * time.Second, "yes"},
		"a proxy's page":      {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }, 250 * time.Millisecond, "yes"},
		"no choice":           {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"choices":[]}`)) }, 250 * time.Millisecond, "yes"},
		"connection lost":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 250 * time.Millisecond, "yes"},
		"cut":                 {breaks("n"), 250 * time.Millisecond, "n|(again)|yes"},
		"an error in between": {func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(chunks(`{"content":"n"}`, `{"content":"o"}`, `raw:{"error":{"message":"overloaded"}}`)))
		}, 250 * time.Millisecond, "n|o|(again)|yes"},
		"silence":                      {stops(""), DefaultTimeout + 250*time.Millisecond, "yes"},
		"silence in the middle":        {stops("n"), DefaultTimeout + 250*time.Millisecond, "n|(again)|yes"},
		"said to be worth another try": {status(500, "X-Should-Retry", "true"), 250 * time.Millisecond, "yes"},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, replies(c.first, says("yes")), func(t *testing.T, o ModelsOptions) {
				began := time.Now()
				answer, heard, err := listen(NewModels([]ModelSettings{local}, o), question())
				if err != nil || answer.Content != "yes" || answer.By != "m" || answer.Passed != nil {
					t.Fatalf("answer %+v, error %v", answer, err)
				}
				if got := strings.Join(heard, "|"); got != c.heard {
					t.Errorf("heard %q, want %q", got, c.heard)
				}
				if took := time.Since(began); took != c.wait {
					t.Errorf("took %v, want %v", took, c.wait)
				}
			})
		})
	}
}

func TestPlainRefusalsAreNotAskedAgain(t *testing.T) {
	for code, want := range map[int]Reason{400: BadRequest, 401: WrongKey, 403: Forbidden, 404: NoSuchModel, 413: TooLong, 422: BadRequest} {
		timeless(t, replies(status(code), says("yes")), func(t *testing.T, o ModelsOptions) {
			_, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), question())
			if e := asError(t, err); e.Kind != Permanent || e.Reason != want {
				t.Errorf("%d: %+v", code, e)
			}
		})
	}
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error", err)
	}
	return e
}

func TestModelIsGivenUpAfterSomeAttempts(t *testing.T) {
	asked := 0
	timeless(t, func(w http.ResponseWriter, r *http.Request) { asked++; status(500)(w, r) }, func(t *testing.T, o ModelsOptions) {
		began := time.Now()
		_, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), question())
		if e := asError(t, err); e.Kind != Transient || e.Reason != Unavailable || e.RetryAfter != 0 {
			t.Errorf("%+v", e)
		}
		// Half of 500 ms, of 1 s and of 2 s.
		if took := time.Since(began); asked != 4 || took != 1750*time.Millisecond {
			t.Errorf("asked %d times in %v", asked, took)
		}
	})
}

func TestLongWaitIsTheCallersToWait(t *testing.T) {
	for name, c := range map[string]struct {
		reply http.HandlerFunc
		after time.Duration
	}{
		"for the server":      {status(429, "Retry-After", "11"), 11 * time.Second},
		"for somebody to pay": {status(402), time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			timeless(t, func(w http.ResponseWriter, r *http.Request) { asked++; c.reply(w, r) }, func(t *testing.T, o ModelsOptions) {
				began, models := time.Now(), NewModels([]ModelSettings{local}, o)
				_, err := models.Complete(t.Context(), question())
				if e := asError(t, err); e.Kind != Transient || e.RetryAfter != c.after {
					t.Errorf("%+v", e)
				}
				// Nobody else asks before, either.
				_, err = models.Complete(t.Context(), question())
				if e := asError(t, err); e.Kind != Transient || e.RetryAfter < c.after || e.RetryAfter > c.after+time.Second {
					t.Errorf("the next one: %+v", e)
				}
				if took := time.Since(began); asked != 1 || took != 0 {
					t.Errorf("asked %d times in %v", asked, took)
				}
			})
		})
	}
}

func TestPatienceIsForAllWaitsTogether(t *testing.T) {
	timeless(t, status(429, "Retry-After", "4"), func(t *testing.T, o ModelsOptions) {
		began := time.Now()
		_, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), question())
		if e := asError(t, err); e.RetryAfter != 4*time.Second {
			t.Errorf("%+v", e)
		}
		if took := time.Since(began); took != 8*time.Second {
			t.Errorf("waited for %v, with 10 s of patience", took)
		}
	})
}

func TestWithoutPatienceNothingIsWaitedFor(t *testing.T) {
	asked := 0
	timeless(t, func(w http.ResponseWriter, r *http.Request) { asked++; status(500)(w, r) }, func(t *testing.T, o ModelsOptions) {
		o.Patience = -1
		began := time.Now()
		_, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), question())
		if e := asError(t, err); e.Kind != Transient || e.RetryAfter <= 0 || asked != 1 || time.Since(began) != 0 {
			t.Errorf("asked %d times in %v: %+v", asked, time.Since(began), e)
		}
	})
}

func TestServerThatWantsNoRetryIsAskedOnce(t *testing.T) {
	timeless(t, replies(status(500, "X-Should-Retry", "false"), says("yes")), func(t *testing.T, o ModelsOptions) {
		_, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), question())
		if e := asError(t, err); e.Kind != Transient || e.Status != 500 {
			t.Errorf("%+v", e)
		}
	})
}

func TestAnswerThatKeepsComingMayTakeLong(t *testing.T) {
	lines := []string{": thinking\n\n", chunks(`{"reasoning_content":"hm"}`), chunks(`{"content":"yes"}`), chunks("finish:stop", usageChunk, "[DONE]")}
	timeless(t, ticks(4*time.Minute, lines...), func(t *testing.T, o ModelsOptions) {
		answer, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), question())
		if err != nil || answer.Content != "yes" {
			t.Errorf("answer %+v, error %v", answer, err)
		}
	})
}

func TestHeadersAreASignOfLife(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(4 * time.Minute)
		w.(http.Flusher).Flush()
		ticks(4*time.Minute, chunks(`{"content":"yes"}`, "finish:stop", usageChunk, "[DONE]"))(w, r)
	}
	timeless(t, slow, func(t *testing.T, o ModelsOptions) {
		if answer, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), question()); err != nil {
			t.Errorf("answer %+v, error %v", answer, err)
		}
	})
}

func TestServerThatForgetsToEndItsAnswerIsNotWaitedFor(t *testing.T) {
	whole := chunks(`{"content":"yes"}`, "finish:stop")
	for name, c := range map[string]struct {
		body  string
		wait  time.Duration
		usage bool
	}{
		"no usage":      {whole, afterFinish, false},
		"behind [DONE]": {whole + chunks(usageChunk, "[DONE]"), 100 * time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(w http.ResponseWriter, r *http.Request) {
				w.Write([]byte(c.body))
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}, func(t *testing.T, o ModelsOptions) {
				began := time.Now()
				answer, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), question())
				if err != nil || answer.Content != "yes" || answer.Usage.Estimated == c.usage {
					t.Errorf("answer %+v, error %v", answer, err)
				}
				if took := time.Since(began); took != c.wait {
					t.Errorf("took %v, want %v", took, c.wait)
				}
			})
		})
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	for name, body := range map[string]string{
		"a stream":  chunks(`{"content":"yes"}`, "finish:stop", usageChunk, "[DONE]"),
		"one piece": `{"choices":[{"message":{"content":"yes"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			slow := func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, body)
				w.(http.Flusher).Flush()
				time.Sleep(20 * time.Millisecond) // before the end of the answer
			}
			timeless(t, slow, func(t *testing.T, o ModelsOptions) {
				transport, dials := o.HTTPClient.Transport.(*http.Transport), 0
				dial := transport.DialContext
				transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					dials++
					return dial(ctx, network, address)
				}
				models := NewModels([]ModelSettings{local}, o)
				for range 5 {
					if _, err := models.Complete(t.Context(), question()); err != nil {
						t.Fatal(err)
					}
				}
				if dials != 1 {
					t.Errorf("%d connections for 5 questions", dials)
				}
			})
		})
	}
}

func TestContextThatEndsIsItsOwnErrorAtAnyMoment(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"before the answer": stops(""), "in the answer": stops("n"), "between attempts": status(429, "Retry-After", "5"),
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, handler, func(t *testing.T, o ModelsOptions) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				models := NewModels([]ModelSettings{local}, o)
				for range failuresToOpen + 1 { // such an end says nothing about the model
					if _, err := models.Complete(ctx, question()); err != context.DeadlineExceeded {
						t.Errorf("error %v", err)
					}
				}
			})
		})
	}
}

func TestFallbackAnswersInPlaceOfAModelThatCannot(t *testing.T) {
	for name, c := range map[string]struct {
		reply http.HandlerFunc
		heard string
		why   string
	}{
		"down":     {status(503), "yes", "the model server is not ready (503 Service Unavailable)"},
		"limited":  {status(429, "Retry-After", "60"), "yes", "the model server takes no more requests for now (429)"},
		"key":      {status(401), "yes", "the key is wrong: the model server refused it (401)"},
		"unknown":  {status(404), "yes", `the model "a-2026" does not exist at this address (404)`},
		"too long": {status(413), "yes", `the request is too long for the model "a-2026" (413)`},
		"breaks":   {breaks("n"), "n|(again)|n|(again)|n|(again)|n|(again)|yes", "the model's answer broke off: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			handler := func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/b/") {
					says("yes")(w, r)
					return
				}
				c.reply(w, r)
			}
			timeless(t, handler, func(t *testing.T, o ModelsOptions) {
				var log bytes.Buffer
				o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
				models := NewModels([]ModelSettings{
					{Name: "a", Model: "a-2026", BaseURL: "http://model/a", APIKey: key}, {Name: "b", BaseURL: "http://model/b", APIKey: key},
				}, o)
				q := question()
				q.Model, q.Fallback = "a", []string{"a", "b", "c"}
				for range 3 {
					answer, heard, err := listen(models, q)
					if err != nil || answer.By != "b" {
						t.Fatalf("answer %+v, error %v", answer, err)
					}
					if diff := cmp.Diff([]Passed{{"a", c.why}}, answer.Passed); diff != "" {
						t.Error(diff)
					}
					if got := strings.Join(heard, "|"); got != c.heard {
						t.Errorf("heard %q, want %q", got, c.heard)
					}
				}
				for _, only := range []string{"wrong_key", "no_such_model"} {
					if n := strings.Count(log.String(), "reason="+only); n > 1 {
						t.Errorf("told of %s %d times", only, n)
					}
				}
				if (name == "key" || name == "unknown") && log.Len() == 0 {
					t.Error("nobody was told")
				}
			})
		})
	}
}

func TestRequestThatBreaksTheRulesIsNobodyElses(t *testing.T) {
	timeless(t, replies(status(400), says("yes")), func(t *testing.T, o ModelsOptions) {
		q := question()
		q.Fallback = []string{"b"}
		_, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), q)
		if e := asError(t, err); e.Reason != BadRequest {
			t.Errorf("%+v", e)
		}
	})
}

func TestAllModelsFailingIsTheFirstOnesError(t *testing.T) {
	for name, c := range map[string]struct {
		a, b http.HandlerFunc
		want Error
	}{
		"both for now": {
			status(429, "Retry-After", "60"), status(503, "Retry-After", "20"),
			Error{Kind: Transient, Reason: RateLimited, Status: 429, RetryAfter: 20 * time.Second, Message: `the model server takes no more requests for now (429); and "b": the model server is not ready (503 Service Unavailable)`},
		},
		"one for good": {
			status(401), status(503, "Retry-After", "20"),
			Error{Kind: Transient, Reason: WrongKey, Status: 401, RetryAfter: 20 * time.Second, Message: `the key is wrong: the model server refused it (401); and "b": the model server is not ready (503 Service Unavailable)`},
		},
		"both for good": {
			status(401), status(404),
			Error{Kind: Permanent, Reason: WrongKey, Status: 401, Message: `the key is wrong: the model server refused it (401); and "b": the model "b" does not exist at this address (404)`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, replies(c.a, c.b), func(t *testing.T, o ModelsOptions) {
				q := question()
				q.Fallback = []string{"b"}
				_, err := NewModels([]ModelSettings{local}, o).Complete(t.Context(), q)
				if diff := cmp.Diff(&c.want, asError(t, err)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestModelThatFailsAgainAndAgainIsLeftAlone(t *testing.T) {
	asked, down := 0, true
	handler := func(w http.ResponseWriter, r *http.Request) {
		asked++
		if down {
			status(500)(w, r)
			return
		}
		says("yes")(w, r)
	}
	timeless(t, handler, func(t *testing.T, o ModelsOptions) {
		o.Attempts, o.Random = 1, func() float64 { return 0 }
		models := NewModels([]ModelSettings{local}, o)
		try := func() *Error {
			_, err := models.Complete(t.Context(), question())
			if err == nil {
				return nil
			}
			return asError(t, err)
		}
		for range failuresToOpen {
			try()
		}
		if e := try(); asked != 5 || e.Kind != Transient || e.RetryAfter != 5*time.Second {
			t.Errorf("after five failures: asked %d times, %+v", asked, e)
		}
		time.Sleep(5 * time.Second)
		try() // the probe
		if e := try(); asked != 6 || e.RetryAfter != 10*time.Second {
			t.Errorf("after the probe: asked %d times, %+v", asked, e)
		}
		time.Sleep(10 * time.Second)
		down = false
		for range 3 {
			if e := try(); e != nil {
				t.Errorf("once it is back: %+v", e)
			}
		}
	})
}

// tries asks so many times, and gives the errors.
func tries(t *testing.T, models *Models, n int) []*Error {
	t.Helper()
	var out []*Error
	for range n {
		_, err := models.Complete(t.Context(), question())
		var e *Error
		if err != nil {
			e = asError(t, err)
		}
		out = append(out, e)
	}
	return out
}

func TestModelThatIsOnlyLimitedIsNotLeftAlone(t *testing.T) {
	for name, reply := range map[string]http.HandlerFunc{
		"429": status(429), "out of quota": status(402), "503 with a pause": status(503, "Retry-After", "60"),
	} {
		t.Run(name, func(t *testing.T) {
			limited := true
			handler := func(w http.ResponseWriter, r *http.Request) {
				if limited {
					reply(w, r)
					return
				}
				says("yes")(w, r)
			}
			timeless(t, handler, func(t *testing.T, o ModelsOptions) {
				o.Attempts, o.Patience = 1, time.Millisecond
				models := NewModels([]ModelSettings{local}, o)
				for range 60 {
					tries(t, models, 2)
					time.Sleep(time.Second)
				}
				limited = false
				if e := tries(t, models, 1)[0]; e != nil {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

func TestLimitsOfSettingsAndServerAreKeptTo(t *testing.T) {
	for name, c := range map[string]struct {
		settings ModelSettings
		reply    http.HandlerFunc
		want     time.Duration // of the second question
	}{
		"requests": {ModelSettings{RequestsPerMinute: 20}, says("yes"), 3 * time.Second},
		// It cost 107 of 600 a minute, of which 100 are free at once.
		"tokens":         {ModelSettings{TokensPerMinute: 600}, says("yes"), 4300 * time.Millisecond},
		"as told":        {ModelSettings{}, says("yes", "X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "4s"), 4 * time.Second},
		"none are known": {ModelSettings{}, says("yes"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, c.reply, func(t *testing.T, o ModelsOptions) {
				c.settings.Name, c.settings.BaseURL = local.Name, local.BaseURL
				models := NewModels([]ModelSettings{c.settings}, o)
				q := Request{Model: "m", Messages: []Message{{Role: User, Content: strings.Repeat("x", 4*35)}}} // 36 tokens
				for _, want := range []time.Duration{0, c.want} {
					began := time.Now()
					if _, err := models.Complete(t.Context(), q); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(began).Round(time.Millisecond); took != want {
						t.Errorf("waited %v, want %v", took, want)
					}
				}
			})
		})
	}
}

func TestPersonIsToldAgainOfWhatHadBeenMended(t *testing.T) {
	timeless(t, replies(status(401), status(401), says("yes"), status(401)), func(t *testing.T, o ModelsOptions) {
		var log bytes.Buffer
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		tries(t, NewModels([]ModelSettings{local}, o), 4)
		if n := strings.Count(log.String(), "reason=wrong_key"); n != 2 {
			t.Errorf("told %d times:\n%s", n, log.String())
		}
	})
}

func TestNameThatIsNotConfiguredGoesToTheDefaultEndpoint(t *testing.T) {
	var body []byte
	handler := func(w http.ResponseWriter, r *http.Request) {
		body = make([]byte, 64)
		r.Body.Read(body)
		says("yes")(w, r)
	}
	timeless(t, handler, func(t *testing.T, o ModelsOptions) {
		o.Prices, o.Currency = map[string]Prices{"x-1": {Input: 2_000_000, Output: 8_000_000}, "m": {Input: 1_000_000}}, "USD"
		models := NewModels([]ModelSettings{{Name: "m", Model: "m-2026", BaseURL: "http://model/v1"}}, o)
		for name, want := range map[string]struct {
			model string
			cost  int64
		}{"x-1": {"x-1", 256}, "m": {"m-2026", 100}, "": {"m-2026", 100}} {
			q := question()
			q.Model = name
			answer, err := models.Complete(t.Context(), q)
			if err != nil || answer.Cost != want.cost || answer.Currency != "USD" {
				t.Errorf("%q: answer %+v, error %v", name, answer, err)
			}
			if !bytes.HasPrefix(body, []byte(`{"model":"`+want.model+`",`)) {
				t.Errorf("%q: asked %s", name, body)
			}
		}
	})
}
