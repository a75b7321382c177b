package mcpserver_test

import (
	"testing"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

func TestCallsReachTheGuardWhileThereAreNoTools(t *testing.T) {
	catalog, ledger := tools.NewCatalog(), guardtest.NewLedger()
	s := mcpserver.New(catalog, guard.New(catalog, ledger, guard.Options{}), mcpserver.Options{})
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	c := client.NewClient(s.InProcess())
	t.Cleanup(func() { _ = c.Close() })
	ctx := auth.With(t.Context(), shop)
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Initialize(ctx, mcp.InitializeRequest{}); err != nil {
		t.Fatal(err)
	}
	result, err := c.CallTool(ctx, request("far__a", map[string]any{}, ""))
	if err != nil || !result.IsError || len(ledger.Rows()) != 1 {
		t.Errorf("got %+v, %v, rows %+v", result, err, ledger.Rows())
	}
}
