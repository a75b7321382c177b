package builtin_test

import (
	"regexp"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"drawbridge/store/postgres/postgrestest"
	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/builtin"
	"drawbridge/tools/crm/crmtest"
	"drawbridge/tools/sqldb"
	"drawbridge/tools/sqldb/sqldbtest"
)

func TestBuiltinBackendConforms(t *testing.T) {
	crmtest.Run(t, func(t *testing.T) crmtest.Harness { return open(t) }).Keep(t, "builtin")
}

func TestBuiltinBackendConformsOnPostgres(t *testing.T) {
	crmtest.Run(t, func(t *testing.T) crmtest.Harness { return openOn(postgrestest.Open(t, builtin.Schema)) })
}

// part is a backend that has customers and tickets, and honours no key.
type part struct {
	crm.Customers
	crm.CustomerRecords
	crm.Tickets
	crm.TicketRecords
}

func (part) HonoursKeys(string) bool { return false }

type partHarness struct{ harness }

func (h partHarness) Driver() crm.Driver { return part{h.Backend, h.Backend, h.Backend, h.Backend} }

func (h partHarness) AddProduct(t *testing.T, p crm.Product) crm.Product {
	t.Error("a backend without products was given one")
	return p
}

func (h partHarness) AddOrder(t *testing.T, o crm.OrderDetails) crm.OrderDetails {
	t.Error("a backend without orders was given one")
	return o
}

func (h partHarness) Records(t *testing.T, _ string) int {
	t.Error("a backend that honours no key was asked for one")
	return 0
}

// The suite holds a backend to what it offers, and to nothing else.
func TestPartOfABackendConforms(t *testing.T) {
	crmtest.Run(t, func(t *testing.T) crmtest.Harness { return partHarness{open(t)} })
}

// harness is a backend on a database of its own.
type harness struct {
	*builtin.Backend
	db sqldb.DB
}

func open(t testing.TB) harness {
	t.Helper()
	return openOn(sqldbtest.Open(t, builtin.Schema))
}

func openOn(db sqldb.DB) harness { return harness{Backend: builtin.New(db, time.Now), db: db} }

func (h harness) Driver() crm.Driver { return h.Backend }

func (h harness) AddProduct(t *testing.T, p crm.Product) crm.Product {
	t.Helper()
	p.ID, p.LowStock = "prd_"+p.SKU, p.Stock <= p.ReorderAt
	h.mustImport(t, builtin.Sample{Products: []crm.Product{p}})
	return p
}

func (h harness) AddOrder(t *testing.T, o crm.OrderDetails) crm.OrderDetails {
	t.Helper()
	o.ID = "ord_" + o.Number
	h.mustImport(t, builtin.Sample{Orders: []crm.OrderDetails{o}})
	return o
}

func (h harness) mustImport(t *testing.T, s builtin.Sample) {
	t.Helper()
	if err := h.Import(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func (h harness) Records(t *testing.T, key string) int {
	t.Helper()
	sum := 0
	for _, table := range []string{"crm_customers", "crm_interactions", "crm_tasks", "crm_tickets", "crm_deals"} {
		sum += h.count(t, `SELECT COUNT(*) FROM `+table+` WHERE idempotency_key = ?`, key)
	}
	return sum
}

func (h harness) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := h.db.Read().QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRowsAreStampedByTheGivenClock(t *testing.T) {
	clock := time.Date(2026, 3, 2, 10, 0, 0, 123_456_789, time.FixedZone("CET", 3600))
	db := sqldbtest.Open(t, builtin.Schema)
	c := crm.New(builtin.New(db, func() time.Time { return clock }))
	made, err := c.CreateCustomer(t.Context(), crm.CustomerDraft{Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 3, 2, 9, 0, 0, 123_000_000, time.UTC); made.CreatedAt != want || made.UpdatedAt != want {
		t.Errorf("stamped %v and %v, want %v", made.CreatedAt, made.UpdatedAt, want)
	}
	clock = clock.Add(time.Hour)
	changed, err := c.UpdateCustomer(t.Context(), crm.CustomerUpdate{Customer: made.ID, Name: new("Ada L.")})
	if err != nil {
		t.Fatal(err)
	}
	if changed.CreatedAt != made.CreatedAt || changed.UpdatedAt != made.UpdatedAt.Add(time.Hour) {
		t.Errorf("after an hour: created %v, updated %v", changed.CreatedAt, changed.UpdatedAt)
	}
}

func TestIDsTellTheirKindAndGrow(t *testing.T) {
	h := open(t)
	form := regexp.MustCompile(`^cus_[0-9a-f]{32}$`)
	last := ""
	for range 50 {
		made, err := h.CreateCustomer(t.Context(), crm.CustomerDraft{Name: "Ada", Stage: crm.Lead})
		if err != nil {
			t.Fatal(err)
		}
		if !form.MatchString(made.ID) || made.ID <= last {
			t.Errorf("%q follows %q", made.ID, last)
		}
		last = made.ID
	}
}

func TestListIsWholeWhileOthersWrite(t *testing.T) {
	h := open(t)
	c := crm.New(h)
	before := map[string]bool{}
	for range 30 {
		made, err := c.CreateCustomer(t.Context(), crm.CustomerDraft{Name: "Before"})
		if err != nil {
			t.Fatal(err)
		}
		before[made.ID] = true
	}
	var writers errgroup.Group
	for range 4 {
		writers.Go(func() error {
			for range 10 {
				if _, err := c.CreateCustomer(t.Context(), crm.CustomerDraft{Name: "Meanwhile"}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	seen := map[string]bool{}
	search := crm.CustomerSearch{Page: tools.Page{Limit: 3}}
	for {
		page, err := c.SearchCustomers(t.Context(), search)
		if err != nil {
			t.Fatal(err)
		}
		for _, customer := range page.Customers {
			if seen[customer.ID] {
				t.Errorf("%s came twice", customer.ID)
			}
			seen[customer.ID] = true
		}
		if search.Cursor = page.NextCursor; search.Cursor == "" {
			break
		}
	}
	if err := writers.Wait(); err != nil {
		t.Fatal(err)
	}
	for id := range before {
		if !seen[id] {
			t.Errorf("%s was there all along and is missing", id)
		}
	}
}
