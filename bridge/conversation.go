package bridge

import (
	"encoding/json"
	"fmt"
	"slices"

	"drawbridge/bridge/selection"
)

// ConversationError is something in a conversation that cannot be had.
type ConversationError struct {
	Param   string // the member of the chat API's request that is wrong: tools, tool_choice, ...
	Message string // for who wrote the request
}

func (e *ConversationError) Error() string { return e.Param + ": " + e.Message }

// mostTheirs is how many functions a caller can bring: what a request carries, less
// those of the bridge.
const mostTheirs = selection.DefaultFunctions - 2

// check refuses what cannot be had of a run with this brief.
func (b *Brief) check(c Conversation) error {
	if len(c.Functions) > mostTheirs {
		return &ConversationError{"tools", fmt.Sprintf("%d functions are more than the %d that can be a caller's.", len(c.Functions), mostTheirs)}
	}
	seen := map[string]bool{readResultName: true, findToolsName: true}
	for _, name := range slices.Concat(b.Functions, b.LeftOut) {
		seen[name] = true
	}
	for i, f := range c.Functions {
		param := fmt.Sprintf("tools[%d].function.name", i)
		switch {
		case !functionName.MatchString(f.Name):
			return &ConversationError{param, fmt.Sprintf("%q is no name of a function: use 1 to 64 letters, digits, _ and -.", opening(f.Name))}
		case seen[f.Name]:
			return &ConversationError{param, fmt.Sprintf("%q is taken, by another of the functions or by one that the agent has. Rename yours.", f.Name)}
		}
		seen[f.Name] = true
	}
	if b.Output != nil && c.Params.ResponseFormat != nil {
		return &ConversationError{"response_format", "the agent has a form of its own for its answers. Leave it out."}
	}
	return b.checkChoice(c)
}

// checkChoice refuses a choice of functions that are not there to be called.
func (b *Brief) checkChoice(c Conversation) error {
	var choice struct {
		Function named `json:"function"`
		Allowed  struct {
			Tools []struct {
				Function named `json:"function"`
			} `json:"tools"`
		} `json:"allowed_tools"`
	}
	if json.Unmarshal(c.Params.ToolChoice, &choice) != nil {
		return nil // a word, not a name
	}
	names := []named{choice.Function}
	for _, tool := range choice.Allowed.Tools {
		names = append(names, tool.Function)
	}
	offered := demand{functions: c.Functions}
	for _, n := range names {
		if n.Name != "" && !offered.has(n.Name) && !slices.Contains(b.Functions, n.Name) {
			return &ConversationError{"tool_choice", fmt.Sprintf("there is no function %q among the tools.", opening(n.Name))}
		}
	}
	return nil
}

type named struct {
	Name string `json:"name"`
}
