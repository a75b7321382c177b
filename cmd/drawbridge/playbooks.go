package main

import (
	"maps"
	"slices"

	"drawbridge/config"
	"drawbridge/server/mcpserver"
	"drawbridge/tools/agents"
)

// resources are what MCP clients can read by address, each by the tool that reads it.
var resources = []mcpserver.Resource{
	{Name: "customers", Title: "Customers", Description: "A customer, by id or email address, with what is open with it.", Tool: "crm_get_customer", Argument: "customer",
		Search: "crm_search_customers", Query: "q", List: "customers", ID: "email"},
	{Name: "orders", Title: "Orders", Description: "An order with its lines, by id or number.", Tool: "crm_get_order", Argument: "order",
		Search: "crm_search_orders", Query: "q", List: "orders", ID: "number"},
	{Name: "runs", Title: "Runs", Description: "A run of an agent that you have started, by id.", Tool: agents.GetTool, Argument: "id",
		Search: agents.ListTool, List: "runs", ID: "id"},
}

// playbooksOf are the prompts of the settings, by name.
func playbooksOf(cfg *config.Config) []mcpserver.Playbook {
	var books []mcpserver.Playbook
	for _, name := range slices.Sorted(maps.Keys(cfg.Playbooks)) {
		p := cfg.Playbooks[name]
		book := mcpserver.Playbook{Name: name, Description: p.Description, Text: p.Text}
		for _, a := range p.Arguments {
			book.Arguments = append(book.Arguments, mcpserver.PlaybookArgument{Name: a.Name, Description: a.Description, Required: a.Required, Values: a.Values, Of: a.Of})
		}
		books = append(books, book)
	}
	return books
}
