package openai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// model is one model with what is known about it.
type model struct {
	ModelsOptions
	name, endpointName string
	borrowed           bool // it has the default model's endpoint and key
	client             *Client
	pace               *pace
	circuit            *circuit
	prices             *Prices

	mu     sync.Mutex
	warned map[Reason]bool // since it last answered
}

func newModel(s ModelSettings, o ModelsOptions) *model {
	m := &model{ModelsOptions: o, name: s.Name, endpointName: cmp.Or(s.Model, s.Name), warned: map[Reason]bool{}}
	m.client = New(Options{BaseURL: s.BaseURL, APIKey: s.APIKey, API: s.API, HTTPClient: o.HTTPClient, Timeout: s.Timeout, Now: o.Now})
	m.client.name = s.Name
	m.pace = newPace(s.RequestsPerMinute, s.TokensPerMinute, o.Random)
	m.circuit = &circuit{random: o.Random}
	for _, name := range []string{m.endpointName, m.name} {
		if p, ok := o.Prices[name]; ok {
			m.prices = &p
		}
	}
	return m
}

// complete asks the model, again if that may help and does not take long.
func (m *model) complete(ctx context.Context, r Request) (Answer, error) {
	r.Model = m.endpointName
	pass, wait := m.circuit.enter(m.Now())
	if wait > 0 {
		e := transientError(Unavailable, fmt.Sprintf("the model is left alone for %v, since it failed again and again", wait.Round(time.Second)))
		e.RetryAfter = wait
		return Answer{}, e
	}
	answer, asked, err := m.attempts(ctx, r)
	if d := pass.leave(m.Now(), judge(asked, err)); d > 0 {
		m.Log.WarnContext(ctx, "a model is left alone", "model", m.name, "for", d, "error", err)
	}
	m.warn(ctx, err)
	if err == nil && m.prices != nil {
		answer.Cost, answer.Currency = m.prices.Cost(answer.Usage), m.Currency
	}
	return answer, err
}

// judge says what an end means for the circuit.
func judge(asked bool, err error) verdict {
	var e *Error
	switch {
	case err == nil:
		return answers
	case !asked, !errors.As(err, &e), e.Reason == RateLimited, e.Reason == OutOfQuota:
		return aside
	case e.Kind == Transient:
		return fails
	}
	return answers
}

// warn tells the person who runs the program, once, of what only they can mend.
func (m *model) warn(ctx context.Context, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var e *Error
	if err == nil {
		clear(m.warned)
	}
	if !errors.As(err, &e) || m.warned[e.Reason] {
		return
	}
	switch e.Reason {
	case WrongKey, Forbidden, NoSuchModel, OutOfQuota:
		m.warned[e.Reason] = true
		m.Log.WarnContext(ctx, "a model cannot be asked", "model", m.name, "reason", e.Reason, "error", e.Message)
	}
}

// attempts asks until there is an answer, an error that asking again does not help,
// or nothing left of the patience. Asked says whether anything was sent.
func (m *model) attempts(ctx context.Context, r Request) (answer Answer, asked bool, err error) {
	tokens, left := promptTokens(r), m.Patience
	rest := func(d time.Duration) error {
		left -= d
		return sleep(ctx, d)
	}
	for n := 1; ; n++ {
		wait, refused := m.pace.admit(m.Now(), tokens, left)
		if refused != nil {
			return Answer{}, n > 1, refused
		}
		if err := rest(wait); err != nil {
			return Answer{}, n > 1, err
		}
		answer, header, err := m.attempt(ctx, r)
		if err == nil {
			m.pace.correct(m.Now(), answer.Usage.Prompt+answer.Usage.Completion-tokens)
			return answer, true, nil
		}
		var e *Error
		if !errors.As(err, &e) || e.Kind == Permanent || askNoMore(header) || n >= m.Attempts {
			return Answer{}, true, err
		}
		delay := max(e.RetryAfter, backoff(n, m.Random()))
		if delay > left {
			e.RetryAfter = delay
			return Answer{}, true, e
		}
		m.Log.InfoContext(ctx, "asking the model again", "model", m.name, "attempt", n+1, "wait", delay, "reason", e.Reason, "error", e.Message)
		if err := rest(delay); err != nil {
			return Answer{}, true, err
		}
	}
}

// attempt asks once. What was heard of an answer that did not come to its end is
// taken back at once.
func (m *model) attempt(ctx context.Context, r Request) (Answer, http.Header, error) {
	tell, heard := r.Hear.Text, false
	r.Hear.Text = func(text string) {
		heard = true
		if tell != nil {
			tell(text)
		}
	}
	answer, header, err := m.client.ask(ctx, r)
	m.pace.learn(m.Now(), header)
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		m.pace.hold(m.Now(), e)
	}
	if err != nil && heard && r.Hear.Again != nil {
		r.Hear.Again()
	}
	return answer, header, err
}

const (
	firstBackoff   = 500 * time.Millisecond
	longestBackoff = 8 * time.Second
)

// backoff is how long to wait after the nth attempt: anything up to twice the bound
// of the one before, so that those who failed together do not come back together.
func backoff(n int, random float64) time.Duration {
	bound := min(firstBackoff<<min(n-1, 10), longestBackoff)
	return time.Duration(random * float64(bound))
}

// sleep waits, unless the context ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
