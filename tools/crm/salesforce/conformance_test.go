package salesforce_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"drawbridge/tools/crm"
	"drawbridge/tools/crm/crmtest"
	"drawbridge/tools/crm/salesforce"
	"drawbridge/tools/crm/salesforce/salesforcefake"
)

// equipped is an organization that has a field for each of the family's: then Salesforce can
// do what the family does.
func equipped(t testing.TB) org {
	t.Helper()
	fake := salesforcefake.New(t, func() time.Time { return began }, true)
	return openWith(t, fake, func(s *salesforce.Settings, fake *salesforcefake.Org) {
		withKeys(s, fake)
		s.Several = true
		s.Fields = map[string]string{}
		for of, field := range customFields {
			s.Fields[of] = field.Name
			fake.AddField(field.object, field.Field)
		}
		s.Values = salesforce.Values{
			"ticket_status":    {"resolved": {"Resolved"}},
			"ticket_priority":  {"urgent": {"Critical"}},
			"order_status":     {"shipped": {"Shipped"}, "delivered": {"Delivered"}, "refunded": {"Refunded"}},
			"interaction_kind": {"review": {"Review"}},
		}
	})
}

type customField struct {
	object string
	salesforcefake.Field
}

func text(object, name string, length int) customField {
	return customField{object, salesforcefake.Field{Name: name, Kind: salesforcefake.Text, Length: length}}
}

func of(object, name string, kind salesforcefake.Kind) customField {
	return customField{object, salesforcefake.Field{Name: name, Kind: kind}}
}

var customFields = map[string]customField{
	"customer_stage":        of("Contact", "Stage__c", salesforcefake.Pick),
	"customer_external_id":  text("Contact", "Shop_Id__c", 255),
	"ticket_assignee":       text("Case", "Assignee__c", 255),
	"task_assignee":         text("Task", "Assignee__c", 255),
	"task_due_at":           of("Task", "Due_At__c", salesforcefake.DateTime),
	"task_outcome":          {"Task", salesforcefake.Field{Name: "Outcome__c", Kind: salesforcefake.LongText, Length: 32000}},
	"interaction_at":        of("Task", "Occurred_At__c", salesforcefake.DateTime),
	"interaction_sentiment": of("Task", "Sentiment__c", salesforcefake.Pick),
	"deal_owner":            text("Opportunity", "Colleague__c", 255),
	"deal_close_by":         of("Opportunity", "Close_By__c", salesforcefake.DateTime),
	"order_placed_at":       of("Order", "Placed_At__c", salesforcefake.DateTime),
	"order_amount":          of("Order", "Grand_Total__c", salesforcefake.Money),
	"order_note":            text("Order", "Note__c", 255),
	"order_delayed":         of("Order", "Delayed__c", salesforcefake.Bool),
	"order_expected_at":     of("Order", "Expected_At__c", salesforcefake.DateTime),
	"order_flagged":         of("Order", "Review__c", salesforcefake.Bool),
	"order_review_reason":   text("Order", "Review_Reason__c", 255),
	"product_stock":         of("Product2", "Stock__c", salesforcefake.Number),
	"product_reorder_at":    of("Product2", "Reorder_At__c", salesforcefake.Number),
}

func (o org) Driver() crm.Driver { return o.Backend }

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000+0000")
}

func amount(minor int64, currency string) json.Number {
	if currency == "JPY" {
		return json.Number(fmt.Sprint(minor))
	}
	return json.Number(fmt.Sprintf("%d.%02d", minor/100, minor%100))
}

func (o org) AddProduct(t *testing.T, p crm.Product) crm.Product {
	t.Helper()
	p.ID = o.fake.Put("Product2", map[string]any{"ProductCode": p.SKU, "Name": p.Name, "Description": p.Description, "IsActive": true,
		"Stock__c": json.Number(fmt.Sprint(p.Stock)), "Reorder_At__c": json.Number(fmt.Sprint(p.ReorderAt)), "CurrencyIsoCode": p.Currency})
	standard := o.fake.Records("Pricebook2", "IsStandard", true)[0]["Id"]
	o.fake.Put("PricebookEntry", map[string]any{"Product2Id": p.ID, "Pricebook2Id": standard, "UnitPrice": amount(p.PriceMinor, p.Currency), "IsActive": true, "CurrencyIsoCode": p.Currency})
	p.LowStock = p.Stock <= p.ReorderAt
	return p
}

// AddOrder places an order as a shop's import does: of the person, and of the company, which
// every order at Salesforce has.
func (o org) AddOrder(t *testing.T, in crm.OrderDetails) crm.OrderDetails {
	t.Helper()
	buyer := o.fake.Records("Contact", "Id", in.CustomerID)[0]
	account := buyer["AccountId"]
	if account == nil {
		account = o.fake.Put("Account", map[string]any{"Name": "Household of " + fmt.Sprint(buyer["Name"])})
	}
	status := map[crm.OrderStatus]string{crm.OrderPending: "Draft", crm.OrderPaid: "Activated", crm.OrderShipped: "Shipped", crm.OrderDelivered: "Delivered",
		crm.OrderCancelled: "Cancelled", crm.OrderRefunded: "Refunded"}[in.Status]
	in.ID = o.fake.Put("Order", map[string]any{
		"OrderReferenceNumber": in.Number, "AccountId": account, "BillToContactId": in.CustomerID, "Status": status, "EffectiveDate": in.PlacedAt.Format(time.DateOnly),
		"CurrencyIsoCode": in.Currency, "Placed_At__c": stamp(in.PlacedAt), "Grand_Total__c": amount(in.AmountMinor, in.Currency), "Note__c": orNil(in.Note),
		"Delayed__c": in.Delayed, "Expected_At__c": stamp(in.ExpectedAt), "Review__c": in.FlaggedForReview, "Review_Reason__c": orNil(in.ReviewReason),
	})
	for _, line := range in.Lines {
		o.fake.Put("OrderItem", map[string]any{"OrderId": in.ID, "Product2Id": line.ProductID, "Quantity": json.Number(fmt.Sprint(line.Quantity)),
			"UnitPrice": amount(line.UnitPriceMinor, in.Currency), "CurrencyIsoCode": in.Currency})
	}
	in.UpdatedAt = began
	if in.Lines == nil {
		in.Lines = []crm.OrderLine{}
	}
	return in
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Records counts what has a key of a call, under the name of whatever tool.
func (o org) Records(_ *testing.T, key string) (n int) {
	for object, field := range keyFields {
		for _, r := range o.fake.Records(object, "", nil) {
			stored, _ := r[field].(string)
			if tool, _, ok := strings.Cut(stored, ":"); ok && stored == salesforce.StoredKey(tool, key) {
				n++
			}
		}
	}
	return n
}

// LeftOut is what Salesforce has no room for: names of people end at 121 characters, those of
// deals at 120, phone numbers at 40.
func (o org) LeftOut() map[string]string {
	return map[string]string{
		"Texts/texts of a customer as long as the schema allows are kept whole":       "A person's names have 40 and 80 characters at Salesforce, a phone number has 40, and more is refused.",
		"Texts/texts and sums of a deal as large as the schema allows are kept whole": "An opportunity's name has 120 characters at Salesforce, and more is refused.",
		"Texts/a reason for review as long as the schema allows is kept whole":        "A field that Salesforce can search has 255 characters, and more is refused.",
	}
}

func TestConformance(t *testing.T) {
	crmtest.Run(t, func(t *testing.T) crmtest.Harness { return equipped(t) }).Keep(t, "salesforce")
}
