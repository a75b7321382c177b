package rehearsal

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"drawbridge/bridge/convert/strictrules"
)

var nameRule = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// maxFunctions is OpenAI's limit for one request.
const maxFunctions = 128

// check reports the first thing in a request that OpenAI's API would refuse.
func (s *Server) check(r request) error {
	if len(r.Messages) == 0 {
		return fmt.Errorf("messages: expected at least one")
	}
	if err := s.checkFunctions(r.Tools); err != nil {
		return err
	}
	return checkMessages(r.Messages)
}

func (s *Server) checkFunctions(tools []tool) error {
	if len(tools) > maxFunctions {
		return fmt.Errorf("tools: %d of them, expected at most %d", len(tools), maxFunctions)
	}
	seen := map[string]bool{}
	for i, t := range tools {
		name := t.Function.Name
		switch {
		case t.Type != "function":
			return fmt.Errorf("tools[%d].type: %q, expected \"function\"", i, t.Type)
		case !nameRule.MatchString(name):
			return fmt.Errorf("tools[%d].function.name: %q does not match %s", i, name, nameRule)
		case seen[name]:
			return fmt.Errorf("tools[%d].function.name: %q is there twice", i, name)
		}
		seen[name] = true
		if err := s.known.check(t); err != nil {
			return fmt.Errorf("tools[%d].function: %w", i, err)
		}
	}
	return nil
}

// known remembers which definitions keep the rules: each turn of a conversation
// sends the same ones, and they are most of a request.
type known struct {
	mu    sync.Mutex
	sound map[definition]bool
}

type definition struct {
	name, parameters string
	strict           bool
}

const mostKnown = 10_000

func (k *known) check(t tool) error {
	d := definition{t.Function.Name, string(t.Function.Parameters), t.Function.Strict}
	k.mu.Lock()
	sound := k.sound[d]
	k.mu.Unlock()
	if sound {
		return nil
	}
	if broken := strictrules.Check(d.name, t.Function.Parameters, d.strict); len(broken) > 0 {
		return errors.New(strictrules.Refusal(d.name, broken))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sound == nil || len(k.sound) >= mostKnown {
		k.sound = map[definition]bool{}
	}
	k.sound[d] = true
	return nil
}

// checkMessages makes sure that every call of an assistant message is answered by
// exactly one tool message right behind it, and that no tool message answers
// anything else.
func checkMessages(messages []message) error {
	open := map[string]bool{}
	for i, m := range messages {
		if m.Role == "tool" {
			switch {
			case !open[m.ToolCallID]:
				return fmt.Errorf("messages[%d]: a tool message for the call %q, which was not made before it or is answered already", i, m.ToolCallID)
			case !m.Content.given:
				return fmt.Errorf("messages[%d].content: expected what the call %q returned", i, m.ToolCallID)
			}
			delete(open, m.ToolCallID)
			continue
		}
		if len(open) > 0 {
			return fmt.Errorf("messages[%d]: expected tool messages for %d calls that are not answered yet", i, len(open))
		}
		switch m.Role {
		case "system", "developer", "user":
			if !m.Content.given {
				return fmt.Errorf("messages[%d].content: expected the %s's text", i, m.Role)
			}
		case "assistant":
			if err := checkAssistant(m, open); err != nil {
				return fmt.Errorf("messages[%d]%w", i, err)
			}
		default:
			return fmt.Errorf("messages[%d].role: %q, expected system, developer, user, assistant or tool", i, m.Role)
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("messages: expected tool messages for %d calls that are not answered yet", len(open))
	}
	return nil
}

// checkAssistant also adds the message's calls to those still open.
func checkAssistant(m message, open map[string]bool) error {
	if !m.Content.given && m.Refusal == "" && len(m.ToolCalls) == 0 {
		return fmt.Errorf(".content: expected text, a refusal or tool_calls")
	}
	for i, c := range m.ToolCalls {
		switch {
		case c.ID == "":
			return fmt.Errorf(".tool_calls[%d].id: expected an id", i)
		case open[c.ID]:
			return fmt.Errorf(".tool_calls[%d].id: %q is there twice", i, c.ID)
		case c.Type != "function":
			return fmt.Errorf(".tool_calls[%d].type: %q, expected \"function\"", i, c.Type)
		case !nameRule.MatchString(c.Function.Name):
			return fmt.Errorf(".tool_calls[%d].function.name: %q does not match %s", i, c.Function.Name, nameRule)
		case c.Function.Arguments == nil:
			return fmt.Errorf(".tool_calls[%d].function.arguments: expected a text", i)
		case !object(*c.Function.Arguments):
			// OpenAI takes any text here; other servers parse it and fail.
			return fmt.Errorf(".tool_calls[%d].function.arguments: expected a JSON object", i)
		}
		open[c.ID] = true
	}
	return nil
}

func object(text string) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &fields) == nil && fields != nil
}
