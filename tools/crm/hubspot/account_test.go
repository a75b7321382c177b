package hubspot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/hubspot"
	"drawbridge/tools/crm/hubspot/hubspotfake"
)

// bare is an account as it is when it is new, with the settings that it needs at least.
func bare(t *testing.T) account {
	t.Helper()
	fake := hubspotfake.New(t, time.Now)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	b, err := hubspot.New(hubspot.Settings{Token: hubspotfake.Token, URL: fake.URL + "/", PerSecond: 1_000_000, SearchesPerSecond: 1_000_000, Mapping: hubspot.Mapping{Currency: "EUR"}, Client: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	return account{b, fake}
}

func TestWhatANewAccountHasNoPlaceForIsRefusedByName(t *testing.T) {
	a := bare(t)
	ada := a.ada()
	order := a.fake.Add("orders", map[string]string{"hs_order_name": "A-1"})
	ticket := a.fake.Add("tickets", map[string]string{"subject": "Late", "hs_pipeline_stage": "1"})
	a.fake.Add("products", map[string]string{"hs_sku": "MUG", "name": "Mug", "price": "14.5"})
	for _, c := range []struct {
		tool string
		in   map[string]any
		says string
	}{
		{crm.CreateCustomerTool, map[string]any{"name": "Bo", "external_id": "cus_1"}, "properties.customer_external_id"},
		{crm.CreateCustomerTool, map[string]any{"name": "Bo", "note": "Prefers email."}, "properties.customer_note"},
		{crm.UpdateCustomerTool, map[string]any{"customer": ada, "stage": "former"}, "hubspot.customers.stages"},
		{crm.UpdateTicketTool, map[string]any{"ticket": ticket, "status": "resolved"}, "hubspot.tickets.stages"},
		{crm.UpdateOrderTool, map[string]any{"order": order, "status": "refunded"}, "hubspot.orders.stages"},
		{crm.UpdateOrderTool, map[string]any{"order": order, "delayed": true}, "properties.order_delayed"},
		{crm.UpdateOrderTool, map[string]any{"order": order, "expected_at": "2026-03-02T09:00:00Z"}, "properties.order_expected_at"},
		{crm.UpdateOrderTool, map[string]any{"order": order, "flagged_for_review": true, "review_reason": "Paid twice"}, "properties.order_review_reason"},
		{crm.SearchOrdersTool, map[string]any{"delayed": true}, "properties.order_delayed"},
		{crm.SearchOrdersTool, map[string]any{"flagged_for_review": true}, "properties.order_review_reason"},
		{crm.SearchProductsTool, map[string]any{"low_stock": true}, "properties.product_stock"},
		{crm.CreateTaskTool, map[string]any{"title": "Call", "assignee": "the team"}, "no user called"},
		{crm.CreateTaskTool, map[string]any{"title": "Call", "due_at": "2150-01-01T00:00:00Z"}, "due_at"},
	} {
		if _, err := a.call(t.Context(), c.tool, c.in); err == nil || err.Code != tools.Invalid || !strings.Contains(err.Message, c.says) {
			t.Errorf("%s with %v: %v, want invalid and %q", c.tool, c.in, err, c.says)
		}
	}
	for _, kind := range []string{"contacts", "tasks"} {
		if n := a.fake.Count(kind); n > 1 {
			t.Errorf("there are %d %s", n, kind)
		}
	}
	if a.fake.Value("orders", order, "hs_pipeline_stage")+a.fake.Value("tickets", ticket, "hs_pipeline_stage") != "1" {
		t.Error("a refused call changed something")
	}
	mug, err := a.call(t.Context(), crm.GetProductTool, map[string]any{"product": "mug"})
	if err != nil || mug["stock_not_kept"] != true || mug["price_minor"] != 1450.0 || mug["low_stock"] != false {
		t.Errorf("the product is %v, %v", mug, err)
	}
}

func TestStageOfLifeCycleMovesForwardsOnly(t *testing.T) {
	a := open(t)
	ada := a.ada()
	for _, stage := range []string{"customer", "customer", "former"} {
		if out, err := a.call(t.Context(), crm.UpdateCustomerTool, map[string]any{"customer": ada, "stage": stage, "phone": "1"}); err != nil || out["stage"] != stage {
			t.Fatalf("to %s: %v, %v", stage, out, err)
		}
	}
	if _, err := a.call(t.Context(), crm.UpdateCustomerTool, map[string]any{"customer": ada, "stage": "lead", "phone": "2"}); err == nil || err.Code != tools.Conflict {
		t.Errorf("backwards: %v", err)
	}
	if phone := a.fake.Value("contacts", ada, "phone"); phone != "1" {
		t.Errorf("what was refused changed the phone number to %s", phone)
	}
}

// What people and HubSpot's own tools wrote is read as it is meant.
func TestInteractionsAreWhatPeopleWroteToo(t *testing.T) {
	a := open(t)
	ada, day := a.ada(), time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for i, one := range []struct {
		kind   string
		values map[string]string
	}{
		{"notes", map[string]string{"hs_note_body": "<div><p>Prefers <b>mail</b> &amp; tea</p><p>Not on Mondays.</p><script>alert(1)</script></div>"}},
		{"calls", map[string]string{"hs_call_title": "Call with Ada", "hs_call_body": "She asked<br>about 1 &lt; 2"}},
		{"emails", map[string]string{"hs_email_subject": "Where is it?", "hs_email_text": "Hello,\n\n<where> is my order?"}},
		{"meetings", map[string]string{}},
	} {
		one.values["hs_timestamp"] = day.AddDate(0, 0, i).Format(time.RFC3339)
		id := a.fake.Add(one.kind, one.values)
		a.fake.Tie(one.kind, id, "contacts", ada)
	}
	if _, err := a.LogInteraction(t.Context(), crm.InteractionDraft{Customer: ada, Kind: crm.Review, Sentiment: crm.Negative, Summary: "[sic] <One> star", Body: "a & b\nc", OccurredAt: day.AddDate(0, 0, 4)}); err != nil {
		t.Fatal(err)
	}
	want := []crm.Interaction{
		{Kind: crm.Review, Sentiment: crm.Negative, Summary: "[sic] <One> star", Body: "a & b\nc"},
		{Kind: crm.Meeting, Summary: "(meeting)"},
		{Kind: crm.Email, Summary: "Where is it?", Body: "Hello,\n\n<where> is my order?"},
		{Kind: crm.Call, Summary: "Call with Ada", Body: "She asked\nabout 1 < 2"},
		{Kind: crm.Note, Summary: "Prefers mail & tea", Body: "Not on Mondays."},
	}
	for _, customer := range []string{"", ada} {
		page, err := a.ListInteractions(t.Context(), crm.InteractionQuery{Customer: customer, Page: tools.Page{Limit: 20}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Interactions {
			if page.Interactions[i].CustomerID != ada {
				t.Errorf("the interaction is with %q", page.Interactions[i].CustomerID)
			}
			page.Interactions[i] = crm.Interaction{Kind: page.Interactions[i].Kind, Sentiment: page.Interactions[i].Sentiment, Summary: page.Interactions[i].Summary, Body: page.Interactions[i].Body}
		}
		if diff := cmp.Diff(want, page.Interactions); diff != "" {
			t.Errorf("of %q (-want +got):\n%s", customer, diff)
		}
	}
	page, err := a.ListInteractions(t.Context(), crm.InteractionQuery{Kind: crm.Call, Page: tools.Page{Limit: 20}})
	if err != nil || len(page.Interactions) != 1 {
		t.Errorf("calls: %v, %v", page.Interactions, err)
	}
}

func TestCompanyIsTheOneAContactIsAssociatedWith(t *testing.T) {
	a := open(t)
	ada, firm := a.ada(), a.fake.Add("companies", map[string]string{"name": "Café Nordlys"})
	a.fake.Employ(ada, firm)
	ticket := a.fake.Add("tickets", map[string]string{"subject": "Late", "hs_pipeline_stage": "1"})
	a.fake.Tie("tickets", ticket, "contacts", ada)
	if c, err := a.Customer(t.Context(), ada); err != nil || c.Company != "Café Nordlys" {
		t.Errorf("the company is %q, %v", c.Company, err)
	}
	page, err := a.SearchCustomers(t.Context(), crm.CustomerSearch{Page: tools.Page{Limit: 20}})
	if err != nil || len(page.Customers) != 1 || page.Customers[0].Company != "Café Nordlys" {
		t.Errorf("listed: %+v, %v", page.Customers, err)
	}
	found, err := a.SearchTickets(t.Context(), crm.TicketSearch{Query: "nordlys late", Page: tools.Page{Limit: 20}})
	if err != nil || len(found.Tickets) != 1 {
		t.Errorf("tickets of the company: %+v, %v", found.Tickets, err)
	}
}

func TestStageThatTheSettingsDoNotNameIsReadByWhatHubSpotSaysOfIt(t *testing.T) {
	a := open(t)
	a.fake.Add("deals", map[string]string{"dealname": "Won elsewhere", "dealstage": "delivered_and_paid"})
	a.fake.Add("deals", map[string]string{"dealname": "Won", "dealstage": "closedwon"})
	a.fake.Add("deals", map[string]string{"dealname": "Lost", "dealstage": "closedlost"})
	a.fake.Add("deals", map[string]string{"dealname": "New", "dealstage": "appointmentscheduled"})
	for stage, want := range map[crm.DealStage][]string{crm.DealWon: {"Won", "Won elsewhere"}, crm.DealLost: {"Lost"}, crm.DealLead: {"New"}, crm.DealProposal: nil} {
		page, err := a.SearchDeals(t.Context(), crm.DealSearch{Stage: stage, Page: tools.Page{Limit: 20}})
		if err != nil {
			t.Fatal(err)
		}
		var titles []string
		for _, d := range page.Deals {
			titles = append(titles, d.Title)
		}
		if slices.Sort(titles); !slices.Equal(titles, want) {
			t.Errorf("%s: %q, want %q", stage, titles, want)
		}
	}
}

// A customer with more records than are read one by one is searched for, in pages.
func TestCustomerWithVeryManyOrdersIsAddedUpWhole(t *testing.T) {
	a := open(t)
	ada := a.ada()
	for n := range 510 {
		id := a.fake.Add("orders", map[string]string{"hs_order_name": fmt.Sprint("A-", n), "hs_total_price": "1.10", "hs_currency_code": "EUR"})
		a.fake.Tie("orders", id, "contacts", ada)
	}
	other := a.fake.Add("orders", map[string]string{"hs_order_name": "B", "hs_total_price": "1.10", "hs_currency_code": "EUR"})
	a.fake.Tie("orders", other, "contacts", a.fake.Add("contacts", map[string]string{"firstname": "Bo"}))
	totals, err := a.OrderTotals(t.Context(), ada)
	if err != nil || len(totals) != 1 || totals[0] != (crm.Total{Currency: "EUR", Orders: 510, AmountMinor: 510 * 110}) {
		t.Errorf("the totals are %v, %v", totals, err)
	}
	// What was written a moment ago, which no search shows yet, is there.
	a.fake.Lag(100)
	if _, err := a.UpdateOrder(t.Context(), crm.OrderUpdate{Order: "A-0", Status: new(crm.OrderCancelled)}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.UpdateOrder(t.Context(), crm.OrderUpdate{Order: "B", Status: new(crm.OrderShipped)}); err != nil {
		t.Fatal(err)
	}
	totals, err = a.OrderTotals(t.Context(), ada)
	if err != nil || len(totals) != 1 || totals[0].Orders != 509 {
		t.Errorf("behind a cancellation the totals are %v, %v", totals, err)
	}
}

// A look for words that few records hold ends after a while, and goes on from there.
func TestLongSearchEndsAndGoesOn(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	a := openAt(t, func() time.Time { at = at.Add(time.Millisecond); return at })
	first := a.fake.Add("tickets", map[string]string{"subject": "the needle", "hs_pipeline_stage": "1"})
	for n := range 1150 {
		a.fake.Add("tickets", map[string]string{"subject": fmt.Sprint("hay ", n), "hs_pipeline_stage": "1"})
	}
	in := crm.TicketSearch{Query: "needle", Page: tools.Page{Limit: 20}}
	page, err := a.SearchTickets(t.Context(), in)
	if err != nil || len(page.Tickets) != 0 || page.NextCursor == "" {
		t.Fatalf("at first: %v, cursor %q, %v", page.Tickets, page.NextCursor, err)
	}
	in.Cursor = page.NextCursor
	page, err = a.SearchTickets(t.Context(), in)
	if err != nil || len(page.Tickets) != 1 || page.Tickets[0].ID != first || page.NextCursor != "" {
		t.Errorf("then: %v, cursor %q, %v", page.Tickets, page.NextCursor, err)
	}
}

func TestPictureOfACustomerTakesFewRequestsAndNoSearch(t *testing.T) {
	a := open(t)
	ada := a.ada()
	for n := range 60 {
		for kind, values := range map[string]map[string]string{
			"tickets": {"subject": "Late", "hs_pipeline_stage": "1"}, "orders": {"hs_order_name": fmt.Sprint(n)},
			"notes": {"hs_note_body": "x", "hs_timestamp": "2026-03-01T00:00:00Z"}, "calls": {"hs_timestamp": "2026-03-01T00:00:00Z"}, "emails": {"hs_timestamp": "2026-03-01T00:00:00Z"}, "meetings": {"hs_timestamp": "2026-03-01T00:00:00Z"},
		} {
			a.fake.Tie(kind, a.fake.Add(kind, values), "contacts", ada)
		}
	}
	if _, err := a.call(t.Context(), crm.GetCustomerTool, map[string]any{"customer": "ada@example.com"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range a.fake.Requests() {
		if strings.HasSuffix(r.Path, "/search") {
			t.Errorf("the search was asked: %s", r.Path)
		}
	}
	if n := len(a.fake.Requests()); n > 15 {
		t.Errorf("%d requests were made for 360 records", n)
	}
}

func TestUsersBeyondTheFirstHundredAreKnown(t *testing.T) {
	a := open(t)
	for n := range 230 {
		a.fake.Hire(fmt.Sprintf("user%d@example.com", n), "User", fmt.Sprint(n))
	}
	for _, called := range []string{"user229@example.com", "USER 229"} {
		task, err := a.CreateTask(t.Context(), crm.TaskDraft{Title: "Call", Assignee: called})
		if err != nil || task.Assignee != "user229@example.com" {
			t.Errorf("assigned to %s: %q, %v", called, task.Assignee, err)
		}
	}
}

func TestSumsAreExact(t *testing.T) {
	a := open(t)
	ada := a.ada()
	for _, c := range []struct {
		kept, currency string
		minor          int64
	}{{"12.5", "EUR", 1250}, {"12.505", "EUR", 1251}, {"1250", "JPY", 1250}, {"1E3", "EUR", 100000}, {"90071992547409.91", "EUR", 1<<53 - 1}, {"0.1", "GBP", 10}, {"", "EUR", 0}} {
		id := a.fake.Add("deals", map[string]string{"dealname": "x", "dealstage": "closedwon", "amount": c.kept, "deal_currency_code": c.currency})
		a.fake.Tie("deals", id, "contacts", ada)
		page, err := a.SearchDeals(t.Context(), crm.DealSearch{Page: tools.Page{Limit: 100}})
		i := slices.IndexFunc(page.Deals, func(d crm.Deal) bool { return d.ID == id })
		if err != nil || i < 0 || page.Deals[i].AmountMinor != c.minor || page.Deals[i].Currency != c.currency {
			t.Errorf("%s %s is %+v, %v", c.kept, c.currency, page.Deals, err)
		}
	}
	yen, err := a.CreateDeal(t.Context(), crm.DealDraft{Customer: ada, Title: "x", AmountMinor: 33000, Currency: "JPY", Stage: crm.DealLead})
	if err != nil || a.fake.Value("deals", yen.ID, "amount") != "33000" {
		t.Errorf("yen are kept as %q, %v", a.fake.Value("deals", yen.ID, "amount"), err)
	}
}

func TestReferenceIsOnlyAReference(t *testing.T) {
	a := open(t)
	for _, ref := range []string{"../companies/1", "..", ".", "a/b?c=d#e", "%2e%2e", "1;2", "associations", "search@x", "batch"} {
		if _, err := a.Customer(t.Context(), ref); tools.CodeOf(err) != tools.NotFound {
			t.Errorf("%q: %v", ref, err)
		}
		if _, err := a.Order(t.Context(), ref); tools.CodeOf(err) != tools.NotFound {
			t.Errorf("order %q: %v", ref, err)
		}
	}
	for _, r := range a.fake.Requests() {
		if r.Path != "/crm/objects/2026-03/contacts/batch/read" && r.Path != "/crm/objects/2026-03/orders/search" {
			t.Errorf("a reference led to %s", r.Path)
		}
	}
}

// More records of one moment than a search shows are said, and not left out.
func TestMoreOfOneMomentThanASearchShowsAreNotLeftOut(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ After string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		from, err := strconv.Atoi(in.After)
		if err != nil || from+100 > 10_000 {
			t.Errorf("asked for the results behind %q", in.After)
		}
		asked++
		var results []any
		for n := range 100 {
			results = append(results, map[string]any{"id": fmt.Sprint(1_000_000 + from + n), "createdAt": "2026-03-02T09:00:00Z", "updatedAt": "2026-03-02T09:00:00Z",
				"properties": map[string]any{"createdate": "2026-03-02T09:00:00Z", "firstname": "Imported"}})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"total": 20_000, "results": results, "paging": map[string]any{"next": map[string]any{"after": fmt.Sprint(from + 100)}}})
	}))
	t.Cleanup(server.Close)
	a := open(t, func(s *hubspot.Settings) { s.URL = server.URL })
	_, err := a.SearchCustomers(t.Context(), crm.CustomerSearch{Query: "imported", Page: tools.Page{Limit: 20}})
	if tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), "narrow") || asked != 100 {
		t.Errorf("after %d searches: %v", asked, err)
	}
}
