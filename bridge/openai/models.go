package openai

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// ModelSettings say where a model is and what it allows.
type ModelSettings struct {
	// Name is what agents call the model; Model is its name at the endpoint, the same
	// if empty.
	Name, Model string
	// BaseURL, APIKey, API and Timeout are those of [Options].
	BaseURL, APIKey string
	API             API
	Timeout         time.Duration
	// RequestsPerMinute and TokensPerMinute are the model's limits; 0 if there are
	// none, or none are known. What the server tells of them is heeded besides.
	RequestsPerMinute, TokensPerMinute int
}

// ModelsOptions of Models. The zero value is right for a start.
type ModelsOptions struct {
	// Prices by a model's configured name, or else by its name at the endpoint.
	Prices map[string]Prices
	// Currency of the prices.
	Currency string
	// Patience is how long a question may wait in all before a model is given up:
	// between attempts, for a limit, for what the server asked. Default 10 s; less
	// than 0 is not at all.
	Patience time.Duration
	// Attempts bounds how often one model is asked the same question, 4 by default.
	Attempts int
	// HTTPClient is shared by all models; it keeps many connections by default.
	HTTPClient *http.Client
	// Now is time.Now, Random a number in [0, 1) by default.
	Now    func() time.Time
	Random func() float64
	// Log is silent by default.
	Log *slog.Logger
}

func (o ModelsOptions) withDefaults() ModelsOptions {
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	o.Patience = max(o.Patience, 0)
	if o.Attempts <= 0 {
		o.Attempts = 4
	}
	if o.HTTPClient == nil {
		o.HTTPClient = newHTTPClient()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Models asks the models of a program by their configured names. What is known about
// a model (its limits, whether it is down) is shared by all who ask it. It is safe
// for concurrent use.
type Models struct {
	options  ModelsOptions
	fallback ModelSettings // of a name that is not configured

	mu     sync.Mutex
	byName map[string]*model
}

// NewModels makes the models; nothing is sent yet. The first is the default: it is
// asked when a request names no model, and a name that is not configured is taken for
// a model's name at its endpoint, with limits of its own.
func NewModels(settings []ModelSettings, o ModelsOptions) *Models {
	if len(settings) == 0 {
		panic("openai: no model to ask")
	}
	m := &Models{options: o.withDefaults(), fallback: settings[0], byName: map[string]*model{}}
	for _, s := range settings {
		m.byName[s.Name] = newModel(s, m.options)
	}
	return m
}

// model gives the model of a name. Names come from settings, so there are few.
func (m *Models) model(name string) *model {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.byName[name]
	if !ok {
		s := m.fallback
		s.Name, s.Model = name, name
		found = newModel(s, m.options)
		found.borrowed = true
		m.byName[name] = found
	}
	return found
}

// Complete asks the request's model, and then its fallbacks, until one answers. A
// model is passed over when it does not answer for reasons of its own: it is down,
// limited or unknown, the key is not good for it, the request too long. A request that is
// against the rules is nobody else's to answer.
//
// An error is the context's own when that ended, and otherwise an *[Error]: the first
// model's. It is permanent only if none of them can be asked again, and says to come
// back when the first of them can.
func (m *Models) Complete(ctx context.Context, r Request) (Answer, error) {
	var passed []Passed
	var failures []*Error
	for _, name := range m.names(r) {
		answer, err := m.model(name).complete(ctx, r)
		if err == nil {
			answer.By, answer.Passed = name, passed
			return answer, nil
		}
		var e *Error
		if !errors.As(err, &e) {
			return Answer{}, err
		}
		failures = append(failures, e)
		passed = append(passed, Passed{Model: name, Why: e.Message})
		if e.Reason == BadRequest {
			break
		}
	}
	return Answer{}, together(failures, passed)
}

// names are those to ask, in order, each once.
func (m *Models) names(r Request) []string {
	first := r.Model
	if first == "" {
		first = m.fallback.Name
	}
	out := []string{first}
	for _, name := range r.Fallback {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// together makes one error of those of all models asked.
func together(failures []*Error, passed []Passed) *Error {
	out := *failures[0]
	for i, e := range failures[1:] {
		out.Message += fmt.Sprintf("; and %q: %s", passed[i+1].Model, e.Message)
		if e.Kind == Transient && (out.Kind != Transient || e.RetryAfter < out.RetryAfter) {
			out.Kind, out.RetryAfter = Transient, e.RetryAfter
		}
	}
	return &out
}
