package crmtest

import "drawbridge/tools/crm"

var productCases = map[string]func(*bench){
	"is found by id and by SKU": func(b *bench) {
		mug := b.product("MUG-BLUE", 240, 50)
		b.product("PLATE-27", 12, 40)
		for _, ref := range []string{mug.ID, "MUG-BLUE"} {
			b.same(ref, call[crm.Product](b, crm.GetProductTool, crm.ProductRef{Product: ref}), mug)
		}
	},
	"stock is low at the reorder level and below": func(b *bench) {
		b.product("C-ABOVE", 6, 5)
		b.product("B-AT", 5, 5)
		b.product("A-NONE", 0, 5)
		low := call[crm.ProductPage](b, crm.SearchProductsTool, crm.ProductSearch{LowStock: true})
		b.same("low", skusOf(low), []string{"A-NONE", "B-AT"})
		all := call[crm.ProductPage](b, crm.SearchProductsTool, crm.ProductSearch{})
		b.same("claims", pick(all.Products, func(p crm.Product) bool { return p.LowStock }), []bool{true, true, false})
	},
	"search finds words in SKU, name and description": func(b *bench) {
		b.product("MUG-BLUE", 1, 0)
		b.product("PLATE-27", 1, 0)
		for query, want := range map[string][]string{
			"mug":             {"MUG-BLUE"},
			"product plate":   {"PLATE-27"},
			"stoneware":       {"MUG-BLUE", "PLATE-27"},
			"stoneware 27":    {"PLATE-27"},
			"stoneware glass": {},
		} {
			found := call[crm.ProductPage](b, crm.SearchProductsTool, crm.ProductSearch{Query: query})
			b.same(query, skusOf(found), want)
		}
	},
}
