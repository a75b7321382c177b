package shopify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/money"
	"drawbridge/tools/shop"
)

type product struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Handle  string    `json:"handle"`
	Status  string    `json:"status"`
	Vendor  string    `json:"vendor"`
	Kind    string    `json:"productType"`
	Tags    []string  `json:"tags"`
	Stock   int       `json:"totalInventory"`
	Created time.Time `json:"createdAt"`
}

func (p *product) shown() (shop.Product, error) {
	return shop.Product{ID: p.ID, Title: p.Title, Handle: p.Handle, Status: strings.ToLower(p.Status), Vendor: p.Vendor, Kind: p.Kind, Tags: texts(p.Tags),
		Stock: p.Stock, CreatedAt: p.Created.UTC()}, nil
}

// SearchProducts finds products, newest first. Shopify's index may be some seconds behind.
func (b *Backend) SearchProducts(ctx context.Context, query shop.ProductQuery) (shop.List[shop.Product], error) {
	var terms []string
	if query.Text != "" {
		terms = append(terms, term(query.Text))
	}
	if query.SKU != "" {
		terms = append(terms, "sku:"+term(query.SKU))
	}
	if query.Status != "" {
		terms = append(terms, "status:"+term(query.Status))
	}
	return listing[product, shop.Product]{op: productsFound, root: "products", page: query.Page, show: (*product).shown}.run(ctx, b, terms)
}

// GetProduct finds a product by its id or its handle.
func (b *Backend) GetProduct(ctx context.Context, reference string) (shop.ProductDetails, error) {
	missing := shop.NoSuch("product", "product", reference, shop.ToolSearchProducts)
	id := reference
	switch {
	case kind(reference) == "Product":
	case strings.HasPrefix(reference, "gid://"):
		return shop.ProductDetails{}, tools.Errorf(tools.Invalid, "product: %q is the id of something else; want a product's id or its handle.", reference)
	default:
		var found struct {
			Products list[product] `json:"products"`
		}
		if err := b.run(ctx, productNamed, variables{"query": "handle:" + term(reference)}, &found); err != nil {
			return shop.ProductDetails{}, err
		}
		id = ""
		for _, p := range found.Products.Nodes {
			if strings.EqualFold(p.Handle, reference) {
				id = p.ID
			}
		}
		if id == "" {
			return shop.ProductDetails{}, missing
		}
	}
	var out struct {
		Shop struct {
			Currency string `json:"currencyCode"`
		} `json:"shop"`
		Product *struct {
			product
			Description string        `json:"description"`
			Variants    list[variant] `json:"variants"`
		} `json:"product"`
	}
	switch err := b.run(ctx, productInFull, variables{"id": id}, &out); {
	case tools.CodeOf(err) == tools.NotFound || err == nil && out.Product == nil:
		return shop.ProductDetails{}, missing
	case err != nil:
		return shop.ProductDetails{}, err
	}
	details := shop.ProductDetails{Description: out.Product.Description, Variants: []shop.Variant{}, More: out.Product.Variants.Page.More}
	details.Product, _ = out.Product.shown()
	for _, v := range out.Product.Variants.Nodes {
		price, err := money.Decimal(v.Price, out.Shop.Currency)
		if err != nil {
			return details, fmt.Errorf("reading a price of Shopify's: %v", err)
		}
		details.Variants = append(details.Variants, shop.Variant{ID: v.ID, Title: v.Title, SKU: v.SKU, Price: price.Shown(), Stock: v.Stock, ItemID: v.Item.ID})
	}
	return details, nil
}

type variant struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	SKU   string `json:"sku"`
	Price string `json:"price"`
	Stock int    `json:"inventoryQuantity"`
	Item  item   `json:"inventoryItem"`
}
