package crm_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// least is a backend that finds customers, and keeps tasks if it has any.
type least struct{ keyed string }

func (l least) HonoursKeys(tool string) bool { return tool == l.keyed }

func (least) SearchCustomers(context.Context, crm.CustomerSearch) (crm.CustomerPage, error) {
	return crm.CustomerPage{Customers: []crm.Customer{}}, nil
}

func (least) Customer(context.Context, string) (crm.Customer, error) {
	return crm.Customer{ID: "cus_1"}, nil
}

// tasked keeps tasks beside.
type tasked struct {
	least
	crm.TaskRecords
}

func TestToolsFollowFromWhatTheDriverFulfils(t *testing.T) {
	for _, c := range []struct {
		driver crm.Driver
		want   []string
	}{
		{least{}, []string{crm.GetCustomerTool, crm.SearchCustomersTool}},
		{tasked{}, []string{crm.CompleteTaskTool, crm.CreateTaskTool, crm.GetCustomerTool, crm.SearchCustomersTool}},
	} {
		var got []string
		for _, tool := range tools.NewCatalog(crm.Tools(crm.New(c.driver))).All() {
			got = append(got, tool.Name)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%T (-want +got):\n%s", c.driver, diff)
		}
	}
}

func TestOperationsAreAllToolsOfTheFamily(t *testing.T) {
	named := map[string]bool{}
	for _, name := range crm.Operations() {
		named[name] = true
	}
	all := catalog(true).All()
	for _, tool := range all {
		if !named[tool.Name] {
			t.Errorf("%s is not among the operations", tool.Name)
		}
	}
	if len(named) != len(all) {
		t.Errorf("%d operations, %d tools", len(named), len(all))
	}
}

func TestKeysMayBeHonouredOfOneWriteOnly(t *testing.T) {
	catalog := tools.NewCatalog(crm.Tools(crm.New(tasked{least: least{keyed: crm.CreateTaskTool}})))
	for name, want := range map[string]bool{crm.CreateTaskTool: true, crm.CompleteTaskTool: false} {
		if tool, ok := catalog.Lookup(name); !ok || tool.Idempotent != want {
			t.Errorf("%s is idempotent: %v, want %v", name, tool.Idempotent, want)
		}
	}
}

func TestPictureNamesTheListsThatAreNotKept(t *testing.T) {
	got, err := crm.New(least{}).GetCustomer(t.Context(), crm.CustomerRef{Customer: "cus_1"})
	want := crm.CustomerPicture{
		Customer: crm.Customer{ID: "cus_1"}, OpenTickets: []crm.Ticket{}, RecentInteractions: []crm.Interaction{}, Orders: []crm.Order{}, Totals: []crm.Total{},
		NotKept: []string{"open_tickets", "recent_interactions", "orders", "totals"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestCallerInGoIsToldWhatTheBackendDoesNotDo(t *testing.T) {
	_, err := crm.New(least{}).CreateDeal(t.Context(), crm.DealDraft{Customer: "cus_1", Title: "Plates", Currency: "EUR"})
	if tools.CodeOf(err) != tools.Denied {
		t.Errorf("got %v", err)
	}
}
