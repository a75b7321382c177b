package mcpserver

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/tools"
)

// converse lets a tool ask the person behind a client that says it can show
// questions (MCP, elicitation). Before protocol 2026-07-28 the server asks while the
// call goes on; since then the question is the answer to the call, see conversation.
func (s *Server) converse(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		shows, modern := elicitation(ctx)
		switch {
		case shows == nil:
			return next(ctx, request)
		case modern:
			return s.conversations.take(ctx, request, *shows, next)
		}
		return next(tools.WithAsk(ctx, s.asker(ctx, *shows)), request)
	}
}

// elicitation is what the client can show, nil if nothing. Sessions of SSE and
// those without a handshake cannot be asked, whatever they declared.
func elicitation(ctx context.Context) (shows *mcp.ElicitationCapability, modern bool) {
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		if info.ClientCapabilities == nil {
			return nil, true
		}
		return info.ClientCapabilities.Elicitation, true
	}
	session := server.ClientSessionFromContext(ctx)
	if _, ok := session.(server.SessionWithElicitation); !ok {
		return nil, false
	}
	client, ok := session.(server.SessionWithClientInfo)
	if !ok {
		return nil, false
	}
	return client.GetClientCapabilities().Elicitation, false
}

// asker asks a client of an older protocol while its call, whose context is calling,
// goes on.
func (s *Server) asker(calling context.Context, shows mcp.ElicitationCapability) tools.Asker {
	return func(ctx context.Context, q tools.Question) (tools.Reply, error) {
		params, err := elicit(q, shows)
		if err != nil {
			return tools.Reply{}, err
		}
		asking, cancel := context.WithTimeout(ctx, s.options.AskTimeout)
		defer cancel()
		// An effect outlives its caller, but nobody is left to be asked then.
		defer context.AfterFunc(calling, cancel)()
		defer context.AfterFunc(s.leaving, cancel)()
		result, err := s.mcp.RequestElicitation(asking, mcp.ElicitationRequest{
			Request: mcp.Request{Method: string(mcp.MethodElicitationCreate)}, Params: params,
		})
		switch {
		case err == nil:
			return reply(result), nil
		case ctx.Err() != nil:
			return tools.Reply{}, ctx.Err()
		case asking.Err() != nil:
			return tools.Reply{Action: tools.Cancel}, nil
		}
		return tools.Reply{}, fmt.Errorf("asking the client's user: %w", err)
	}
}

// elicit is the question in MCP's words, or tools.ErrNobody if the client cannot show
// its kind. A client that names no kind means forms (MCP 2025-11-25, elicitation).
func elicit(q tools.Question, shows mcp.ElicitationCapability) (mcp.ElicitationParams, error) {
	if q.URL != "" {
		if u, err := url.Parse(q.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return mcp.ElicitationParams{}, fmt.Errorf("asking the client's user: %q is no address of a web page", q.URL)
		}
		if shows.URL == nil {
			return mcp.ElicitationParams{}, fmt.Errorf("%w: the client opens no pages", tools.ErrNobody)
		}
		return mcp.ElicitationParams{Mode: mcp.ElicitationModeURL, Message: q.Message, URL: q.URL, ElicitationID: rand.Text()}, nil
	}
	if shows.Form == nil && shows.URL != nil {
		return mcp.ElicitationParams{}, fmt.Errorf("%w: the client shows no forms", tools.ErrNobody)
	}
	if _, err := membersOf(q.Schema); err != nil {
		return mcp.ElicitationParams{}, fmt.Errorf("asking the client's user: the schema of the answer is %w", err)
	}
	return mcp.ElicitationParams{Mode: mcp.ElicitationModeForm, Message: q.Message, RequestedSchema: tools.WellFormed(q.Schema)}, nil
}

// reply reads what the client answered. What is none of the three actions is no
// choice.
func reply(result *mcp.ElicitationResult) tools.Reply {
	if result == nil {
		return tools.Reply{Action: tools.Cancel}
	}
	switch result.Action {
	case mcp.ElicitationResponseActionAccept:
		reply := tools.Reply{Action: tools.Accept}
		if result.Content != nil {
			reply.Content, _ = json.Marshal(result.Content) // it was JSON before
		}
		return reply
	case mcp.ElicitationResponseActionDecline:
		return tools.Reply{Action: tools.Decline}
	}
	return tools.Reply{Action: tools.Cancel}
}
