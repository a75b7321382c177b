package crm

import (
	"context"

	"drawbridge/tools"
)

// SearchOrders finds orders.
func (c *CRM) SearchOrders(ctx context.Context, in OrderSearch) (OrderPage, error) {
	return read(ctx, c, SearchOrdersTool, in, Orders.SearchOrders)
}

// GetOrder gives one order with its lines.
func (c *CRM) GetOrder(ctx context.Context, in OrderRef) (OrderDetails, error) {
	return read(ctx, c, GetOrderTool, in, func(driver Orders, ctx context.Context, in OrderRef) (OrderDetails, error) {
		return driver.Order(ctx, in.Order)
	})
}

// UpdateOrder changes the given fields of an order.
func (c *CRM) UpdateOrder(ctx context.Context, in OrderUpdate) (Order, error) {
	return write(ctx, c, UpdateOrderTool, in, OrderRecords.UpdateOrder)
}

func orderTools(c *CRM) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  SearchOrdersTool,
			Title: "Search orders",
			Description: "Find orders by words, customer, status, date, delay or review flag, newest first. " +
				"With an order number at hand call crm_get_order right away. Returns orders without their lines.",
			Effect: tools.Read,
			Taints: true,
		}, c.SearchOrders),
		tools.Define(tools.Spec{
			Name:  GetOrderTool,
			Title: "Get an order",
			Description: "One order by its id or number, with what was ordered. " +
				"Call crm_get_customer with its customer_id to see who placed it, crm_get_product for the stock of a line.",
			Effect: tools.Read,
			Taints: true,
		}, c.GetOrder),
		tools.Define(tools.Spec{
			Name:  UpdateOrderTool,
			Title: "Update an order",
			Description: "Keep an order's record right: its status, whether it is delayed and until when, whether a colleague should review it and why. " +
				"This changes the record only. It ships nothing, refunds nothing and tells the customer nothing; the values it replaces are lost.",
			Effect:      tools.Write,
			Idempotent:  c.driver.HonoursKeys(UpdateOrderTool),
			Destructive: true,
			Taints:      true,
		}, c.UpdateOrder),
	}
}
