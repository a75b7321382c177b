package mcpmount

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"drawbridge/tools"

	"github.com/mark3labs/mcp-go/mcp"
)

// maxRounds bounds how often one call may come back with questions.
const maxRounds = 8

// inputRequired is a result that asks: the server of the stateless protocol is
// called again with the replies (MCP 2026-07-28, multi round-trip requests).
type inputRequired struct {
	ResultType string              `json:"resultType"`
	Requests   map[string]inputAsk `json:"inputRequests"`
	State      string              `json:"requestState"`
}

type inputAsk struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// converse makes a call as often as it takes to answer the server's questions.
func (c *conn) converse(ctx context.Context, r request) (json.RawMessage, error) {
	given := r.params
	for range maxRounds {
		raw, err := c.ask(ctx, r)
		if err != nil {
			return nil, c.visit(ctx, err)
		}
		var wants inputRequired
		if json.Unmarshal(raw, &wants) != nil || wants.ResultType != "input_required" {
			return raw, nil
		}
		replies, err := c.replies(ctx, wants.Requests)
		if err != nil {
			return nil, err
		}
		r.params = maps.Clone(given)
		if len(replies) > 0 {
			r.params["inputResponses"] = replies
		}
		if wants.State != "" {
			r.params["requestState"] = wants.State
		}
	}
	return nil, tools.Errorf(tools.Failed, "the server asked %d times and did not answer.", maxRounds)
}

// replies puts the questions to the caller's person, one after the other.
func (c *conn) replies(ctx context.Context, asks map[string]inputAsk) (object, error) {
	replies := object{}
	for _, id := range slices.Sorted(maps.Keys(asks)) {
		if asks[id].Method != methodElicit {
			return nil, tools.Errorf(tools.Failed, "the server asks for %q, which is not offered to it.", c.clean.line(asks[id].Method, 100))
		}
		q, err := c.question(asks[id].Params)
		if err != nil {
			return nil, tools.Errorf(tools.Failed, "the server has a question that makes no sense: %v.", err)
		}
		replies[id] = c.put(ctx, q)
	}
	return replies, nil
}

// visit is for a call that the server turned away until a person has been to a page
// of its (MCP 2025-11-25, elicitation, URL mode, error -32042). Others it leaves alone.
func (c *conn) visit(ctx context.Context, err error) error {
	var said *rpcError
	if !errors.As(err, &said) || said.Code != mcp.URL_ELICITATION_REQUIRED {
		return err
	}
	var data struct {
		Elicitations []json.RawMessage `json:"elicitations"`
	}
	if json.Unmarshal(said.Data, &data) != nil {
		return err
	}
	for _, params := range data.Elicitations[:min(len(data.Elicitations), maxAsking)] {
		q, bad := c.question(params)
		if bad != nil {
			return err
		}
		if reply, bad := tools.Ask(ctx, q); bad != nil || reply.Action != tools.Accept {
			return tools.Errorf(tools.Denied, "the server wants a person to visit a page of its first, and nobody did; nothing was changed.")
		}
	}
	return tools.Errorf(tools.Conflict, "the server wants a person to visit a page of its first; they were asked to. Nothing was changed: call again once they have done it.")
}
