package rehearsal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// conversation is what a script can see of a checked request.
type conversation struct {
	system  string
	user    string // the latest user message
	turn    int    // of the answer to come, since that message, from 1
	calls   int    // made so far, in the whole conversation
	results []outcome
	waiting bool // the last message is a tool's
}

// outcome is a tool message, with the name of the tool that was called.
type outcome struct{ tool, content string }

// fromRuntime opens what package bridge says to the model in between: there is no role
// for that, but it is not the user who speaks. This package knows bridge by what it
// sends and by nothing else, so the words stand here once more; a test of bridge, over
// HTTP, fails when they are no longer the same.
const fromRuntime = "[From the runtime, not from the user]"

func listen(messages []message) *conversation {
	c := &conversation{turn: 1}
	tools := map[string]string{} // by call id
	for _, m := range messages {
		if m.Role == "user" && strings.HasPrefix(m.Content.text, fromRuntime) {
			continue
		}
		c.waiting = m.Role == "tool"
		switch m.Role {
		case "system", "developer":
			c.system = m.Content.text
		case "user":
			c.user, c.turn = m.Content.text, 1
		case "assistant":
			c.turn++
			for _, call := range m.ToolCalls {
				c.calls++
				tools[call.ID] = call.Function.Name
			}
		case "tool":
			c.results = append(c.results, outcome{tools[m.ToolCallID], m.Content.text})
		}
	}
	return c
}

// last is the tool message that the conversation ends with.
func (c *conversation) last() (outcome, bool) {
	if !c.waiting {
		return outcome{}, false
	}
	return c.results[len(c.results)-1], true
}

// result is a value in the last result of a tool. Numbers keep their digits.
func (c *conversation) result(tool string, path []string) (any, error) {
	content, found := "", false
	for _, r := range c.results {
		if r.tool == tool {
			content, found = r.content, true
		}
	}
	if !found {
		return nil, fmt.Errorf("%s has not returned anything yet", tool)
	}
	var v any
	decoder := json.NewDecoder(strings.NewReader(content))
	decoder.UseNumber()
	err := decoder.Decode(&v)
	switch {
	case len(path) == 0 && err != nil:
		return content, nil
	case len(path) == 0:
		return v, nil
	case err != nil:
		return nil, fmt.Errorf("the result of %s is not JSON: %s", tool, opening(content))
	}
	return at(v, path[0])
}

// opening is the beginning of a text, for an error.
func opening(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return string(bytes.ToValidUTF8([]byte(text[:most]), nil)) + " ..."
}
