package conformance

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/tools"
)

// A round tool answers a call with questions (MCP 2026-07-28, SEP-2322), and is called
// again with their answers. Its handler gets what the request brought, by its context,
// and leaves its questions there: a result of the guard's has no room for either.

type roundContext struct{}

type round struct {
	answers mcp.InputResponses
	state   string
	shows   mcp.ClientCapabilities
	asks    *server.InputRequestBuilder // nil if the result is complete
	err     error                       // of the protocol, instead of a result
}

// rounds stands around the handler of every tool. Requests of other tools pass as
// they are.
func rounds(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		name, _ := request.Params.Meta.GetMetaField("drawbridge/tool").(string)
		if !strings.HasPrefix(name, "test_input_required_result_") {
			return next(ctx, request)
		}
		r := &round{answers: request.Params.InputResponses, state: request.Params.RequestState}
		if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.ClientCapabilities != nil {
			r.shows = *info.ClientCapabilities
		}
		request.Params.MultiRoundTripParams = mcp.MultiRoundTripParams{}
		result, err := next(context.WithValue(ctx, roundContext{}, r), request)
		switch {
		case r.err != nil:
			return nil, r.err
		case r.asks != nil:
			return r.asks.ToolResult(), nil
		}
		return result, err
	}
}

func roundTools() []tools.Tool {
	list := []tools.Tool{}
	for name, play := range map[string]func(*round) string{
		"elicitation": roundOfOne, "sampling": roundOfSampling, "list_roots": roundOfRoots, "request_state": roundOfState,
		"multiple_inputs": roundOfAll, "multi_round": roundsOfTwo, "tampered_state": roundOfState, "capabilities": roundOfShown,
	} {
		list = append(list, tool("test_input_required_result_"+name, "Asks before it answers.", "", func(ctx context.Context, _ json.RawMessage) (any, error) {
			r, ok := ctx.Value(roundContext{}).(*round)
			if !ok {
				return nil, tools.Errorf(tools.Failed, "this tool is for the conformance suite only")
			}
			return says(play(r)), nil
		}))
	}
	return list
}

func form(message, name, kind string) mcp.ElicitationParams {
	return mcp.ElicitationParams{Mode: mcp.ElicitationModeForm, Message: message,
		RequestedSchema: object{"type": "object", "properties": object{name: object{"type": kind}}, "required": []string{name}}}
}

func (r *round) ask(state string) *server.InputRequestBuilder {
	r.asks = server.NewInputRequestBuilder(state)
	return r.asks
}

// filled is the value of a form's field, "" if the form was not filled in.
func (r *round) filled(id, name string) string {
	answer := server.ElicitationResponse(r.answers, id)
	if answer == nil || answer.Action != mcp.ElicitationResponseActionAccept {
		return ""
	}
	values, _ := answer.Content.(map[string]any)
	if value, ok := values[name]; ok {
		return fmt.Sprint(value)
	}
	return ""
}

func roundOfOne(r *round) string {
	name := r.filled("user_name", "name")
	if name == "" {
		r.ask("").Elicit("user_name", form("What is your name?", "name", "string"))
	}
	return "Hello, " + name + "!"
}

func roundOfSampling(r *round) string {
	answer := server.SamplingResponse(r.answers, "capital_question")
	if answer == nil {
		r.ask("").Sample("capital_question", sample("What is the capital of France?", 100))
		return ""
	}
	text, _ := json.Marshal(answer.Content)
	return string(text)
}

func roundOfRoots(r *round) string {
	answer := server.RootsResponse(r.answers, "client_roots")
	if answer == nil {
		r.ask("").Roots("client_roots")
		return ""
	}
	text, _ := json.Marshal(answer.Roots)
	return string(text)
}

func roundOfState(r *round) string {
	if r.state == "" {
		r.ask(seal("confirm")).Elicit("confirm", form("Please confirm", "ok", "boolean"))
		return ""
	}
	if !sealed(r.state, "confirm") {
		r.err = errors.New("the requestState is not one that was given out")
	}
	return "state-ok"
}

func roundOfAll(r *round) string {
	if len(r.answers) < 3 || !sealed(r.state, "all") {
		r.ask(seal("all")).Elicit("user_name", form("What is your name?", "name", "string")).
			Sample("greeting", sample("Generate a greeting", 50)).Roots("client_roots")
	}
	return "all three are there"
}

func roundsOfTwo(r *round) string {
	switch {
	case sealed(r.state, "two"):
	case sealed(r.state, "one"):
		r.ask(seal("two")).Elicit("step2", form("Step 2: What is your favorite color?", "color", "string"))
	default:
		r.ask(seal("one")).Elicit("step1", form("Step 1: What is your name?", "name", "string"))
	}
	return "both steps are done"
}

// roundOfShown asks what the client can show, and nothing else.
func roundOfShown(r *round) string {
	asks := server.NewInputRequestBuilder("")
	asked := false
	if r.shows.Elicitation != nil {
		asks.Elicit("user_name", form("What is your name?", "name", "string"))
		asked = true
	}
	if r.shows.Sampling != nil {
		asks.Sample("greeting", sample("Generate a greeting", 50))
		asked = true
	}
	if asked && len(r.answers) == 0 {
		r.asks = asks
	}
	return "nothing more to ask"
}

// key seals states. It lives as long as the process.
var key = []byte(rand.Text())

func seal(what string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(what))
	return what + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func sealed(state, what string) bool { return hmac.Equal([]byte(state), []byte(seal(what))) }
