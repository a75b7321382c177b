package crm

import (
	"slices"

	"drawbridge/tools"
)

// operations are the family's tools, each with the part of a driver that it needs.
var operations = []struct {
	tool    string
	offered func(Driver) bool
}{
	{SearchCustomersTool, fulfils[Customers]},
	{GetCustomerTool, fulfils[Customers]},
	{CreateCustomerTool, fulfils[CustomerRecords]},
	{UpdateCustomerTool, fulfils[CustomerRecords]},
	{LogInteractionTool, fulfils[InteractionRecords]},
	{ListInteractionsTool, fulfils[Interactions]},
	{CreateTaskTool, fulfils[TaskRecords]},
	{ListTasksTool, fulfils[Tasks]},
	{CompleteTaskTool, fulfils[TaskRecords]},
	{SearchOrdersTool, fulfils[Orders]},
	{GetOrderTool, fulfils[Orders]},
	{UpdateOrderTool, fulfils[OrderRecords]},
	{CreateTicketTool, fulfils[TicketRecords]},
	{UpdateTicketTool, fulfils[TicketRecords]},
	{SearchTicketsTool, fulfils[Tickets]},
	{SearchProductsTool, fulfils[Products]},
	{GetProductTool, fulfils[Products]},
	{CreateDealTool, fulfils[DealRecords]},
	{UpdateDealTool, fulfils[DealRecords]},
	{SearchDealsTool, fulfils[Deals]},
}

func fulfils[Part any](driver Driver) bool {
	_, ok := driver.(Part)
	return ok
}

// Operations names all tools of the family, whether a backend offers them or not.
func Operations() []string {
	all := make([]string, len(operations))
	for i, op := range operations {
		all[i] = op.tool
	}
	return all
}

// offers says whether the backend fulfils what a tool needs.
func (c *CRM) offers(tool string) bool {
	for _, op := range operations {
		if op.tool == tool {
			return op.offered(c.driver)
		}
	}
	return false
}

// Tools makes the family's tools over one backend: those that it fulfils.
//
// Whether a write is idempotent is the driver's claim. A tool that creates only
// adds, so it is not destructive; every update overwrites values that are kept
// nowhere else, and a completed task cannot be opened again, so these are.
func Tools(c *CRM) []tools.Tool {
	all := slices.Concat(
		customerTools(c),
		interactionTools(c),
		taskTools(c),
		orderTools(c),
		ticketTools(c),
		productTools(c),
		dealTools(c),
	)
	return slices.DeleteFunc(all, func(tool tools.Tool) bool { return !c.offers(tool.Name) })
}
