package shopify

import (
	"context"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/shop"
)

type level struct {
	Location struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"location"`
	Quantities []struct {
		Name     string `json:"name"`
		Quantity int    `json:"quantity"`
	} `json:"quantities"`
}

type item struct {
	ID     string      `json:"id"`
	SKU    string      `json:"sku"`
	Levels list[level] `json:"inventoryLevels"`
	Level  *level      `json:"inventoryLevel"`
}

func (i item) at(l level) shop.Level {
	out := shop.Level{ItemID: i.ID, SKU: i.SKU, LocationID: l.Location.ID, Location: l.Location.Name}
	for _, q := range l.Quantities {
		switch q.Name {
		case "available":
			out.Available = q.Quantity
		case "on_hand":
			out.OnHand = q.Quantity
		case "committed":
			out.Committed = q.Quantity
		}
	}
	return out
}

// item finds what is counted: by its own id, its variant's, or its SKU.
func (b *Backend) item(ctx context.Context, reference string) (item, error) {
	missing := shop.NoSuch("item", "item", reference, shop.ToolGetProduct)
	var out struct {
		Item    *item `json:"inventoryItem"`
		Variant *struct {
			Item *item `json:"inventoryItem"`
		} `json:"productVariant"`
	}
	op, id := itemAlone, reference
	switch kind(reference) {
	case "InventoryItem":
	case "ProductVariant":
		op = itemOfVariant
	default:
		if strings.HasPrefix(reference, "gid://") {
			return item{}, tools.Errorf(tools.Invalid, "item: %q is the id of something else; want a variant's id, an item_id or a stock keeping unit.", reference)
		}
		var err error
		if id, err = b.itemOfSKU(ctx, reference); err != nil {
			return item{}, err
		}
	}
	err := b.run(ctx, op, variables{"id": id}, &out)
	if out.Variant != nil {
		out.Item = out.Variant.Item
	}
	switch {
	case tools.CodeOf(err) == tools.NotFound || err == nil && out.Item == nil:
		return item{}, missing
	case err != nil:
		return item{}, err
	}
	return *out.Item, nil
}

func (b *Backend) itemOfSKU(ctx context.Context, sku string) (string, error) {
	var found struct {
		Variants list[variant] `json:"productVariants"`
	}
	if err := b.run(ctx, itemsNamed, variables{"query": "sku:" + term(sku)}, &found); err != nil {
		return "", err
	}
	id := ""
	for _, v := range found.Variants.Nodes {
		switch {
		case v.SKU != sku || v.Item.ID == id:
		case id != "":
			return "", tools.Errorf(tools.Invalid, "item: several variants have the stock keeping unit %q, such as those of %s and %s; give the item_id.", sku, id, v.Item.ID)
		default:
			id = v.Item.ID
		}
	}
	if id == "" {
		return "", shop.NoSuch("item", "item", sku, shop.ToolGetProduct)
	}
	return id, nil
}

// GetStock gives how much there is of an item, place by place.
func (b *Backend) GetStock(ctx context.Context, reference string) ([]shop.Level, error) {
	found, err := b.item(ctx, reference)
	if err != nil {
		return nil, err
	}
	levels := []shop.Level{}
	for _, l := range found.Levels.Nodes {
		levels = append(levels, found.at(l))
	}
	return levels, nil
}

// ChangeStock changes how many of an item can be sold at a place. Whether the expected
// quantity is there is Shopify's to say, in the moment of the change: so that a call whose
// answer was lost finds its own change under its key.
func (b *Backend) ChangeStock(ctx context.Context, change shop.StockChange) (shop.Level, error) {
	levels, err := b.GetStock(ctx, change.Item)
	if err != nil {
		return shop.Level{}, err
	}
	place, err := shop.PlaceOf(levels, change)
	if err != nil {
		return shop.Level{}, err
	}
	one := variables{"inventoryItemId": place.ItemID, "locationId": place.LocationID, "changeFromQuantity": change.Expected}
	input := variables{"name": "available", "reason": string(change.Reason)}
	op := stockAdjusted
	if change.Quantity != nil {
		op, one["quantity"], input["quantities"] = stockSet, *change.Quantity, []variables{one}
	} else {
		one["delta"], input["changes"] = change.Delta, []variables{one}
	}
	type payload struct {
		Group struct {
			Changes []struct {
				Item item `json:"item"`
			} `json:"changes"`
		} `json:"inventoryAdjustmentGroup"`
		Errors []userError `json:"userErrors"`
	}
	var out struct {
		Adjust payload `json:"inventoryAdjustQuantities"`
		Set    payload `json:"inventorySetQuantities"`
	}
	done := func() *payload {
		if change.Quantity != nil {
			return &out.Set
		}
		return &out.Adjust
	}
	stale := false
	err = b.mutate(ctx, op, variables{"input": input, "location": place.LocationID, "key": callKey(ctx)}, &out, func() []userError {
		for _, e := range done().Errors {
			stale = stale || e.Code == "CHANGE_FROM_QUANTITY_STALE"
		}
		return done().Errors
	})
	switch {
	case stale && change.Expected != nil:
		return b.asWanted(ctx, place, change, err)
	case err != nil:
		return shop.Level{}, err
	}
	for _, c := range done().Group.Changes {
		if c.Item.Level != nil {
			return c.Item.at(*c.Item.Level), nil
		}
	}
	// Nothing had to change, or the answer leaves out how it is now.
	return b.levelNow(ctx, place)
}

// levelNow reads a level that a change was made to.
func (b *Backend) levelNow(ctx context.Context, place shop.Level) (shop.Level, error) {
	levels, err := b.GetStock(ctx, place.ItemID)
	if err == nil {
		place, err = shop.PlaceOf(levels, shop.StockChange{Item: place.ItemID, Location: place.LocationID})
	}
	if err != nil {
		return place, unknown("the quantity was changed, and cannot be read at the moment. Look at it before doing anything again.")
	}
	return place, nil
}

// asWanted answers a change that Shopify refused since the quantity is not the expected one.
// One that is what it was to be set to is what a repeated call left, long ago.
func (b *Backend) asWanted(ctx context.Context, place shop.Level, change shop.StockChange, refused error) (shop.Level, error) {
	now, err := b.levelNow(ctx, place)
	switch {
	case err != nil:
		return now, refused
	case change.Quantity != nil && now.Available == *change.Quantity:
		return now, nil
	}
	return now, shop.Stale(now, *change.Expected)
}
