package crm

import (
	"context"

	"drawbridge/tools"
)

// SearchProducts finds products.
func (c *CRM) SearchProducts(ctx context.Context, in ProductSearch) (ProductPage, error) {
	return read(ctx, c, SearchProductsTool, in, Products.SearchProducts)
}

// GetProduct gives one product and its stock.
func (c *CRM) GetProduct(ctx context.Context, in ProductRef) (Product, error) {
	return read(ctx, c, GetProductTool, in, func(driver Products, ctx context.Context, in ProductRef) (Product, error) {
		return driver.Product(ctx, in.Product)
	})
}

func productTools(c *CRM) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  SearchProductsTool,
			Title: "Search products",
			Description: "Find products by words from their SKU, name or description, or set low_stock to see what should be reordered. " +
				"With an exact SKU call crm_get_product right away.",
			Effect: tools.Read,
		}, c.SearchProducts),
		tools.Define(tools.Spec{
			Name:  GetProductTool,
			Title: "Get a product",
			Description: "One product by its id or SKU: price, stock, and whether the stock is low. " +
				"Call it before you promise that something can be delivered.",
			Effect: tools.Read,
		}, c.GetProduct),
	}
}
