package crm

import (
	"strings"

	"drawbridge/tools"
)

// Product is something the company sells.
type Product struct {
	ID          string `json:"id" jsonschema:"The product's id." example:"prd_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	SKU         string `json:"sku" jsonschema:"The stock keeping unit." example:"MUG-BLUE"`
	Name        string `json:"name" jsonschema:"The product's name." example:"Blue mug"`
	Description string `json:"description,omitempty" jsonschema:"What it is." example:"Hand-thrown stoneware, 3 dl."`
	PriceMinor  int64  `json:"price_minor" jsonschema:"Today's price of one piece, in the currency's minor unit." example:"1450"`
	Currency    string `json:"currency" jsonschema:"The ISO 4217 code of the price." example:"EUR"`
	Stock       int64  `json:"stock" jsonschema:"How many pieces are in stock." example:"3"`
	ReorderAt   int64  `json:"reorder_at" jsonschema:"The stock at which, and below which, more should be ordered, in pieces." example:"5"`
	LowStock    bool   `json:"low_stock" jsonschema:"Whether the stock is at reorder_at or below."`
	// StockNotKept: the CRM counts no stock, and the three fields above are empty.
	StockNotKept bool `json:"stock_not_kept,omitempty" jsonschema:"True where this CRM counts no stock: stock, reorder_at and low_stock then say nothing."`
}

// ProductSearch finds products.
type ProductSearch struct {
	Query    string `json:"q,omitempty" jsonschema:"Words that must all occur in the SKU, name or description; case does not matter. Leave out to list all products." maxLength:"200" example:"blue mug"`
	LowStock bool   `json:"low_stock,omitempty" jsonschema:"True for only those whose stock is at reorder_at or below." default:"false"`
	tools.Page
}

// ProductPage is one page of products by SKU.
type ProductPage struct {
	Products   []Product `json:"products" jsonschema:"The products found, by SKU."`
	NextCursor string    `json:"next_cursor,omitempty" jsonschema:"Pass as cursor to get the next page. Absent on the last page."`
}

// ProductRef names one product.
type ProductRef struct {
	Product string `json:"product" jsonschema:"The product's id or SKU." minLength:"1" maxLength:"254" example:"MUG-BLUE"`
}

func (s ProductSearch) normal() (ProductSearch, error) {
	var f findings
	s.Query, s.Page = oneLine(s.Query), paged(s.Page)
	f.text("q", s.Query, 0, maxLine)
	return s, f.err()
}

func (r ProductRef) normal() (ProductRef, error) {
	var f findings
	r.Product = strings.TrimSpace(r.Product)
	f.text("product", r.Product, 1, maxRef)
	return r, f.err()
}
