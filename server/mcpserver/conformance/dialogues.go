package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/tools"
)

// step is how long the suite wants between two notifications.
const step = 60 * time.Millisecond

// dialogues are the tools that speak with their caller before they answer, each by
// the way that a tool of Drawbridge has, if there is one.
func dialogues() []tools.Tool {
	return []tools.Tool{
		tool("test_tool_with_progress", "Reports its progress.", "", progress),
		tool("test_tool_with_logging", "Sends three log messages.", "", logging),
		tool("test_logging_tool", "Sends three log messages.", "", logging),
		tool("test_sampling", "Has the client's model write something.", `{"type":"object","properties":{"prompt":{"type":"string"}},"required":["prompt"]}`, sampling),
		tool("test_elicitation", "Asks the person behind the client.", `{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}`, elicitation),
		tool("test_streaming_elicitation", "Asks the person behind the client.", "", asks("Shall it go on?", `{"type":"object","properties":{"go_on":{"type":"boolean"}}}`)),
		tool("test_elicitation_sep1034_defaults", "Asks with defaults.", "", asks("Please review and confirm.", defaults)),
		tool("test_elicitation_sep1330_enums", "Asks with choices.", "", asks("Please choose.", enums)),
		tool("test_trigger_tool_change", "Has the list of tools change.", "", changes(func(s *server.MCPServer) {
			s.SendNotificationToAllClients(mcp.MethodNotificationToolsListChanged, nil)
		})),
		tool("test_trigger_prompt_change", "Has the list of prompts change.", "", changes(func(s *server.MCPServer) {
			s.SendNotificationToAllClients(mcp.MethodNotificationPromptsListChanged, nil)
		})),
	}
}

func progress(ctx context.Context, _ json.RawMessage) (any, error) {
	for _, done := range []float64{0, 50, 100} {
		tools.ReportProgress(ctx, tools.Progress{Done: done, Total: 100})
		time.Sleep(step)
	}
	return says("done"), nil
}

func logging(ctx context.Context, _ json.RawMessage) (any, error) {
	for _, message := range []string{"Tool execution started", "Tool processing data", "Tool execution completed"} {
		tools.Tell(ctx, tools.Remark{Level: "info", Message: message})
		time.Sleep(step)
	}
	return says("done"), nil
}

func sampling(ctx context.Context, arguments json.RawMessage) (any, error) {
	var in struct{ Prompt string }
	if err := json.Unmarshal(arguments, &in); err != nil {
		return nil, err
	}
	//lint:ignore SA1019 the suite asks for it in the era that has it
	result, err := server.ServerFromContext(ctx).RequestSampling(ctx, mcp.CreateMessageRequest{CreateMessageParams: sample(in.Prompt, 100)})
	if err != nil {
		return nil, tools.Errorf(tools.Failed, "the client's model cannot be asked: %v", err)
	}
	text, _ := json.Marshal(result.Content)
	return says("LLM response: " + string(text)), nil
}

func sample(prompt string, most int) mcp.CreateMessageParams {
	return mcp.CreateMessageParams{Messages: []mcp.SamplingMessage{{Role: mcp.RoleUser, Content: mcp.NewTextContent(prompt)}}, MaxTokens: most}
}

func elicitation(ctx context.Context, arguments json.RawMessage) (any, error) {
	var in struct{ Message string }
	if err := json.Unmarshal(arguments, &in); err != nil {
		return nil, err
	}
	return asks(in.Message, `{"type":"object","properties":{"username":{"type":"string","description":"User's response"},
		"email":{"type":"string","description":"User's email address"}},"required":["username","email"]}`)(ctx, arguments)
}

func asks(message, schema string) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, _ json.RawMessage) (any, error) {
		reply, err := tools.Ask(ctx, tools.Question{Message: message, Schema: json.RawMessage(schema)})
		if err != nil {
			return nil, tools.Errorf(tools.Failed, "%v", err)
		}
		return says(fmt.Sprintf("Elicitation completed: action=%s, content=%s", reply.Action, reply.Content)), nil
	}
}

func changes(change func(*server.MCPServer)) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, _ json.RawMessage) (any, error) {
		change(server.ServerFromContext(ctx))
		return says("changed"), nil
	}
}

const (
	defaults = `{"type":"object","properties":{"name":{"type":"string","default":"John Doe"},"age":{"type":"integer","default":30},
	"score":{"type":"number","default":95.5},"status":{"type":"string","enum":["active","inactive","pending"],"default":"active"},"verified":{"type":"boolean","default":true}}}`
	enums = `{"type":"object","properties":{
	"untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
	"titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},{"const":"value2","title":"Second Option"},{"const":"value3","title":"Third Option"}]},
	"legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],"enumNames":["Option One","Option Two","Option Three"]},
	"untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},
	"titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First Choice"},{"const":"value2","title":"Second Choice"},{"const":"value3","title":"Third Choice"}]}}}}`
)
