package crm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// recorder is a driver that keeps the last request it was given, and fails with
// err. Methods that no test needs are not there.
type recorder struct {
	keys
	last any
	err  error
}

func (r *recorder) SearchCustomers(_ context.Context, in crm.CustomerSearch) (crm.CustomerPage, error) {
	r.last = in
	return crm.CustomerPage{Customers: []crm.Customer{{ID: "cus_1"}}}, r.err
}

func (r *recorder) CreateCustomer(_ context.Context, in crm.CustomerDraft) (crm.Customer, error) {
	r.last = in
	return crm.Customer{ID: "cus_1"}, r.err
}

func (r *recorder) UpdateCustomer(_ context.Context, in crm.CustomerUpdate) (crm.Customer, error) {
	r.last = in
	return crm.Customer{}, r.err
}

func (r *recorder) ListTasks(_ context.Context, in crm.TaskQuery) (crm.TaskPage, error) {
	r.last = in
	return crm.TaskPage{}, r.err
}

func TestDriverGetsRequestsWithDefaultsFilledIn(t *testing.T) {
	r := &recorder{}
	c := crm.New(r)
	for _, step := range []struct {
		name string
		call func() error
		want any
	}{
		{"search", func() error {
			_, err := c.SearchCustomers(t.Context(), crm.CustomerSearch{Query: " ada\n lindqvist "})
			return err
		}, crm.CustomerSearch{Query: "ada lindqvist", Page: tools.Page{Limit: tools.DefaultLimit}}},
		{"limit too high", func() error {
			_, err := c.SearchCustomers(t.Context(), crm.CustomerSearch{Page: tools.Page{Limit: 1000}})
			return err
		}, crm.CustomerSearch{Page: tools.Page{Limit: tools.MaxLimit}}},
		{"draft", func() error {
			_, err := c.CreateCustomer(t.Context(), crm.CustomerDraft{Name: "Ada\nLindqvist", Email: " Ada@Example.COM "})
			return err
		}, crm.CustomerDraft{Name: "Ada Lindqvist", Email: "ada@example.com", Stage: crm.Lead}},
		{"update", func() error {
			_, err := c.UpdateCustomer(t.Context(), crm.CustomerUpdate{Customer: " x ", Email: new("ADA@example.com")})
			return err
		}, crm.CustomerUpdate{Customer: "x", Email: new("ada@example.com")}},
		{"tasks", func() error {
			_, err := c.ListTasks(t.Context(), crm.TaskQuery{})
			return err
		}, crm.TaskQuery{Status: crm.OpenTask, Page: tools.Page{Limit: tools.DefaultLimit}}},
	} {
		if err := step.call(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, r.last); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestUpdateLeavesTheCallersValuesAlone(t *testing.T) {
	email := "ADA@example.com"
	if _, err := crm.New(&recorder{}).UpdateCustomer(t.Context(), crm.CustomerUpdate{Customer: "x", Email: &email}); err != nil {
		t.Fatal(err)
	}
	if email != "ADA@example.com" {
		t.Errorf("the caller's email is now %q", email)
	}
}

func TestAllFindingsAreToldAtOnce(t *testing.T) {
	r := &recorder{}
	_, err := crm.New(r).CreateCustomer(t.Context(), crm.CustomerDraft{
		Name: " ", Email: "Ada <ada@example.com>", Stage: "friend", Note: strings.Repeat("é", 1001),
	})
	if tools.CodeOf(err) != tools.Invalid {
		t.Fatalf("got error %v, want invalid", err)
	}
	for _, want := range []string{
		`name: must not be empty`,
		`email: "ada <ada@example.com>" is not an email address`,
		`stage: "friend" is none of ["lead" "customer" "former"]`,
		`note: has 1001 characters, at most 1000 are allowed`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if r.last != nil {
		t.Errorf("the driver was asked all the same: %+v", r.last)
	}
}

func TestDriverErrorsReachTheCallerByTheirKind(t *testing.T) {
	search := func(c *crm.CRM) error {
		_, err := c.SearchCustomers(t.Context(), crm.CustomerSearch{})
		return err
	}
	create := func(c *crm.CRM) error {
		_, err := c.CreateCustomer(t.Context(), crm.CustomerDraft{Name: "Ada"})
		return err
	}
	fault := errors.New("disk on fire")
	late := fmt.Errorf("asking the vendor: %w", context.DeadlineExceeded)
	for _, c := range []struct {
		name      string
		call      func(*crm.CRM) error
		err       error
		honoured  bool
		code      tools.Code
		retryable bool
	}{
		{"known error", search, tools.Errorf(tools.Conflict, "taken"), true, tools.Conflict, false},
		{"known error, wrapped", create, fmt.Errorf("x: %w", tools.Errorf(tools.RateLimited, "slow down")), true, tools.RateLimited, true},
		{"known error with a timeout inside", create, tools.Errorf(tools.Unavailable, "not sent: %w", context.DeadlineExceeded), true, tools.Unavailable, true},
		{"fault", search, fault, true, tools.Internal, false},
		{"read out of time", search, late, true, tools.Unavailable, true},
		{"write out of time, keys honoured", create, late, true, tools.OutcomeUnknown, true},
		{"write out of time, keys ignored", create, late, false, tools.OutcomeUnknown, false},
	} {
		err := c.call(crm.New(&recorder{keys: keys{honoured: c.honoured}, err: c.err}))
		got := tools.AsError(err)
		if got.Code != c.code || got.Retryable != c.retryable {
			t.Errorf("%s: got code %q, retryable %v; want %q, %v", c.name, got.Code, got.Retryable, c.code, c.retryable)
		}
	}
	if err := search(crm.New(&recorder{err: fault})); !errors.Is(err, fault) || !strings.Contains(err.Error(), crm.SearchCustomersTool) {
		t.Errorf("a fault reads %q for the log; it should name the tool and wrap its cause", err)
	}
}

func TestFailedCallGivesNoHalfResult(t *testing.T) {
	page, err := crm.New(&recorder{err: errors.New("broken")}).SearchCustomers(t.Context(), crm.CustomerSearch{})
	if err == nil || page.Customers != nil {
		t.Errorf("got %+v and error %v", page, err)
	}
}

func TestInvalidRequestsAreRefusedBeforeTheDriver(t *testing.T) {
	all := catalog(true) // its driver has no methods: being asked anything would panic
	long := strings.Repeat("x", 20001)
	for _, c := range []struct{ tool, arguments, finding string }{
		{crm.SearchCustomersTool, `{"q":"` + long + `"}`, "q"},
		{crm.SearchCustomersTool, `{"q":"a\u0000b"}`, "q"},
		{crm.SearchCustomersTool, `{"stage":"x"}`, "stage"},
		{crm.GetCustomerTool, `{"customer":" "}`, "customer"},
		{crm.CreateCustomerTool, `{"name":"Ada","email":"ada"}`, "email"},
		{crm.UpdateCustomerTool, `{"customer":"x"}`, "nothing to change"},
		{crm.UpdateCustomerTool, `{"customer":"x","name":null}`, "nothing to change"},
		{crm.UpdateCustomerTool, `{"customer":"x","email":""}`, "email"},
		{crm.UpdateCustomerTool, `{"customer":"x","stage":""}`, "stage"},
		{crm.UpdateCustomerTool, `{"customer":"x","external_id":" "}`, "external_id"},
		{crm.LogInteractionTool, `{"customer":"x","summary":"s"}`, "kind"},
		{crm.LogInteractionTool, `{"customer":"x","kind":"call","summary":"\n"}`, "summary"},
		{crm.ListInteractionsTool, `{"sentiment":"x"}`, "sentiment"},
		{crm.ListInteractionsTool, `{"since":"2026-03-02T00:00:00Z","until":"2026-03-01T00:00:00Z"}`, "until"},
		{crm.CreateTaskTool, `{"title":""}`, "title"},
		{crm.ListTasksTool, `{"status":"x"}`, "status"},
		{crm.CompleteTaskTool, `{"task":""}`, "task"},
		{crm.SearchOrdersTool, `{"since":"2026-03-02T00:00:00Z","until":"2026-03-01T00:00:00Z"}`, "until"},
		{crm.GetOrderTool, `{"order":""}`, "order"},
		{crm.UpdateOrderTool, `{"order":"x","status":"x"}`, "status"},
		{crm.UpdateOrderTool, `{"order":"x","flagged_for_review":true,"review_reason":" "}`, "review_reason"},
		{crm.CreateTicketTool, `{"customer":"x","subject":"s","body":"` + long + `"}`, "body"},
		{crm.UpdateTicketTool, `{"ticket":"","subject":"s"}`, "ticket"},
		{crm.UpdateTicketTool, `{"ticket":"x","priority":""}`, "priority"},
		{crm.SearchTicketsTool, `{"priority":"x"}`, "priority"},
		{crm.SearchProductsTool, `{"q":"` + long + `"}`, "q"},
		{crm.GetProductTool, `{"product":""}`, "product"},
		{crm.CreateDealTool, `{"customer":"x","title":"t"}`, "currency"},
		{crm.CreateDealTool, `{"customer":"x","title":"t","currency":"eur"}`, "currency"},
		{crm.UpdateDealTool, `{"deal":"x","amount_minor":-1}`, "amount_minor"},
		{crm.UpdateDealTool, `{"deal":"x","amount_minor":9007199254740992}`, "amount_minor"},
		{crm.UpdateDealTool, `{"deal":"x","currency":"USD"}`, "currency"},
		{crm.SearchDealsTool, `{"stage":"x"}`, "stage"},
	} {
		tool, ok := all.Lookup(c.tool)
		if !ok {
			t.Fatalf("no tool %s", c.tool)
		}
		_, err := tool.Call(t.Context(), json.RawMessage(c.arguments))
		if tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), c.finding) {
			t.Errorf("%s %.80s: got error %v, want invalid and a word on %s", c.tool, c.arguments, err, c.finding)
		}
	}
}
