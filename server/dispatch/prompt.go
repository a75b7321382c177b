package dispatch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
	"unicode/utf8"
)

// shownPayload bounds how much of a body the model is shown, in bytes.
const shownPayload = 32 << 10

// promptNames are what a prompt may show.
var promptNames = []string{"event", "headers", "source", "id", "response"}

func compilePrompt(text string) (*template.Template, error) {
	parsed, err := template.New("prompt").Option("missingkey=error").Funcs(promptFuncs).Parse(text)
	if err != nil {
		return nil, promptError(text, err)
	}
	var mistakes []error
	strangers(parsed.Root, func(name string, at int) {
		line, column := placeOf(text, at)
		mistakes = append(mistakes, &SettingError{Field: "prompt", Line: line, Column: column,
			Message: fmt.Sprintf("there is no .%s; a prompt has .%s", name, strings.Join(promptNames, ", ."))})
	})
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	for _, defined := range parsed.Templates() {
		markKeys(defined.Root)
	}
	return parsed, nil
}

// promptError places an error of the template's parser, which tells a line alone, and
// mostly the piece that it stumbled over.
func promptError(text string, err error) error {
	line := 1
	message := strings.TrimPrefix(err.Error(), "template: ")
	_, _ = fmt.Sscanf(message, "prompt:%d:", &line)
	if at := strings.Index(message, ": "); at >= 0 {
		message = message[at+2:]
	}
	return &SettingError{Field: "prompt", Line: line, Column: stumble(text, line, message), Message: message}
}

// named is the piece of a template that an error is about.
var named = regexp.MustCompile(`(?:function|variable|unexpected|operand|number syntax:|character constant:|for) ("(?:[^"\\]|\\.)*"|\{\{[a-z]+\}\})`)

// stumble is the column of what an error names, or of the first action in its line.
func stumble(text string, line int, message string) int {
	lines := strings.Split(text, "\n")
	if line > len(lines) {
		return 1
	}
	all := lines[line-1]
	action := max(0, strings.Index(all, "{{"))
	at := action
	if found := named.FindStringSubmatch(message); found != nil {
		piece := found[1]
		if plain, err := strconv.Unquote(piece); err == nil {
			piece = plain
		}
		if i := strings.Index(all[action:], piece); i >= 0 {
			at = action + i
		}
	}
	return utf8.RuneCountInString(all[:at]) + 1
}

// placeOf is the line and column of a byte of a text.
func placeOf(text string, at int) (line, column int) {
	before := text[:min(max(0, at), len(text))]
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
}

// strangers finds what is asked of the prompt's own data by a name that is not there:
// it would fail for every event.
func strangers(node parse.Node, found func(name string, at int)) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, inner := range n.Nodes {
			strangers(inner, found)
		}
	case *parse.ActionNode:
		strangers(n.Pipe, found)
	case *parse.IfNode:
		strangers(n.Pipe, found)
		strangers(n.List, found)
		strangers(n.ElseList, found)
	case *parse.WithNode: // inside, the dot is something else
		strangers(n.Pipe, found)
		strangers(n.ElseList, found)
	case *parse.RangeNode:
		strangers(n.Pipe, found)
		strangers(n.ElseList, found)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, command := range n.Cmds {
			for _, argument := range command.Args {
				strangers(argument, found)
			}
		}
	case *parse.FieldNode:
		if !slices.Contains(promptNames, n.Ident[0]) {
			at := int(n.Pos)
			if len(n.Ident) > 1 { // the place is that of the second name
				at -= len("." + n.Ident[0])
			}
			found(n.Ident[0], at)
		}
	}
}

// prompt is what the agent is told about an event: the operator's words, then the
// event as it came, fenced.
func (r *Route) text(event StoredEvent, f facts) (string, error) {
	var words promptText
	err := r.prompt.Execute(&words, map[string]any{
		"event":   mark(f.payload),
		"headers": mark(toAny(f.headers)),
		"source":  event.Source,
		"id":      event.ID,
		// What a model wrote is no less from outside than what it read.
		"response": mark(f.response),
	})
	if err != nil {
		return "", fmt.Errorf("prompt: %s", strings.TrimPrefix(err.Error(), "template: "))
	}
	words.WriteString("\n\n")
	words.WriteString(fence(event, shownPayload))
	if len(event.Response) > 0 {
		words.WriteString("\n\n")
		words.WriteString(fenceResponse(event, shownPayload))
	}
	return words.String(), nil
}

// freshness warns of what every event is: news of yesterday, perhaps (ING-28).
func freshness(event StoredEvent) string {
	when := "It arrived at " + event.ReceivedAt.UTC().Format(time.RFC3339)
	if !event.ProviderAt.IsZero() {
		when += ", and by its sender's clock it is of " + event.ProviderAt.UTC().Format(time.RFC3339)
	}
	return when + ". It may be stale by now, and events may come twice, late or in another order than things happened: " +
		"before you act on a fact in it, fetch that fact again with your tools."
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
