package main

import (
	"net/http"

	"drawbridge/server"
	"drawbridge/server/runapi"
)

// routes says of every door which credential it needs, and of those that need no
// principal why. Health is added by the server.
func (a *app) routes() []server.Route {
	events, messages := a.mcp.SSE()
	routes := []server.Route{
		{Pattern: "/mcp", Needs: server.Principal, Handler: suite.front(a.mcp.HTTP())},
		{Pattern: "/sse", Needs: server.Principal, Handler: events},
		{Pattern: "/message", Needs: server.Principal, Handler: messages},
		{Pattern: "/v1/", Needs: server.Principal, Handler: a.chat},
		{Pattern: "/v1/openapi.json", Needs: server.Nothing, Why: "the same for everybody, and in the repository", Handler: runapi.Document()},
		{Pattern: "/approvals/", Needs: server.Own, Why: "a signed link names who may decide, about what and until when", Handler: a.approvalPages},
		{Pattern: "GET " + wellKnown, Needs: server.Nothing, Why: "OAuth clients read here where to get a token (RFC 9728)", Handler: http.HandlerFunc(a.metadata)},
		{Pattern: "GET " + wellKnown + "/{path...}", Needs: server.Nothing, Why: "the same, behind the path of the resource", Handler: http.HandlerFunc(a.metadata)},
		{Pattern: "/webhooks/", Needs: server.Own, Why: "each source verifies its sender's signature, over the exact bytes", Handler: a.intake},
	}
	if a.desk != nil {
		routes = append(routes, server.Route{Pattern: "POST /slack/interactions", Needs: server.Own, Why: "Slack signs what it says was pressed, and by whom, over the exact bytes", Handler: a.desk})
	}
	return routes
}
