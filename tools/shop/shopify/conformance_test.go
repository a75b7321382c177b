package shopify_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/shop"
	"drawbridge/tools/shop/shopify"
	"drawbridge/tools/shop/shopify/shopifyfake"
	"drawbridge/tools/shop/shoptest"
)

// store is a backend over a fake store. None of its waits takes any time.
type store struct {
	*shopify.Backend
	fake *shopifyfake.Server
}

func open(t testing.TB) store {
	t.Helper()
	return openWith(t, func(*shopify.Settings) {})
}

func openWith(t testing.TB, change func(*shopify.Settings)) store {
	t.Helper()
	settings := shopify.Settings{Token: shopifyfake.Token, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	change(&settings)
	now := settings.Now
	if now == nil {
		now = time.Now
	}
	fake := shopifyfake.New(t, now)
	fake.Most, fake.Restore = 1e9, 1e9
	fake.Drain(1e9)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	settings.URL = fake.URL
	if settings.Client == nil {
		settings.Client = &http.Client{Transport: transport}
	}
	b, err := shopify.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return store{b, fake}
}

func (s store) Driver() shop.Driver { return s.Backend }

func (s store) Place(o shoptest.Order) string {
	made := shopifyfake.Order{Name: o.Name, Email: o.Email, Currency: "EUR", Status: "PAID", Created: o.Created, Disputed: o.Disputed}
	if o.Unpaid {
		made.Status = "PENDING"
	}
	for _, l := range o.Lines {
		made.Lines = append(made.Lines, shopifyfake.Line{Title: l.Title, Quantity: l.Quantity, Price: l.PriceMinor, Location: l.Location})
	}
	return s.fake.Place(made)
}

func (s store) Stock(title, handle, sku string, stock map[string]int) string {
	return s.fake.Stock(shopifyfake.Product{Title: title, Handle: handle, SKU: sku, Status: "ACTIVE", Price: 1000, Stock: stock})
}

func TestConformance(t *testing.T) {
	shoptest.Run(t, func(t *testing.T) shoptest.Harness { return open(t) }).Keep(t, "shopify")
}

// call calls a tool under a key, "" for none.
func (s store) call(ctx context.Context, key, tool string, in map[string]any) (map[string]any, *tools.Error) {
	if key != "" {
		ctx = tools.WithKey(ctx, key)
	}
	arguments, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	found, known := tools.NewCatalog(shop.Tools(shop.New(s.Backend))).Lookup(tool)
	if !known {
		panic("no tool " + tool)
	}
	raw, err := found.Call(ctx, arguments)
	if err != nil {
		return nil, tools.AsError(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out, nil
}
