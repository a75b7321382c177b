package hubspot

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// HubSpot's products have a price and no stock. An account that counts its stock there does
// so in properties of its own.

func (b *Backend) productProperties() []string {
	return b.withPlaces([]string{"hs_sku", "name", "description", "price"}, PlaceStock, PlaceReorder)
}

func (b *Backend) productOf(r record) crm.Product {
	p := crm.Product{ID: r.ID, SKU: cmp.Or(r.is("hs_sku"), r.ID), Name: r.is("name"), Description: r.is("description"),
		PriceMinor: minor(r.is("price"), b.mapping.Currency), Currency: b.mapping.Currency, StockNotKept: b.place(PlaceStock) == ""}
	if !p.StockNotKept {
		p.Stock, p.ReorderAt = whole(r.is(b.place(PlaceStock))), whole(r.is(b.place(PlaceReorder)))
		p.LowStock = p.Stock <= p.ReorderAt
	}
	return p
}

func whole(text string) int64 {
	n, _ := strconv.ParseFloat(text, 64)
	return int64(n)
}

// bySKU goes on behind a product, in the order of the list.
type bySKU struct {
	List string `json:"l"`
	SKU  string `json:"s"`
	ID   string `json:"i"`
}

const productList = "products"

// SearchProducts lists products by their SKU. HubSpot does not say in which order its search
// compares texts, so the catalogue is read whole, and put into order here.
func (b *Backend) SearchProducts(ctx context.Context, in crm.ProductSearch) (crm.ProductPage, error) {
	page := crm.ProductPage{Products: []crm.Product{}}
	if in.LowStock {
		if _, err := b.placeFor("low_stock", PlaceStock); err != nil {
			return page, err
		}
	}
	var after bySKU
	going, err := tools.DecodeCursor(in.Cursor, &after)
	switch {
	case err != nil:
		return page, err
	case going && (after.List != productList || !numeric(after.ID)):
		return page, badCursor()
	}
	all, err := b.catalogue(ctx, contains(token(in.Query), "hs_sku", "name", "description"))
	if err != nil {
		return page, err
	}
	last := crm.Product{SKU: after.SKU, ID: after.ID}
	all = slices.DeleteFunc(all, func(p crm.Product) bool {
		return in.LowStock && !p.LowStock || !holds(in.Query, p.SKU, p.Name, p.Description) || going && inOrder(p, last) <= 0
	})
	slices.SortFunc(all, inOrder)
	if len(all) > in.Size() {
		all = all[:in.Size()]
		end := all[len(all)-1]
		page.NextCursor = tools.EncodeCursor(bySKU{List: productList, SKU: end.SKU, ID: end.ID})
	}
	page.Products = append(page.Products, all...)
	return page, nil
}

func inOrder(a, b crm.Product) int {
	return cmp.Or(strings.Compare(a.SKU, b.SKU), byID(a.ID, b.ID))
}

// mostProducts is how many are read of a catalogue; there are words to narrow it down.
const mostProducts = 2000

func (b *Backend) catalogue(ctx context.Context, groups [][]filter) ([]crm.Product, error) {
	l := listing[crm.Product]{
		name: "catalogue", rising: true,
		sources: []source{{object: products, properties: b.productProperties(), sort: "createdate", groups: groups}},
		show: func(_ context.Context, rows []row) ([]crm.Product, error) {
			list := []crm.Product{}
			for _, r := range rows {
				list = append(list, b.productOf(r.record))
			}
			return list, nil
		},
	}
	l.page.Limit = tools.MaxLimit
	var all []crm.Product
	for {
		some, next, err := l.run(ctx, b)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		switch l.page.Cursor = next; {
		case next == "":
			return all, nil
		case len(all) >= mostProducts:
			return nil, tools.Errorf(tools.Invalid, "q: more than %d products fit; give words that fewer have", mostProducts)
		}
	}
}

// Product finds one by its id or SKU.
func (b *Backend) Product(ctx context.Context, ref string) (crm.Product, error) {
	if numeric(ref) {
		found, err := b.get(ctx, products, ref, b.productProperties())
		if !missing(err) {
			return b.productOf(found), err
		}
	}
	some, err := b.catalogue(ctx, [][]filter{{{Property: "hs_sku", Operator: "EQ", Value: ref}}})
	if err != nil {
		return crm.Product{}, err
	}
	for _, p := range some {
		if strings.EqualFold(p.SKU, ref) {
			return p, nil
		}
	}
	return crm.Product{}, noSuch("product", ref, crm.SearchProductsTool)
}
