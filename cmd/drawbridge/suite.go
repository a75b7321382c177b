//go:build !conformance

package main

import (
	"net/http"

	"github.com/mark3labs/mcp-go/server"

	"drawbridge/tools"
)

// suite is what a build for the MCP conformance suite has besides the product, see
// suite_conformance.go. The product has nothing.
var suite product

type product struct{}

func (product) tools() []tools.Tool                  { return nil }
func (product) extend(*server.MCPServer)             {}
func (product) front(next http.Handler) http.Handler { return next }
