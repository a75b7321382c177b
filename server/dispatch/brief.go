package dispatch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"cel.dev/cel-go/cel"
)

// Route says what a webhook's events become.
type Route struct {
	// Source is the webhook's name.
	Source string
	// Agent carries the run.
	Agent string
	// When is a CEL condition over event, headers and source; "" lets all through.
	When string
	// Prompt is a text/template over the same: what the agent is to do.
	Prompt string
	// Callback: the run's end is owed to the route's callback address.
	Callback bool

	when   cel.Program
	prompt *template.Template
}

// shownPayload bounds how much of a body the model is shown, in bytes.
const shownPayload = 32 << 10

// SettingError is a mistake in a route, found before the first event: Field is
// "when" or "prompt", Line and Column count from 1 inside the value.
type SettingError struct {
	Field        string
	Line, Column int
	Message      string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("%s: line %d, column %d: %s", e.Field, e.Line, e.Column, e.Message)
}

// Compile checks and prepares the route. Its error joins a *SettingError for each mistake.
func (r *Route) Compile() error {
	return errors.Join(r.compileWhen(), r.compilePrompt())
}

func (r *Route) compileWhen() error {
	if strings.TrimSpace(r.When) == "" {
		return nil
	}
	env, err := cel.NewEnv(
		cel.Variable("event", cel.DynType),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("source", cel.StringType),
	)
	if err != nil {
		return fmt.Errorf("preparing conditions: %w", err)
	}
	checked, issues := env.Compile(r.When)
	if issues.Err() != nil {
		return whenErrors(issues)
	}
	if checked.OutputType() != cel.BoolType && checked.OutputType() != cel.DynType {
		return &SettingError{Field: "when", Line: 1, Column: 1, Message: fmt.Sprintf("the condition gives %s, not true or false", checked.OutputType())}
	}
	r.when, err = env.Program(checked, cel.CostLimit(1_000_000))
	if err != nil {
		return &SettingError{Field: "when", Line: 1, Column: 1, Message: err.Error()}
	}
	return nil
}

// whenErrors gives each mistake its place. CEL counts lines from 1, columns from 0.
func whenErrors(issues *cel.Issues) error {
	var mistakes []error
	for _, e := range issues.Errors() {
		mistakes = append(mistakes, &SettingError{Field: "when", Line: e.Location.Line(), Column: e.Location.Column() + 1, Message: e.Message})
	}
	return errors.Join(mistakes...)
}

func (r *Route) compilePrompt() error {
	parsed, err := template.New("prompt").Option("missingkey=error").Funcs(promptFuncs).Parse(r.Prompt)
	if err != nil {
		line := 1
		text := strings.TrimPrefix(err.Error(), "template: ")
		_, _ = fmt.Sscanf(text, "prompt:%d:", &line)
		if at := strings.Index(text, ": "); at >= 0 {
			text = text[at+2:]
		}
		return &SettingError{Field: "prompt", Line: line, Column: 1, Message: text}
	}
	for _, defined := range parsed.Templates() {
		markKeys(defined.Root)
	}
	r.prompt = parsed
	return nil
}

// Brief decides what an event becomes: a run with its prompt, or nothing and why.
// It has no effects, so that a lost worker's event is simply briefed again.
func (r *Route) Brief(event StoredEvent, runID string) Routing {
	payload, err := parsePayload(event.ContentType, event.Body)
	if err != nil {
		return Routing{Status: Unparsed, Note: err.Error()}
	}
	headers := map[string]string{}
	for name := range event.Headers {
		headers[strings.ToLower(name)] = event.Headers.Get(name)
	}
	if wanted, why := r.wants(payload, headers); !wanted {
		return Routing{Status: Ignored, Note: why}
	}
	var prompt promptText
	err = r.prompt.Execute(&prompt, map[string]any{
		"event":   mark(payload),
		"headers": mark(toAny(headers)),
		"source":  event.Source,
		"id":      event.ID,
	})
	if err != nil {
		return Routing{Status: Faulty, Note: "prompt: " + strings.TrimPrefix(err.Error(), "template: ")}
	}
	prompt.WriteString("\n\n")
	prompt.WriteString(fence(event.Source, event.ContentType, marker(event.ID), event.Body, shownPayload))
	return Routing{Status: Routed, Run: &NewRun{
		ID: runID, Agent: r.Agent, Source: event.Source, Event: event.ID, Replay: event.Replay,
		Prompt: prompt.String(), Tainted: true, Route: r.callbackRoute(),
	}}
}

func (r *Route) callbackRoute() string {
	if r.Callback {
		return r.Source
	}
	return ""
}

// wants evaluates the condition. One that cannot be evaluated, such as one about a
// field this event lacks, does not hold; the note says so.
func (r *Route) wants(payload any, headers map[string]string) (bool, string) {
	if r.when == nil {
		return true, ""
	}
	result, _, err := r.when.Eval(map[string]any{"event": payload, "headers": headers, "source": r.Source})
	if err != nil {
		return false, "when: " + err.Error()
	}
	holds, ok := result.Value().(bool)
	switch {
	case !ok:
		return false, fmt.Sprintf("when: the condition gives %s, not true or false", result.Type().TypeName())
	case !holds:
		return false, "when: the condition does not hold"
	}
	return true, ""
}

func marker(eventID string) string {
	sum := sha256.Sum256([]byte("fence\x00" + eventID))
	return hex.EncodeToString(sum[:8])
}

func toAny(in map[string]string) map[string]any {
	out := make(map[string]any, len(in))
	for key, value := range in {
		out[key] = value
	}
	return out
}
