//go:build conformance

package main

import (
	"net/http"

	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/mcpserver/conformance"
	"drawbridge/tools"
)

// suite is the fixture of the MCP conformance suite. A binary that holds it is for that
// suite alone: .ci/conformance builds it.
var suite fixture

type fixture struct{}

func (fixture) tools() []tools.Tool                  { return conformance.Tools() }
func (fixture) extend(s *server.MCPServer)           { conformance.Extend(s) }
func (fixture) front(next http.Handler) http.Handler { return conformance.Front(next) }
