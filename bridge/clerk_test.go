package bridge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/openaitest"
	"drawbridge/bridge/selection"
)

// clerk is a model in a small window that looks at many things, refunds one on the
// way, sends a mail of which nobody knows whether it went, and reports. It is served
// over HTTP by a server that refuses whatever breaks the protocol.
type clerk struct {
	*world
	fake  *openaitest.Server
	looks int // turns that look at something
	only  bool

	// summary answers the request for a summary; nil is a summary of its own.
	summary func(openaitest.Request) openaitest.Reply
}

const window = 6000

// promptTokens are the tokens of what a model is sent, counted apart from the bridge's
// own count: of the words, without the JSON around them.
func promptTokens(q openaitest.Request) int {
	text := ""
	for _, m := range q.Messages {
		text += m.Role + "\n" + m.Text + "\n"
		for _, c := range m.Calls {
			text += c.Name + c.Arguments + "\n"
		}
	}
	for _, f := range q.Functions {
		text += f.Name + f.Description + string(f.Parameters) + "\n"
	}
	return selection.Tokens(text)
}

func newClerk(t *testing.T, looks int) *clerk {
	c := &clerk{world: newWorld(t), fake: openaitest.New(t), looks: looks}
	c.model = openai.New(openai.Options{BaseURL: c.fake.URL()})
	c.agent.Window = window
	c.agent.Budget.Turns, c.agent.Budget.Calls = 1000, 1000
	c.tool("look", bridge.Read, true, func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		id, _ := r.GetArguments()["id"].(string)
		return mcp.NewToolResultText(thing(id)), nil
	})
	c.tool("refund", bridge.Money, true, returns(`{"refund":"re_815","of":"pi_7","amount":1250}`))
	c.tool("mail", bridge.Message, false, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultError("outcome_unknown: it is not known whether this call of mail took effect: the mail server hung up"), nil
	})
	c.fake.Func(c.reply)
	return c
}

// thing is what there is to see, different for each id and some 600 tokens long.
func thing(id string) string {
	out := fmt.Sprintf(`{"id":%q,"lines":[`, id)
	for i := range 60 {
		out += fmt.Sprintf(`{"n":%d,"text":"%s %d"},`, i, id, i*i)
	}
	return out + `{}]}`
}

// reply is the turn that follows from how many times each thing was asked for: from
// what the server has been sent, whatever of it is still in the request.
func (c *clerk) reply(q openaitest.Request) openaitest.Reply {
	if isSummary(q) {
		if c.summary != nil {
			return c.summary(q)
		}
		return openaitest.Say("Asked: look at everything. Done: looked at some. Open: the rest.")
	}
	switch turn := len(bodies[openai.Answer](c.world, bridge.EntryAnswer)) + 1; {
	case turn == 2 && !c.only:
		return openaitest.Calls([]openaitest.ToolCall{{Name: "refund", Arguments: `{"id":"pi_7"}`}, {Name: "mail", Arguments: `{"id":"ada@example.com"}`}})
	case turn <= c.looks:
		return openaitest.Call("look", fmt.Sprintf(`{"id":"thing_%d"}`, turn),
			openaitest.WithText(fmt.Sprintf("Next is thing %d.", turn)), openaitest.IDs(fmt.Sprintf("call_%d", turn)))
	}
	return openaitest.Say("All seen.")
}

func isSummary(q openaitest.Request) bool {
	return len(q.Functions) == 0 && strings.HasPrefix(q.Messages[0].Text, "You keep the notes of an agent")
}

// questions are the requests but for those for summaries.
func (c *clerk) questions() []openaitest.Request {
	return slices.DeleteFunc(c.fake.Requests(), isSummary)
}

func (c *clerk) kinds(kind bridge.EntryKind) int {
	n := 0
	for _, e := range c.entries() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}
