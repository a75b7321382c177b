package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	mcpclient "github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
	mcpbare "github.com/mark3labs/mcp-go/server"
	goopenai "github.com/sashabaranov/go-openai"

	"drawbridge/bridge"
	"drawbridge/tools"
)

// bareLoop is what a run costs without any of what Drawbridge is for: the model asked by
// go-openai with the same functions, the calls made by mcp-go's own client and server in
// this process, which give the same results, and nothing kept.
type bareLoop struct {
	model     *goopenai.Client
	session   *mcpclient.Client
	functions []goopenai.Tool

	// sent are the bodies of a run's questions, once there was one.
	mu   sync.Mutex
	sent [][]byte
	url  string
	http *http.Client
}

func newBareLoop(b *testing.B, a *app, url string) *bareLoop {
	b.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1024
	l := &bareLoop{url: url + "/v1/chat/completions", http: &http.Client{Transport: transport}}
	b.Cleanup(transport.CloseIdleConnections)
	settings := goopenai.DefaultConfig("key")
	settings.BaseURL, settings.HTTPClient = url+"/v1", &http.Client{Transport: &recorder{transport, l}}
	l.model = goopenai.NewClientWithConfig(settings)
	l.functions = functionsAsSent(b, a)
	l.session = bareSession(b, a)
	return l
}

// functionsAsSent are those that a run is offered.
func functionsAsSent(b *testing.B, a *app) []goopenai.Tool {
	b.Helper()
	var listed []bridge.Tool
	for _, tool := range a.catalog.All() {
		listed = append(listed, bridge.Tool{Name: tool.Name, Title: tool.Title, Description: tool.Description, Input: tool.Input})
	}
	var functions []goopenai.Tool
	for _, f := range bridge.Convert(listed).Functions {
		functions = append(functions, goopenai.Tool{Type: goopenai.ToolTypeFunction, Function: &goopenai.FunctionDefinition{
			Name: f.Name, Description: f.Description, Strict: f.Strict, Parameters: f.Parameters}})
	}
	return functions
}

// bareSession calls the script's tools as mcp-go does by itself. What they return was
// returned by the real ones.
func bareSession(b *testing.B, a *app) *mcpclient.Client {
	b.Helper()
	server := mcpbare.NewMCPServer("bare", "1")
	for i, call := range allCalls() {
		tool, found := a.catalog.Lookup(call.tool)
		if !found {
			b.Fatalf("there is no tool %q", call.tool)
		}
		out, err := tool.Call(tools.WithKey(b.Context(), fmt.Sprintf("bare_%d", i)), json.RawMessage(call.arguments))
		if err != nil {
			b.Fatal(err)
		}
		server.AddTool(mcp.NewToolWithRawSchema(tool.Name, tool.Description, tool.Input), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultStructured(out, string(out)), nil // text and structure, as ours answers
		})
	}
	session, err := mcpclient.NewInProcessClient(server)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = session.Close() })
	hello := mcp.InitializeRequest{}
	hello.Params.ClientInfo = mcp.Implementation{Name: "bare", Version: "1"}
	if err := session.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	if _, err := session.Initialize(b.Context(), hello); err != nil {
		b.Fatal(err)
	}
	return session
}

func allCalls() []benchCall {
	var all []benchCall
	for _, turn := range benchTurns {
		all = append(all, turn...)
	}
	return all
}

// run plays the script once.
func (l *bareLoop) run(ctx context.Context) error {
	messages := []goopenai.ChatCompletionMessage{{Role: goopenai.ChatMessageRoleUser, Content: "go"}}
	for {
		answer, err := l.ask(ctx, messages)
		if err != nil {
			return err
		}
		if len(answer.ToolCalls) == 0 {
			if answer.Content != "done" {
				return fmt.Errorf("answered %q", answer.Content)
			}
			return nil
		}
		messages = append(messages, answer)
		for _, call := range answer.ToolCalls {
			request := mcp.CallToolRequest{}
			request.Params.Name, request.Params.Arguments = call.Function.Name, json.RawMessage(call.Function.Arguments)
			result, err := l.session.CallTool(ctx, request)
			if err != nil {
				return err
			}
			text, ok := result.Content[0].(mcp.TextContent)
			if !ok {
				return fmt.Errorf("%s returned no text", call.Function.Name)
			}
			messages = append(messages, goopenai.ChatCompletionMessage{Role: goopenai.ChatMessageRoleTool, ToolCallID: call.ID, Content: text.Text})
		}
	}
}

func (l *bareLoop) ask(ctx context.Context, messages []goopenai.ChatCompletionMessage) (answer goopenai.ChatCompletionMessage, err error) {
	stream, err := l.model.CreateChatCompletionStream(ctx, goopenai.ChatCompletionRequest{Model: "bench", Messages: messages, Tools: l.functions,
		StreamOptions: &goopenai.StreamOptions{IncludeUsage: true}})
	if err != nil {
		return answer, err
	}
	defer func() { _ = stream.Close() }()
	answer.Role = goopenai.ChatMessageRoleAssistant
	for {
		chunk, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return answer, nil
		case err != nil:
			return answer, err
		case len(chunk.Choices) == 0:
			continue
		}
		delta := chunk.Choices[0].Delta
		answer.Content += delta.Content
		answer.ToolCalls = append(answer.ToolCalls, delta.ToolCalls...) // the script's come whole
	}
}

// recorder keeps the bodies of the first run's questions.
type recorder struct {
	http.RoundTripper
	loop *bareLoop
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.loop.mu.Lock()
	more := len(r.loop.sent) < benchAnswers
	r.loop.mu.Unlock()
	if !more {
		return r.RoundTripper.RoundTrip(request)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	r.loop.mu.Lock()
	if turn := bytes.Count(body, resultRole) / 2; turn == len(r.loop.sent) {
		r.loop.sent = append(r.loop.sent, body)
	}
	r.loop.mu.Unlock()
	return r.RoundTripper.RoundTrip(request)
}

// exchanges sends the bodies of a run's questions, and reads what is answered.
func (l *bareLoop) exchanges(ctx context.Context) error {
	for _, body := range l.sent {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := l.http.Do(request)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %s: %w", response.Status, err)
		}
	}
	return nil
}
