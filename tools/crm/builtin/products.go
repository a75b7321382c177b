package builtin

import (
	"context"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
)

const selectProducts = `SELECT id, sku, name, description, price_minor, currency, stock, reorder_at, stock <= reorder_at FROM crm_products`

var productList = list[crm.Product, string]{
	name:  "products",
	query: selectProducts,
	key:   "sku",
	scan:  scanProduct,
	at:    func(p crm.Product) (string, string) { return p.SKU, p.ID },
}

func scanProduct(row scanner) (p crm.Product, err error) {
	err = row.Scan(&p.ID, &p.SKU, &p.Name, &p.Description, &p.PriceMinor, &p.Currency, &p.Stock, &p.ReorderAt, &p.LowStock)
	return p, err
}

// SearchProducts finds products by SKU.
func (b *Backend) SearchProducts(ctx context.Context, in crm.ProductSearch) (crm.ProductPage, error) {
	var where filter
	where.words(in.Query, false)
	if in.LowStock {
		where.and("stock <= reorder_at")
	}
	rows, next, err := productList.page(ctx, b.db.Read(), where, in.Page)
	return crm.ProductPage{Products: rows, NextCursor: next}, err
}

// Product finds a product by id or SKU.
func (b *Backend) Product(ctx context.Context, ref string) (crm.Product, error) {
	row := b.db.Read().QueryRowContext(ctx,
		selectProducts+` WHERE id = ? OR sku = ? ORDER BY CASE WHEN id = ? THEN 0 ELSE 1 END LIMIT 1`, ref, ref, ref)
	return one(row, scanProduct, tools.Errorf(tools.NotFound, "no product %q; search with %s", ref, crm.SearchProductsTool))
}

func insertProduct(ctx context.Context, tx sqldb.Tx, p crm.Product, onConflict string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO crm_products
		(id, sku, name, description, price_minor, currency, stock, reorder_at, search_text)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`+onConflict,
		p.ID, p.SKU, p.Name, p.Description, p.PriceMinor, p.Currency, p.Stock, p.ReorderAt,
		searchable(p.SKU, p.Name, p.Description))
	return err
}
