package crm

import (
	"context"

	"drawbridge/tools"
)

// CreateDeal records a sale in progress.
func (c *CRM) CreateDeal(ctx context.Context, in DealDraft) (Deal, error) {
	return write(ctx, c, CreateDealTool, in, DealRecords.CreateDeal)
}

// UpdateDeal changes the given fields of a deal.
func (c *CRM) UpdateDeal(ctx context.Context, in DealUpdate) (Deal, error) {
	return write(ctx, c, UpdateDealTool, in, DealRecords.UpdateDeal)
}

// SearchDeals finds deals.
func (c *CRM) SearchDeals(ctx context.Context, in DealSearch) (DealPage, error) {
	return read(ctx, c, SearchDealsTool, in, Deals.SearchDeals)
}

func dealTools(c *CRM) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  CreateDealTool,
			Title: "Create a deal",
			Description: "Record a possible sale to a customer and what it is worth. " +
				"Look with crm_search_deals first, so that one sale is not counted twice. It charges nobody; something already bought is an order.",
			Effect:     tools.Write,
			Idempotent: c.driver.HonoursKeys(CreateDealTool),
		}, c.CreateDeal),
		tools.Define(tools.Spec{
			Name:  UpdateDealTool,
			Title: "Update a deal",
			Description: "Move a deal to another stage, or change its title, amount, owner or date; fields left out stay as they are, the old values of the others are lost. " +
				"Set won or lost only once the customer has decided.",
			Effect:      tools.Write,
			Idempotent:  c.driver.HonoursKeys(UpdateDealTool),
			Destructive: true,
			Taints:      true,
		}, c.UpdateDeal),
		tools.Define(tools.Spec{
			Name:  SearchDealsTool,
			Title: "Search deals",
			Description: "Find deals by words, customer, stage or owner, newest first. " +
				"Amounts may be in several currencies: never add those up.",
			Effect: tools.Read,
			Taints: true,
		}, c.SearchDeals),
	}
}
