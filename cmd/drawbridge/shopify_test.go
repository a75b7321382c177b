package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
	shops "drawbridge/tools/shop"
	"drawbridge/tools/shop/shopify/shopifyfake"
)

// shopDesk is a program whose shop is a fake of Shopify's, with the default rules, and
// somebody at the desk who may do everything.
type shopDesk struct {
	*app
	t    *testing.T
	fake *shopifyfake.Server
	n    int
}

func newShopDesk(t *testing.T) *shopDesk {
	t.Helper()
	fake := shopifyfake.New(t, time.Now)
	fake.Most, fake.Restore = 1e6, 1e6 // nobody waits here
	cfg := config.Default()
	cfg.Tools.Shop = config.ShopBackend{Backend: "shopify", Store: "example.myshopify.com", Token: shopifyfake.Token, BaseURL: fake.URL}
	a, err := newToolApp(t.Context(), temporary(t, cfg), appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(t.Context()) })
	return &shopDesk{app: a, t: t, fake: fake}
}

// order is one that was paid, of so many minor units of the euro.
func (d *shopDesk) order(price int64) string {
	return d.fake.Place(shopifyfake.Order{Email: "ada@example.com", Customer: "Ada Example", Currency: "EUR", Status: "PAID",
		Lines: []shopifyfake.Line{{Title: "Kettle", SKU: "KET-1", Quantity: 1, Price: price}}})
}

// call makes one, under a key of its own.
func (d *shopDesk) call(tool string, arguments map[string]any) guard.Result {
	d.t.Helper()
	d.n++
	return d.repeat(tool, arguments, fmt.Sprintf("call-%d", d.n), false)
}

func (d *shopDesk) repeat(tool string, arguments map[string]any, key string, dry bool) guard.Result {
	d.t.Helper()
	raw, err := json.Marshal(arguments)
	if err != nil {
		d.t.Fatal(err)
	}
	desk := auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}, Effects: everyEffect}
	return d.guard.Call(d.t.Context(), guard.Call{Principal: desk, Door: auth.DoorHTTP, Tool: tool, Key: key, Arguments: raw, DryRun: dry})
}

// refunds are how many there are at the shop.
func (d *shopDesk) refunds(want int, when string) {
	d.t.Helper()
	if n := d.fake.Count().Refunds; n != want {
		d.t.Errorf("%s there are %d refunds, want %d", when, n, want)
	}
}

func (d *shopDesk) decide(id string, approve bool) {
	d.t.Helper()
	_, err := d.store.DecideApproval(d.t.Context(), id, guard.Decider{Name: "local:boss", How: "command"}, guard.ApprovalVerdict{Approve: approve, At: time.Now()})
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestOrderOfTheShopIsLookedUpAndRefunded(t *testing.T) {
	d := newShopDesk(t)
	id := d.order(12_000)
	found := d.call(shops.ToolGetOrder, map[string]any{"order": "#1001"})
	if found.Err != nil || !strings.Contains(string(found.Output), id) {
		t.Fatalf("the order: %s, %v", found.Output, found.Err)
	}
	refund := map[string]any{"order": "#1001", "amount_minor": 2_000, "currency": "EUR"}
	if dry := d.repeat(shops.ToolCreateRefund, refund, "dry", true); dry.Err == nil || dry.Err.Code != tools.DryRun {
		t.Errorf("the dry run: %s, %v", dry.Output, dry.Err)
	}
	d.refunds(0, "behind a dry run")
	made := d.call(shops.ToolCreateRefund, refund)
	var out shops.Refunded
	if made.Err != nil || json.Unmarshal(made.Output, &out) != nil || out.Amount.AmountMinor != 2_000 || out.LeftToRefund.AmountMinor != 10_000 {
		t.Fatalf("a small refund: %s, %v", made.Output, made.Err)
	}
	if again := d.repeat(shops.ToolCreateRefund, refund, "call-2", false); again.Err != nil || !again.Repeated {
		t.Errorf("the same call again: repeated %t, %v", again.Repeated, again.Err)
	}
	d.refunds(1, "behind a small refund, made twice under its key,")
}

// What the default rules say of refunds of payments they say of those of orders.
func TestLargeRefundOfAnOrderIsAPersonsDecision(t *testing.T) {
	d := newShopDesk(t)
	d.order(90_000)
	refund := map[string]any{"order": "#1001", "amount_minor": 60_000, "currency": "EUR"}
	asked := d.repeat(shops.ToolCreateRefund, refund, "large", false)
	if asked.Err == nil || asked.Err.Code != tools.ApprovalRequired || asked.Approval == "" {
		t.Fatalf("600.00 without being asked: %s, %v", asked.Output, asked.Err)
	}
	d.decide(asked.Approval, true)
	d.refunds(0, "before the call is made again")
	for range 2 {
		if made := d.repeat(shops.ToolCreateRefund, refund, "large", false); made.Err != nil {
			t.Fatalf("the approved refund: %v", made.Err)
		}
	}
	d.refunds(1, "behind the approval")
}

func TestDeniedRefundOfAnOrderHasNoEffect(t *testing.T) {
	d := newShopDesk(t)
	d.order(90_000)
	whole := map[string]any{"order": "#1001"}
	asked := d.repeat(shops.ToolCreateRefund, whole, "whole", false)
	if asked.Err == nil || asked.Err.Code != tools.ApprovalRequired {
		t.Fatalf("all of 900.00 without being asked: %s, %v", asked.Output, asked.Err)
	}
	d.decide(asked.Approval, false)
	if denied := d.repeat(shops.ToolCreateRefund, whole, "whole", false); denied.Err == nil {
		t.Errorf("a denied refund came to %s", denied.Output)
	}
	d.refunds(0, "behind a denial")
}

func TestRefundOfMoreThanAnOrderIsNot(t *testing.T) {
	d := newShopDesk(t)
	d.order(1_000)
	more := map[string]any{"order": "#1001", "amount_minor": 1_001, "currency": "EUR"}
	asked := d.repeat(shops.ToolCreateRefund, more, "more", false)
	if asked.Err == nil || asked.Err.Code != tools.ApprovalRequired { // more than is left
		t.Fatalf("10.01 of 10.00: %s, %v", asked.Output, asked.Err)
	}
	d.decide(asked.Approval, true) // whom it slipped by
	refused := d.repeat(shops.ToolCreateRefund, more, "more", false)
	if refused.Err == nil || refused.Err.Code != tools.Invalid || !strings.Contains(refused.Err.Error(), "1000") {
		t.Errorf("10.01 of 10.00, approved: %s, %v", refused.Output, refused.Err)
	}
	if unknown := d.call(shops.ToolCreateRefund, map[string]any{"order": "#9999", "amount_minor": 100, "currency": "EUR"}); unknown.Err == nil {
		t.Errorf("a refund of no order: %s", unknown.Output)
	}
	d.refunds(0, "behind refunds that cannot be")
}

// Many small refunds are a large one, whichever family they are made in.
func TestRefundsOfADayAddUpOverFamilies(t *testing.T) {
	d := newShopDesk(t)
	for i := range 5 {
		d.order(50_000)
		made := d.call(shops.ToolCreateRefund, map[string]any{"order": fmt.Sprintf("#%d", 1001+i), "amount_minor": 40_000, "currency": "EUR"})
		if made.Err != nil { // 400.00 each: 2,000.00 at the fifth
			t.Fatalf("refund %d: %v", i+1, made.Err)
		}
	}
	d.order(50_000)
	asked := d.call(shops.ToolCreateRefund, map[string]any{"order": "#1006", "amount_minor": 100, "currency": "EUR"})
	if asked.Err == nil || asked.Err.Code != tools.ApprovalRequired {
		t.Errorf("the one that takes the day above 2,000.00: %s, %v", asked.Output, asked.Err)
	}
	d.refunds(5, "at the end of the day")
}

// An order that is cancelled may give back all that was paid: nobody can say how much.
func TestCancellingAnOrderIsAPersonsDecision(t *testing.T) {
	d := newShopDesk(t)
	d.order(1_000)
	asked := d.call(shops.ToolCancelOrder, map[string]any{"order": "#1001", "reason": "customer", "restock": true})
	if asked.Err == nil || asked.Err.Code != tools.ApprovalRequired {
		t.Errorf("cancelled: %s, %v", asked.Output, asked.Err)
	}
	if n := d.fake.Count().Cancelled; n != 0 {
		t.Errorf("%d orders are cancelled", n)
	}
}
