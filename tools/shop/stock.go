package shop

import (
	"context"
	"strings"

	"drawbridge/tools"
)

// maxStock bounds a quantity, and a change of one.
const maxStock = 1_000_000

// Level is how much there is of an item at one place.
type Level struct {
	ItemID     string `json:"item_id" jsonschema:"What is counted." example:"gid://shopify/InventoryItem/4501"`
	SKU        string `json:"sku,omitempty" jsonschema:"Its stock keeping unit." example:"TP-BLUE"`
	LocationID string `json:"location_id" jsonschema:"The place." example:"gid://shopify/Location/2001"`
	Location   string `json:"location" jsonschema:"The place's name." example:"Main warehouse"`
	Available  int    `json:"available" jsonschema:"How many can be sold; may be below 0."`
	OnHand     int    `json:"on_hand" jsonschema:"How many are there."`
	Committed  int    `json:"committed" jsonschema:"How many of them are sold and not shipped."`
}

// GetStockInput is the input of shop_get_stock.
type GetStockInput struct {
	Item string `json:"item" jsonschema:"What is counted: a variant's id, an item_id, or a stock keeping unit." minLength:"1" maxLength:"200" example:"TP-BLUE"`
}

// GetStockOutput is how much there is, place by place.
type GetStockOutput struct {
	Levels []Level `json:"levels" jsonschema:"How much there is, place by place."`
}

// GetStock gives how much there is of an item, place by place.
func (s *Shop) GetStock(ctx context.Context, in GetStockInput) (GetStockOutput, error) {
	item, err := named("item", in.Item)
	if err != nil {
		return GetStockOutput{}, err
	}
	levels, err := s.driver.GetStock(ctx, item)
	if err != nil {
		return GetStockOutput{}, readError(ToolGetStock, err)
	}
	return GetStockOutput{Levels: levels}, nil
}

// StockChange changes how many of an item can be sold at a place: by Delta, or to Quantity
// if that is given. Expected is what there has to be, nil for whatever there is.
type StockChange struct {
	Item     string
	Location string // "" for the only one
	Delta    int
	Quantity *int
	Expected *int
	Reason   StockReason
}

// StockReason is why a quantity changes.
type StockReason string

// The reasons for a change of stock.
const (
	StockCorrection StockReason = "correction"
	StockReceived   StockReason = "received"
	StockDamaged    StockReason = "damaged"
	StockRestock    StockReason = "restock"
	StockShrinkage  StockReason = "shrinkage"
	StockPromotion  StockReason = "promotion"
	StockOther      StockReason = "other"
)

// PlaceOf picks the level that a change is about.
func PlaceOf(levels []Level, change StockChange) (Level, error) {
	if change.Location == "" && len(levels) == 1 {
		return levels[0], nil
	}
	for _, level := range levels {
		if level.LocationID == change.Location || strings.EqualFold(level.Location, change.Location) {
			return level, nil
		}
	}
	if change.Location == "" {
		return Level{}, tools.Errorf(tools.Invalid, "location: %s is kept at %d places; say at which (%s lists them).", change.Item, len(levels), ToolGetStock)
	}
	return Level{}, NoSuch("location", "stock of "+change.Item+" at", change.Location, ToolGetStock)
}

// Stale is the error for a quantity that is not the expected one.
func Stale(level Level, expected int) error {
	return tools.Errorf(tools.Conflict, "expected_quantity: %d of %s can be sold at %s now, not %d; nothing was changed. Look again with %s, and decide anew.",
		level.Available, level.ItemID, level.Location, expected, ToolGetStock)
}

// AdjustStockInput is the input of shop_adjust_stock.
type AdjustStockInput struct {
	GetStockInput
	Location string      `json:"location,omitempty" jsonschema:"The place: its id or its name. Needed if the item is kept at more than one." maxLength:"255" example:"Main warehouse"`
	Delta    int         `json:"delta" jsonschema:"How many more can be sold; below 0 for fewer." minimum:"-1000000" maximum:"1000000" example:"-2"`
	Expected *int        `json:"expected_quantity,omitempty" jsonschema:"How many could be sold when you looked: the change is refused if that is not so any more." minimum:"-1000000" maximum:"1000000" example:"10"`
	Reason   StockReason `json:"reason" jsonschema:"Why." enum:"correction,received,damaged,restock,shrinkage,promotion,other"`
}

// AdjustStock changes a quantity by a difference.
func (s *Shop) AdjustStock(ctx context.Context, in AdjustStockInput) (Level, error) {
	if in.Delta == 0 || in.Delta > maxStock || in.Delta < -maxStock {
		return Level{}, tools.Errorf(tools.Invalid, "delta: %d is no change, or too large a one.", in.Delta)
	}
	return s.changeStock(ctx, ToolAdjustStock, StockChange{Item: in.Item, Location: in.Location, Delta: in.Delta, Expected: in.Expected, Reason: in.Reason})
}

// SetStockInput is the input of shop_set_stock.
type SetStockInput struct {
	GetStockInput
	Location string      `json:"location,omitempty" jsonschema:"The place: its id or its name. Needed if the item is kept at more than one." maxLength:"255" example:"Main warehouse"`
	Quantity int         `json:"quantity" jsonschema:"How many can be sold from now on." minimum:"0" maximum:"1000000" example:"8"`
	Expected int         `json:"expected_quantity" jsonschema:"How many could be sold when you looked: the change is refused if that is not so any more." minimum:"-1000000" maximum:"1000000" example:"10"`
	Reason   StockReason `json:"reason" jsonschema:"Why." enum:"correction,received,damaged,restock,shrinkage,promotion,other"`
}

// SetStock changes a quantity to another, if it is what the caller believes.
func (s *Shop) SetStock(ctx context.Context, in SetStockInput) (Level, error) {
	if in.Quantity < 0 || in.Quantity > maxStock {
		return Level{}, tools.Errorf(tools.Invalid, "quantity: %d is out of range; want 0 to %d.", in.Quantity, maxStock)
	}
	return s.changeStock(ctx, ToolSetStock, StockChange{Item: in.Item, Location: in.Location, Quantity: &in.Quantity, Expected: &in.Expected, Reason: in.Reason})
}

func (s *Shop) changeStock(ctx context.Context, tool string, change StockChange) (Level, error) {
	var err error
	if change.Item, err = named("item", change.Item); err != nil {
		return Level{}, err
	}
	change.Location = strings.TrimSpace(change.Location)
	if err := choice("reason", change.Reason, StockCorrection, StockReceived, StockDamaged, StockRestock, StockShrinkage, StockPromotion, StockOther); err != nil {
		return Level{}, err
	}
	level, err := s.driver.ChangeStock(ctx, change)
	if err != nil {
		return Level{}, s.writeError(ctx, tool, err)
	}
	return level, nil
}
