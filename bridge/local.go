package bridge

import (
	"encoding/json"
	"strings"

	"drawbridge/bridge/selection"
)

// The functions that are the bridge's own, this one and read_result, head every
// list, so that they never move.
const findToolsName = selection.FindToolsName

// answerOwn answers a call of one of the bridge's own functions.
func (r *run) answerOwn(c *call, result *Result) CallResult {
	if c.asked.Name == findToolsName {
		return r.find(c.intent.Arguments, result)
	}
	return r.history.readOn(c.intent.Arguments)
}

// mostFound is how many functions one search adds to the next request.
const mostFound = 8

// find answers a call of find_tools.
func (r *run) find(arguments json.RawMessage, result *Result) CallResult {
	var in struct {
		Query string `json:"query"`
	}
	if err := json.Unmarshal(arguments, &in); err != nil || strings.TrimSpace(in.Query) == "" {
		return CallResult{Content: findToolsName + " needs a query: say in a few words what the tool should do.", IsError: true}
	}
	hits := r.functions.index.Search(in.Query, mostFound)
	for _, hit := range hits {
		result.Found = append(result.Found, hit.Name)
	}
	return CallResult{Content: r.functions.index.Found(in.Query, hits)}
}
