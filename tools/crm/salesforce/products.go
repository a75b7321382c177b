package salesforce

import (
	"context"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// Products are those of the standard price book. Salesforce counts no stock; where the
// settings name fields for it, it is shown.

func (b *Backend) productFields() []string {
	prices := "(SELECT " + strings.Join(b.withCurrency([]string{"UnitPrice"}), ", ") + " FROM PricebookEntries WHERE Pricebook2.IsStandard = true AND IsActive = true ORDER BY Id)"
	return selecting("Id", b.field("product_sku", "ProductCode"), "Name", "Description", b.fields["product_stock"], b.fields["product_reorder_at"], prices)
}

func (b *Backend) product(r record) crm.Product {
	p := crm.Product{
		ID: r.text("Id"), SKU: r.text(b.field("product_sku", "ProductCode")), Name: r.text("Name"), Description: r.text("Description"), Currency: b.currency,
		Stock: r.whole(b.fields["product_stock"]), ReorderAt: r.whole(b.fields["product_reorder_at"]),
	}
	p.StockNotKept = b.fields["product_stock"] == ""
	p.LowStock = !p.StockNotKept && p.Stock <= p.ReorderAt
	for i, price := range r.list("PricebookEntries").Records {
		if code := b.currencyOf(price); i == 0 || code == b.currency {
			p.PriceMinor, p.Currency = price.minor("UnitPrice", code), code
		}
	}
	return p
}

// SearchProducts finds products that are sold, by SKU.
func (b *Backend) SearchProducts(ctx context.Context, in crm.ProductSearch) (crm.ProductPage, error) {
	sku := b.field("product_sku", "ProductCode")
	where := conditions{"IsActive = true"}
	if err := where.words(in.Query, sku, "Name", "Description"); err != nil {
		return crm.ProductPage{}, err
	}
	if in.LowStock && b.fields["product_stock"] == "" {
		return crm.ProductPage{}, noField("low_stock", "product_stock")
	}
	list := listing[crm.Product]{name: "products", object: "Product2", fields: b.productFields(), key: sku, kind: byText, absent: true, scan: b.product}
	page := func() ([]crm.Product, string, error) { return list.page(ctx, b, where, in.Page) }
	if in.LowStock { // SOQL compares no field with another
		page = func() ([]crm.Product, string, error) {
			return list.sift(ctx, b, where, in.Page, func(p crm.Product) bool { return p.LowStock })
		}
	}
	found, next, err := page()
	return crm.ProductPage{Products: found, NextCursor: next}, err
}

// Product finds a product by id or SKU.
func (b *Backend) Product(ctx context.Context, ref string) (crm.Product, error) {
	sku, id := b.field("product_sku", "ProductCode"), ""
	if isID(ref, ofProduct) {
		id = idIs(ref)
	}
	found, err := b.query(ctx, one("Product2", b.productFields(), either(id, both("IsActive = true", sku+" = "+quote(ref))))+" ORDER BY CreatedDate, Id LIMIT 20")
	if err != nil {
		return crm.Product{}, err
	}
	for _, r := range found {
		if id != "" && strings.HasPrefix(r.text("Id"), ref[:15]) {
			return b.product(r), nil
		}
	}
	switch len(found) {
	case 0:
		return crm.Product{}, missing("product", ref, crm.SearchProductsTool)
	case 1:
		return b.product(found[0]), nil
	}
	return crm.Product{}, tools.Errorf(tools.Conflict, "product: %q is the SKU of several products; name one by the id: find it with %s", ref, crm.SearchProductsTool)
}
