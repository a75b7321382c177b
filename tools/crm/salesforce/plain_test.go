package salesforce_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/salesforce"
	"drawbridge/tools/crm/salesforce/salesforcefake"
)

// refused calls a tool that must fail, with a code and words.
func (o org) refused(t *testing.T, name string, in any, code tools.Code, words ...string) {
	t.Helper()
	_, err := o.call(t.Context(), "", name, in)
	if err == nil || err.Code != code {
		t.Errorf("%s with %v: %v, want %s", name, in, err, code)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Message, word) {
			t.Errorf("%s with %v: %q does not say %q", name, in, err.Message, word)
		}
	}
}

func has(t *testing.T, got map[string]any, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if fmt.Sprint(got[name]) != fmt.Sprint(value) {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
}

// Without custom fields Salesforce keeps days where the family has times, and the outcome of
// a task in its text; what it has no field for is refused by name.
func TestOrganizationWithoutCustomFieldsDoesWhatItCan(t *testing.T) {
	o := open(t, nil)
	ada := o.ada(t)
	task := o.must(t, crm.CreateTaskTool, map[string]any{"title": "Call", "detail": "About plates.", "due_at": "2026-07-03T16:30:00Z"})
	has(t, task, map[string]any{"due_at": "2026-07-03T00:00:00Z", "status": "open", "detail": "About plates."})
	due := o.must(t, crm.ListTasksTool, map[string]any{"due_before": "2026-07-03T08:00:00Z"})["tasks"].([]any)
	if len(due) != 1 {
		t.Errorf("%d tasks are due in the course of that day, want 1", len(due))
	}
	has(t, o.must(t, crm.CompleteTaskTool, map[string]any{"task": task["id"], "outcome": "She agrees."}), map[string]any{"detail": "About plates.\n\nOutcome: She agrees.", "status": "done"})

	deal := o.must(t, crm.CreateDealTool, map[string]any{"customer": ada, "title": "Plates", "amount_minor": 1, "currency": "EUR"})
	has(t, deal, map[string]any{"close_by": "2026-08-30T00:00:00Z", "amount_minor": 1, "currency": "EUR"})
	o.refused(t, crm.CreateDealTool, map[string]any{"customer": ada, "title": "Plates", "amount_minor": 1, "currency": "USD"}, tools.Invalid, "EUR only")
	has(t, o.must(t, crm.LogInteractionTool, map[string]any{"customer": ada, "kind": "call", "summary": "Called", "occurred_at": "2026-03-02T10:00:00Z"}),
		map[string]any{"occurred_at": "2026-03-02T00:00:00Z", "kind": "call"})

	o.refused(t, crm.LogInteractionTool, map[string]any{"customer": ada, "kind": "note", "summary": "s", "sentiment": "positive"}, tools.Invalid, "fields.interaction_sentiment")
	o.refused(t, crm.ListInteractionsTool, map[string]any{"sentiment": "positive"}, tools.Invalid, "fields.interaction_sentiment")
	o.refused(t, crm.LogInteractionTool, map[string]any{"customer": ada, "kind": "review", "summary": "s"}, tools.Invalid, "values.interaction_kind", "meeting")
	o.refused(t, crm.CreateCustomerTool, map[string]any{"name": "Bo", "external_id": "x"}, tools.Invalid, "fields.customer_external_id")
	o.refused(t, crm.CreateCustomerTool, map[string]any{"name": "Bo", "stage": "former"}, tools.Invalid, "fields.customer_stage")
	o.refused(t, crm.SearchOrdersTool, map[string]any{"delayed": true}, tools.Invalid, "fields.order_delayed")
	account := o.fake.Put("Account", map[string]any{"Name": "Nordlys", "Type": "Customer - Direct"})
	order := o.fake.Put("Order", map[string]any{"AccountId": account, "Status": "Draft", "EffectiveDate": "2026-03-02"})
	o.refused(t, crm.UpdateOrderTool, map[string]any{"order": order, "status": "paid", "delayed": true}, tools.Invalid, "fields.order_delayed")
	has(t, o.fake.Records("Order", "Id", order)[0], map[string]any{"Status": "Draft"})
	o.refused(t, crm.CreateTicketTool, map[string]any{"customer": ada, "subject": "s", "priority": "urgent"}, tools.Invalid, "values.ticket_priority", "high")
	if n := len(o.fake.Records("Case", "", nil)) + len(o.fake.Records("Contact", "", nil)); n != 1 {
		t.Errorf("what was refused made %d records", n-1)
	}
}

func TestStageFollowsTheCompanyWhereThereIsNoFieldForIt(t *testing.T) {
	o := open(t, nil)
	account := o.fake.Put("Account", map[string]any{"Name": "Nordlys", "Type": "Customer - Direct"})
	o.must(t, crm.CreateCustomerTool, map[string]any{"name": "Ada", "company": "nordlys"})
	o.must(t, crm.CreateCustomerTool, map[string]any{"name": "Bo"})
	for stage, want := range map[string]string{"customer": "Ada", "lead": "Bo"} {
		found := o.must(t, crm.SearchCustomersTool, map[string]any{"stage": stage})["customers"].([]any)
		if len(found) != 1 || found[0].(map[string]any)["name"] != want || found[0].(map[string]any)["stage"] != stage {
			t.Errorf("%s: %v, want %s", stage, found, want)
		}
	}
	has(t, o.fake.Records("Contact", "LastName", "Ada")[0], map[string]any{"AccountId": account})
}

// What is longer than Salesforce's fields is refused by name, and never cut.
func TestTextsThatAreTooLongAreRefused(t *testing.T) {
	o := open(t, nil)
	fits := strings.Repeat("é", 40) + " " + strings.Repeat("à", 80)
	has(t, o.must(t, crm.CreateCustomerTool, map[string]any{"name": fits, "note": strings.Repeat("é", 1000)}), map[string]any{"name": fits, "note": strings.Repeat("é", 1000)})
	many := strings.TrimSpace(strings.Repeat("Maria ", 12)) // the given names end where their field does
	has(t, o.must(t, crm.CreateCustomerTool, map[string]any{"name": many}), map[string]any{"name": many})
	o.refused(t, crm.CreateCustomerTool, map[string]any{"name": strings.Repeat("é", 81)}, tools.Invalid, "LastName", "max length=80")
	deal := map[string]any{"customer": o.ada(t), "title": strings.Repeat("é", 121), "amount_minor": 1<<53 - 1, "currency": "EUR"}
	o.refused(t, crm.CreateDealTool, deal, tools.Invalid, "max length=120")
	deal["title"] = strings.Repeat("é", 120)
	made := o.must(t, crm.CreateDealTool, deal)
	if made["title"] != deal["title"] || made["amount_minor"] != float64(1<<53-1) {
		t.Errorf("a deal of the longest title and the largest sum is %v", made)
	}
}

// A company is a customer to look at; what names only the company shows for its people.
func TestCompanyIsACustomerToLookAt(t *testing.T) {
	o := open(t, nil)
	ada := o.must(t, crm.CreateCustomerTool, map[string]any{"name": "Ada", "company": "Nordlys"})["id"]
	bo := o.must(t, crm.CreateCustomerTool, map[string]any{"name": "Bo", "company": "Nordlys"})["id"]
	account := o.fake.Records("Account", "", nil)[0]["Id"].(string)
	if n := len(o.fake.Records("Account", "", nil)); n != 1 {
		t.Fatalf("there are %d companies", n)
	}
	o.fake.Put("Order", map[string]any{"AccountId": account, "Status": "Activated", "EffectiveDate": "2026-03-02", "OrderReferenceNumber": "A-1"})
	o.fake.Put("Order", map[string]any{"AccountId": account, "BillToContactId": bo, "Status": "Activated", "EffectiveDate": "2026-03-03", "OrderReferenceNumber": "A-2"})
	for who, want := range map[any]string{ada: "A-1", bo: "A-2 A-1", account: "A-2 A-1"} {
		var numbers []string
		for _, order := range o.must(t, crm.SearchOrdersTool, map[string]any{"customer": who})["orders"].([]any) {
			numbers = append(numbers, order.(map[string]any)["number"].(string))
		}
		if got := strings.Join(numbers, " "); got != want {
			t.Errorf("%v has the orders %s, want %s", who, got, want)
		}
	}
	of := o.must(t, crm.GetOrderTool, map[string]any{"order": "A-1"})["customer_id"]
	has(t, o.must(t, crm.GetCustomerTool, map[string]any{"customer": of})["customer"].(map[string]any), map[string]any{"id": account, "name": "Nordlys", "company": "Nordlys"})
	o.refused(t, crm.UpdateCustomerTool, map[string]any{"customer": account, "name": "x"}, tools.Invalid, "company")
	ticket := o.must(t, crm.CreateTicketTool, map[string]any{"customer": account, "subject": "Late"})
	has(t, ticket, map[string]any{"customer_id": account})
	task := o.must(t, crm.CreateTaskTool, map[string]any{"customer": account, "title": "Call"})
	has(t, task, map[string]any{"customer_id": account})
}

// The picture of a customer costs five requests, and lists of somebody who has changed
// companies are the new one's at once.
func TestPictureOfACustomerIsFiveRequests(t *testing.T) {
	now := began
	o := open(t, func(s *salesforce.Settings, _ *salesforcefake.Org) { s.Now = func() time.Time { return now } })
	ada := o.must(t, crm.CreateCustomerTool, map[string]any{"name": "Ada", "email": "ada@example.com", "company": "Nordlys"})["id"].(string)
	old := o.fake.Records("Account", "", nil)[0]["Id"].(string)
	other := o.fake.Put("Account", map[string]any{"Name": "Other"})
	for account, number := range map[string]string{old: "A-1", other: "A-2"} {
		o.fake.Put("Order", map[string]any{"AccountId": account, "Status": "Activated", "EffectiveDate": "2026-03-02", "OrderReferenceNumber": number})
	}
	orders := func() string {
		var numbers []string
		for _, order := range o.must(t, crm.GetCustomerTool, map[string]any{"customer": "ada@example.com"})["orders"].([]any) {
			numbers = append(numbers, order.(map[string]any)["number"].(string))
		}
		return strings.Join(numbers, " ")
	}
	before := len(o.fake.Requests())
	if got := orders(); got != "A-1" {
		t.Errorf("she has the orders %s", got)
	}
	if n := len(o.fake.Requests()) - before; n != 5 {
		t.Errorf("it took %d requests", n)
	}
	o.must(t, crm.UpdateCustomerTool, map[string]any{"customer": ada, "company": "Other"})
	found := o.must(t, crm.SearchOrdersTool, map[string]any{"customer": ada})["orders"].([]any)
	if len(found) != 1 || found[0].(map[string]any)["number"] != "A-2" {
		t.Errorf("with the new company she has the orders %v", found)
	}
	o.fake.Change(ada, map[string]any{"AccountId": old}) // by somebody else
	now = now.Add(10 * time.Second)
	if found := o.must(t, crm.SearchOrdersTool, map[string]any{"customer": ada})["orders"].([]any); len(found) != 1 || found[0].(map[string]any)["number"] != "A-1" {
		t.Errorf("ten seconds later she has the orders %v", found)
	}
}

// A person and a new company are made together or not at all.
func TestPersonAndCompanyAreMadeTogetherOrNotAtAll(t *testing.T) {
	o := open(t, nil)
	o.refused(t, crm.CreateCustomerTool, map[string]any{"name": "Ada", "company": "Nordlys", "phone": strings.Repeat("1", 200)}, tools.Invalid, "Phone", "max length=40")
	if n := len(o.fake.Records("Account", "", nil)) + len(o.fake.Records("Contact", "", nil)); n != 0 {
		t.Errorf("%d records are left", n)
	}
}

func TestNobodyIsTakenForSomebodyElse(t *testing.T) {
	o := open(t, nil)
	for range 2 {
		o.fake.Put("Account", map[string]any{"Name": "Nordlys"})
		o.fake.Put("Contact", map[string]any{"LastName": "Ada", "Email": "ada@example.com"})
	}
	second := o.fake.Records("Account", "", nil)[1]["Id"].(string)
	o.refused(t, crm.CreateCustomerTool, map[string]any{"name": "Bo", "company": "Nordlys"}, tools.Conflict, second)
	has(t, o.must(t, crm.CreateCustomerTool, map[string]any{"name": "Bo", "company": second}), map[string]any{"company": "Nordlys"})
	o.refused(t, crm.CreateTicketTool, map[string]any{"customer": "ada@example.com", "subject": "s"}, tools.Conflict, o.fake.Records("Contact", "", nil)[1]["Id"].(string))
}

func TestRuleAboutDuplicatesNamesWhoIsThere(t *testing.T) {
	o := open(t, func(_ *salesforce.Settings, fake *salesforcefake.Org) { fake.DuplicateRule = true })
	ada := o.ada(t)
	other := o.must(t, crm.CreateCustomerTool, map[string]any{"name": "Bo"})["id"].(string)
	o.fake.Change(other, map[string]any{"Email": "race@example.com"}) // between our look and our write
	_, err := o.call(t.Context(), "", crm.CreateCustomerTool, map[string]any{"name": "A", "email": "ada@example.com"})
	if err == nil || err.Code != tools.Conflict || !strings.Contains(err.Message, ada) {
		t.Errorf("an address that is taken: %v", err)
	}
	// The look does not see it; the rule does.
	o.fake.Disturb(http.MethodPost, "LIMIT+5", salesforcefake.Disturbance{Status: 200, Body: `{"compositeResponse":[{"referenceId":"q0","httpStatusCode":200,"body":{"done":true,"records":[]}}]}`})
	_, err = o.call(t.Context(), "", crm.CreateCustomerTool, map[string]any{"name": "A", "email": "race@example.com"})
	if err == nil || err.Code != tools.Conflict || !strings.Contains(err.Message, other) {
		t.Errorf("an address that the rule finds: %v, want a conflict with %s", err, other)
	}
}

// What a person wrote is never taken for a reference to a part of a request.
func TestTextThatLooksLikeAReferenceIsText(t *testing.T) {
	o := open(t, withKeys)
	odd := "Dear @{new.id}, @{q0.records} and @{"
	who := o.must(t, crm.CreateCustomerTool, map[string]any{"name": "Ada @{new.id}", "note": odd})
	has(t, who, map[string]any{"name": "Ada @{new.id}", "note": odd})
	has(t, o.must(t, crm.UpdateCustomerTool, map[string]any{"customer": who["id"], "note": odd + "!"}), map[string]any{"note": odd + "!"})
	in := map[string]any{"customer": who["id"], "subject": odd, "body": odd}
	first, err := o.call(t.Context(), "k", crm.CreateTicketTool, in)
	if err != nil {
		t.Fatal(err)
	}
	has(t, first, map[string]any{"subject": odd, "body": odd})
	again, err := o.call(t.Context(), "k", crm.CreateTicketTool, in)
	if err != nil || again["id"] != first["id"] {
		t.Errorf("again: %v, %v", again, err)
	}
	found := o.must(t, crm.SearchTicketsTool, map[string]any{"q": "@{new.id},"})["tickets"].([]any)
	if len(found) != 1 {
		t.Errorf("it is found %d times", len(found))
	}
	o.refused(t, crm.CreateCustomerTool, map[string]any{"name": "Bo", "company": "@{new.id} Ltd"}, tools.Invalid, "company")
	o.refused(t, crm.CreateCustomerTool, map[string]any{"name": "Bo", "company": "New Ltd", "note": odd}, tools.Invalid, "company")
}

// A write that is made apart and cannot be shown was made all the same.
func TestWriteThatCannotBeShownIsNotSaidToBeUndone(t *testing.T) {
	o := open(t, withKeys)
	in := map[string]any{"title": "@{x.y}"}
	o.fake.Disturb(http.MethodGet, "WHERE+Id+", salesforcefake.Disturbance{Status: 500, Body: "x"})
	_, err := o.call(t.Context(), "k", crm.CreateTaskTool, in)
	if err == nil || err.Code != tools.OutcomeUnknown || !err.Retryable || !strings.Contains(err.Message, "00T") {
		t.Errorf("made and not shown: %+v", err)
	}
	if _, err := o.call(t.Context(), "k", crm.CreateTaskTool, in); err != nil || len(o.fake.Records("Task", "", nil)) != 1 {
		t.Errorf("made again: %v", err)
	}
}

// A call made again under its key finds what it made, as it stands by now.
func TestKeyOfACallIsKeptWithWhatItMade(t *testing.T) {
	for _, key := range []string{"db_0123", "Key of a call/with ' odd ? signs", strings.Repeat("k", 300)} {
		o := open(t, withKeys)
		in := map[string]any{"customer": o.ada(t), "subject": "Late"}
		first, err := o.call(t.Context(), key, crm.CreateTicketTool, in)
		if err != nil {
			t.Fatal(err)
		}
		o.must(t, crm.UpdateTicketTool, map[string]any{"ticket": first["id"], "subject": "Lost", "status": "closed"})
		again, err := o.call(t.Context(), key, crm.CreateTicketTool, in)
		if err != nil || again["id"] != first["id"] || again["subject"] != "Lost" || again["status"] != "closed" {
			t.Errorf("again under %q: %v, %v", key, again, err)
		}
		if other, err := o.call(t.Context(), key+"2", crm.CreateTicketTool, in); err != nil || other["id"] == first["id"] {
			t.Errorf("under another key: %v, %v", other, err)
		}
		if _, err := o.call(t.Context(), "", crm.CreateTicketTool, in); err != nil {
			t.Error(err)
		}
		if n := len(o.fake.Records("Case", "", nil)); n != 3 {
			t.Errorf("there are %d cases, want 3", n)
		}
	}
}

func TestOwnersAreUsersAndQueues(t *testing.T) {
	o := open(t, nil)
	ada := o.ada(t)
	bo := o.fake.Put("User", map[string]any{"Name": "Bo Berg", "Email": "bo@example.com", "Username": "bo@acme", "IsActive": true})
	o.fake.Put("User", map[string]any{"Name": "Gone", "Email": "gone@example.com", "Username": "gone@acme", "IsActive": false})
	o.fake.Put("User", map[string]any{"Name": "Bo Two", "Email": "two@example.com", "Username": "two@acme", "IsActive": true})
	o.fake.Put("User", map[string]any{"Name": "Twin", "Email": "two@example.com", "Username": "twin@acme", "IsActive": true})
	o.fake.Put("Group", map[string]any{"Name": "Support", "DeveloperName": "Support_Desk", "Type": "Queue"})
	for who, want := range map[string]any{"bo@example.com": "bo@example.com", "BO@acme": "bo@example.com", "Bo Berg": "bo@example.com", "support": "Support", "Support_Desk": "Support"} {
		has(t, o.must(t, crm.CreateTicketTool, map[string]any{"customer": ada, "subject": who, "assignee": who}), map[string]any{"assignee": want})
	}
	has(t, o.must(t, crm.CreateTicketTool, map[string]any{"customer": ada, "subject": "nobody's"}), map[string]any{"assignee": nil})
	found := o.must(t, crm.SearchTicketsTool, map[string]any{"assignee": "bo@example.com"})["tickets"].([]any)
	if len(found) != 3 {
		t.Errorf("Bo has %d tickets, want 3", len(found))
	}
	if none := o.must(t, crm.SearchTicketsTool, map[string]any{"assignee": "stranger"})["tickets"].([]any); len(none) != 0 {
		t.Errorf("a stranger has %d tickets", len(none))
	}
	id := found[0].(map[string]any)["id"]
	has(t, o.must(t, crm.UpdateTicketTool, map[string]any{"ticket": id, "assignee": ""}), map[string]any{"assignee": nil})
	has(t, o.fake.Records("Case", "Id", id)[0], map[string]any{"OwnerId": o.fake.User})
	for _, who := range []string{"gone@example.com", "stranger"} {
		o.refused(t, crm.CreateTaskTool, map[string]any{"title": "Call", "assignee": who}, tools.NotFound, who)
	}
	o.refused(t, crm.CreateTaskTool, map[string]any{"title": "Call", "assignee": "two@example.com"}, tools.Conflict, "several")
	o.refused(t, crm.CreateDealTool, map[string]any{"customer": ada, "title": "t", "amount_minor": 1, "currency": "EUR", "owner": "Support"}, tools.NotFound, "Support")
	has(t, o.must(t, crm.CreateDealTool, map[string]any{"customer": ada, "title": "t", "amount_minor": 1, "currency": "EUR", "owner": "bo@acme"}), map[string]any{"owner": "bo@example.com"})
	has(t, o.fake.Records("Opportunity", "", nil)[0], map[string]any{"OwnerId": bo})
}

// What Salesforce gives in parts is read to its end.
func TestAnswersInPartsAreReadToTheirEnd(t *testing.T) {
	o := open(t, func(_ *salesforce.Settings, fake *salesforcefake.Org) { fake.Batch, fake.InnerBatch = 3, 2 })
	account := o.fake.Put("Account", map[string]any{"Name": "Nordlys"})
	product := o.fake.Put("Product2", map[string]any{"Name": "Plate", "ProductCode": "PLATE", "IsActive": true})
	order := ""
	for n := range 10 {
		order = o.fake.Put("Order", map[string]any{"AccountId": account, "Status": "Activated", "EffectiveDate": fmt.Sprintf("2026-03-%02d", n+1)})
		o.fake.Put("OrderItem", map[string]any{"OrderId": order, "Product2Id": product, "Quantity": json.Number("2"), "UnitPrice": json.Number("1.5")})
	}
	for range 4 {
		o.fake.Put("OrderItem", map[string]any{"OrderId": order, "Product2Id": product, "Quantity": json.Number("1"), "UnitPrice": json.Number("1")})
	}
	if found := o.must(t, crm.SearchOrdersTool, map[string]any{"limit": 8}); len(found["orders"].([]any)) != 8 || found["next_cursor"] == nil {
		t.Errorf("a page of 8 is %v", found)
	}
	if lines := o.must(t, crm.GetOrderTool, map[string]any{"order": order})["lines"].([]any); len(lines) != 5 {
		t.Errorf("the order has %d lines", len(lines))
	}
	totals := o.must(t, crm.GetCustomerTool, map[string]any{"customer": account})["totals"].([]any)
	has(t, totals[0].(map[string]any), map[string]any{"orders": 10, "amount_minor": 3400, "currency": "EUR"})
}

func TestStatusesThatNobodyNamedAreReadByWhatSalesforceSays(t *testing.T) {
	o := open(t, nil)
	ada := o.ada(t)
	for _, status := range []string{"Waiting for parts", "Working"} {
		id := o.must(t, crm.CreateTicketTool, map[string]any{"customer": ada, "subject": status})["id"].(string)
		o.fake.Change(id, map[string]any{"Status": status})
	}
	open := o.must(t, crm.SearchTicketsTool, map[string]any{"unresolved": true})["tickets"].([]any)
	if len(open) != 2 || open[0].(map[string]any)["status"] != "open" {
		t.Errorf("unresolved are %v", open)
	}
	o.must(t, crm.UpdateTicketTool, map[string]any{"ticket": open[0].(map[string]any)["id"], "status": "closed"})
	o.fake.Change(open[1].(map[string]any)["id"].(string), map[string]any{"Status": "Resolved"}) // closed, says Salesforce; no word of ours
	closed := o.must(t, crm.SearchTicketsTool, map[string]any{"status": "closed"})["tickets"].([]any)
	if len(closed) != 2 || closed[0].(map[string]any)["status"] != "closed" || closed[1].(map[string]any)["status"] != "closed" {
		t.Errorf("closed are %v", closed)
	}
	account := o.fake.Put("Account", map[string]any{"Name": "Nordlys"})
	for status, want := range map[string]string{"Draft": "pending", "Activated": "paid", "Lapsed": "cancelled", "Shipped": "paid"} {
		id := o.fake.Put("Order", map[string]any{"AccountId": account, "Status": status, "EffectiveDate": "2026-03-02"})
		has(t, o.must(t, crm.GetOrderTool, map[string]any{"order": id}), map[string]any{"status": want})
		found := o.must(t, crm.SearchOrdersTool, map[string]any{"status": want})["orders"].([]any)
		hit := false
		for _, order := range found {
			hit = hit || order.(map[string]any)["id"] == id
		}
		if !hit {
			t.Errorf("an order that is %s is not found as %s", status, want)
		}
	}
}

// Salesforce counts no stock: where nobody names a field for it, none is shown as if it were.
func TestStockIsSaidNotToBeKept(t *testing.T) {
	o := open(t, nil)
	product := o.fake.Put("Product2", map[string]any{"Name": "Plate", "ProductCode": "PLATE", "IsActive": true})
	has(t, o.must(t, crm.GetProductTool, map[string]any{"product": "plate"}), map[string]any{"id": product, "stock_not_kept": true, "low_stock": false, "price_minor": 0, "currency": "EUR"})
	o.refused(t, crm.SearchProductsTool, map[string]any{"low_stock": true}, tools.Invalid, "fields.product_stock")
	o.fake.Put("Product2", map[string]any{"Name": "Old plate", "ProductCode": "OLD", "IsActive": false})
	if found := o.must(t, crm.SearchProductsTool, nil)["products"].([]any); len(found) != 1 {
		t.Errorf("%d products are sold, want 1", len(found))
	}
}

// Of several prices the one in the organization's currency is shown.
func TestPriceIsThatInTheOrganizationsCurrency(t *testing.T) {
	o := equipped(t)
	product := o.fake.Put("Product2", map[string]any{"Name": "Plate", "ProductCode": "PLATE", "IsActive": true})
	standard := o.fake.Records("Pricebook2", "", nil)[0]["Id"]
	for currency, price := range map[string]string{"USD": "3", "EUR": "2.5", "JPY": "400"} {
		o.fake.Put("PricebookEntry", map[string]any{"Product2Id": product, "Pricebook2Id": standard, "UnitPrice": json.Number(price), "IsActive": true, "CurrencyIsoCode": currency})
	}
	has(t, o.must(t, crm.GetProductTool, map[string]any{"product": product}), map[string]any{"price_minor": 250, "currency": "EUR"})
}

// What is low in stock is looked for in the products themselves, over pages of any size.
func TestLowStockIsFoundOverManyPages(t *testing.T) {
	o := equipped(t)
	for n := range 450 {
		stock := json.Number("9")
		if n%40 == 0 {
			stock = json.Number("1")
		}
		o.fake.Put("Product2", map[string]any{"Name": "Plate", "ProductCode": fmt.Sprintf("P-%03d", n), "IsActive": true, "Stock__c": stock, "Reorder_At__c": json.Number("5")})
	}
	var skus []string
	for cursor := any(nil); ; {
		in := map[string]any{"low_stock": true, "limit": 5}
		if cursor != nil {
			in["cursor"] = cursor
		}
		page := o.must(t, crm.SearchProductsTool, in)
		for _, p := range page["products"].([]any) {
			skus = append(skus, p.(map[string]any)["sku"].(string))
		}
		if cursor = page["next_cursor"]; cursor == nil {
			break
		}
	}
	if want := "P-000 P-040 P-080 P-120 P-160 P-200 P-240 P-280 P-320 P-360 P-400 P-440"; strings.Join(skus, " ") != want {
		t.Errorf("low are %v, want %s", skus, want)
	}
}

// Completed tasks are interactions too; those of an interaction's type are no tasks.
func TestCompletedTaskIsAnInteraction(t *testing.T) {
	o := open(t, nil)
	ada := o.ada(t)
	o.must(t, crm.LogInteractionTool, map[string]any{"customer": ada, "kind": "call", "summary": "called"})
	o.must(t, crm.LogInteractionTool, map[string]any{"customer": ada, "kind": "meeting", "summary": "met"})
	task := o.must(t, crm.CreateTaskTool, map[string]any{"customer": ada, "title": "send plates"})["id"]
	o.must(t, crm.CreateTaskTool, map[string]any{"title": "about nobody"})
	lists := func(tool, list, name string, in map[string]any) string {
		var all []string
		for _, row := range o.must(t, tool, in)[list].([]any) {
			all = append(all, row.(map[string]any)[name].(string))
		}
		return strings.Join(all, ", ")
	}
	o.must(t, crm.CompleteTaskTool, map[string]any{"task": task})
	if got := lists(crm.ListTasksTool, "tasks", "title", map[string]any{"status": "done"}); got != "send plates" {
		t.Errorf("done are %s", got)
	}
	if got := lists(crm.ListInteractionsTool, "interactions", "summary", map[string]any{"kind": "note"}); got != "send plates" {
		t.Errorf("notes are %s", got)
	}
	if got := lists(crm.ListInteractionsTool, "interactions", "summary", map[string]any{"customer": ada}); !strings.Contains(got, "called") || !strings.Contains(got, "met") || !strings.Contains(got, "send plates") {
		t.Errorf("interactions are %s", got)
	}
}

// A field that the user we sign in as does not see is named, so that a person can grant it.
func TestFieldThatIsNotSeenIsNamed(t *testing.T) {
	o := open(t, nil)
	o.fake.Hide("Case", "Priority")
	o.refused(t, crm.SearchTicketsTool, nil, tools.Denied, "Priority", "permission")
}
