package shop

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/money"
)

// Product is something that is sold.
type Product struct {
	ID        string    `json:"id" jsonschema:"The product's id." example:"gid://shopify/Product/3001"`
	Title     string    `json:"title" jsonschema:"Its title." example:"Teapot"`
	Handle    string    `json:"handle" jsonschema:"Its name in addresses." example:"teapot"`
	Status    string    `json:"status" jsonschema:"Whether it is sold: active, draft, archived or unlisted." example:"active"`
	Vendor    string    `json:"vendor,omitempty" jsonschema:"Who makes it."`
	Kind      string    `json:"product_type,omitempty" jsonschema:"What kind of product it is."`
	Tags      []string  `json:"tags" jsonschema:"Its tags."`
	Stock     int       `json:"total_stock" jsonschema:"How many can be sold, of all variants at all places; may be below 0."`
	CreatedAt time.Time `json:"created_at" jsonschema:"When it was made. RFC 3339 UTC." format:"date-time"`
}

// Variant is one form of a product.
type Variant struct {
	ID     string       `json:"id" jsonschema:"The variant's id." example:"gid://shopify/ProductVariant/4001"`
	Title  string       `json:"title" jsonschema:"What sets it apart." example:"Blue"`
	SKU    string       `json:"sku,omitempty" jsonschema:"Its stock keeping unit." example:"TP-BLUE"`
	Price  money.Amount `json:"price" jsonschema:"What one costs, in the shop's own currency."`
	Stock  int          `json:"stock" jsonschema:"How many can be sold, at all places; may be below 0."`
	ItemID string       `json:"item_id" jsonschema:"What is counted in stock." example:"gid://shopify/InventoryItem/4501"`
}

// ProductDetails is a product with its description and its variants.
type ProductDetails struct {
	Product
	Description string    `json:"description,omitempty" jsonschema:"Its description, as plain text."`
	Variants    []Variant `json:"variants" jsonschema:"Its variants."`
	More        bool      `json:"more_variants,omitempty" jsonschema:"There are more variants than are shown."`
}

// ProductQuery is a checked search.
type ProductQuery struct {
	Text   string
	SKU    string
	Status string
	tools.Page
}

// SearchProductsInput is the input of shop_search_products.
type SearchProductsInput struct {
	Text   string `json:"q,omitempty" jsonschema:"Words to look for in titles, kinds, makers and tags." maxLength:"200" example:"teapot"`
	SKU    string `json:"sku,omitempty" jsonschema:"Only products with a variant of exactly this stock keeping unit." maxLength:"200" example:"TP-BLUE"`
	Status string `json:"status,omitempty" jsonschema:"Only products in this state." enum:"active,draft,archived,unlisted"`
	tools.Page
}

// SearchProductsOutput is one page of products.
type SearchProductsOutput struct {
	Products   []Product `json:"products" jsonschema:"The products found, newest first."`
	NextCursor string    `json:"next_cursor,omitempty" jsonschema:"Pass as cursor for the next page. Absent on the last page."`
}

// SearchProducts finds products, newest first.
func (s *Shop) SearchProducts(ctx context.Context, in SearchProductsInput) (SearchProductsOutput, error) {
	if err := choice("status", in.Status, "", "active", "draft", "archived", "unlisted"); err != nil {
		return SearchProductsOutput{}, err
	}
	found, err := s.driver.SearchProducts(ctx, ProductQuery{Text: strings.TrimSpace(in.Text), SKU: strings.TrimSpace(in.SKU), Status: in.Status, Page: in.Page})
	if err != nil {
		return SearchProductsOutput{}, readError(ToolSearchProducts, err)
	}
	return SearchProductsOutput{Products: found.Items, NextCursor: found.Next}, nil
}

// GetProductInput is the input of shop_get_product.
type GetProductInput struct {
	Product string `json:"product" jsonschema:"The product: its id or its handle." minLength:"1" maxLength:"255" example:"teapot"`
}

// GetProduct gives one product with its variants.
func (s *Shop) GetProduct(ctx context.Context, in GetProductInput) (ProductDetails, error) {
	product, err := named("product", in.Product)
	if err != nil {
		return ProductDetails{}, err
	}
	details, err := s.driver.GetProduct(ctx, product)
	if err != nil {
		return ProductDetails{}, readError(ToolGetProduct, err)
	}
	return details, nil
}
