package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"drawbridge/bridge/convert"
)

// mostCorrections is how often the model is asked again for an answer that fits.
const mostCorrections = 2

// CheckOutput reports why a JSON Schema cannot be the form of an agent's answers, nil
// if it can.
func CheckOutput(schema json.RawMessage) error {
	_, err := outputOf(schema)
	return err
}

// output is the form of an agent's answers, as a model can be held to it: strict,
// with an object at the root, and with a way back.
type output struct {
	*convert.Function
	wrapped bool // the answer is the only member of that object
}

func outputOf(schema json.RawMessage) (*output, error) {
	var root any
	if json.Unmarshal(schema, &root) != nil {
		return nil, errors.New("reading the schema of the answer: it is no JSON")
	}
	switch root.(type) {
	case map[string]any, bool:
	default:
		return nil, errors.New("reading the schema of the answer: it is neither an object nor true or false")
	}
	out := &output{wrapped: !saysObject(schema)}
	if out.wrapped {
		schema = wrapped(schema)
	}
	var err error
	if out.Function, err = converted.Convert(convert.Tool{Name: "answer", Input: schema}); err != nil {
		return nil, fmt.Errorf("reading the schema of the answer: %w", errors.Unwrap(err))
	}
	return out, nil
}

// saysObject reports whether a schema plainly means objects.
func saysObject(schema json.RawMessage) bool {
	var root struct {
		Type       json.RawMessage `json:"type"`
		Properties json.RawMessage `json:"properties"`
	}
	err := json.Unmarshal(schema, &root)
	return err == nil && (string(root.Type) == `"object"` || root.Type == nil && root.Properties != nil)
}

// localReference is the beginning of a reference within a schema. What looks like it in
// a text has a backslash before each quote.
var localReference = regexp.MustCompile(`("\$ref"\s*:\s*"#)`)

// wrapped is the schema of an object whose only member is what the schema says.
func wrapped(schema json.RawMessage) json.RawMessage {
	moved := localReference.ReplaceAll(schema, []byte("${1}/properties/"+answerMember))
	return fmt.Appendf(nil, `{"type":"object","properties":{%q:%s},"required":[%q],"additionalProperties":false}`, answerMember, moved, answerMember)
}

const answerMember = "answer"

// own is the answer in the schema's own terms. An error is an *[convert.ArgumentError].
func (o *output) own(text string) (string, error) {
	own, err := o.Invert(json.RawMessage(text))
	if err != nil || !o.wrapped {
		return string(own), err
	}
	var member map[string]json.RawMessage
	if err := json.Unmarshal(own, &member); err != nil {
		return "", err
	}
	return string(member[answerMember]), nil
}

// responseFormat is the chat API's, for a form that the brief was checked for.
func (b *Brief) responseFormat() json.RawMessage {
	made, err := outputOf(b.Output)
	if err != nil {
		return nil
	}
	type schema struct {
		Name   string          `json:"name"`
		Strict bool            `json:"strict"`
		Schema json.RawMessage `json:"schema"`
	}
	return encode(struct {
		Type   string `json:"type"`
		Schema schema `json:"json_schema"`
	}{"json_schema", schema{"answer", made.Strict, made.Parameters}})
}

// words say the same to models, and endpoints, that know no response format.
func (o *output) words() string {
	return "Your final answer has to be JSON that fits this JSON Schema, and nothing else:\n" + string(o.Parameters)
}

// fit reads an answer, and gives it in the schema's own terms, compact, or says to the
// model what is wrong with it.
func (b *Brief) fit(text string) (fitting, problem string) {
	made, err := outputOf(b.Output)
	if err != nil {
		return "", err.Error()
	}
	text = unfenced(text)
	if !strings.HasPrefix(text, "{") {
		return "", fmt.Sprintf("- the answer: expected a JSON object, got %q", opening(text))
	}
	own, err := made.own(text)
	if wrong := (*convert.ArgumentError)(nil); errors.As(err, &wrong) {
		return "", misfit(wrong)
	}
	return own, ""
}

// misfit says in terms of an answer what the converter says in terms of arguments.
func misfit(e *convert.ArgumentError) string {
	var b strings.Builder
	for _, p := range e.Problems {
		at := p.Path
		if at == "arguments" {
			at = "the answer"
		}
		fmt.Fprintf(&b, "- %s: %s\n", at, p.Text)
	}
	if len(e.Example) > 0 {
		fmt.Fprintf(&b, "An example that fits: %s\n", e.Example)
	}
	return strings.TrimSpace(b.String())
}

// unfenced takes the JSON out of the code fence that many models put around it.
func unfenced(text string) string {
	text = strings.TrimSpace(text)
	rest, fenced := strings.CutPrefix(text, "```")
	inside, closed := strings.CutSuffix(rest, "```")
	if !fenced || !closed {
		return text
	}
	if language, code, found := strings.Cut(inside, "\n"); found && !strings.ContainsAny(language, "{[\"") {
		inside = code
	}
	return strings.TrimSpace(inside)
}
