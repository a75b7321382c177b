package builtin

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
	"drawbridge/tools/sqldb/sqldbtest"
)

// planner is a database that lists are read from; it asks SQLite how it goes
// about each list instead of reading it.
type planner struct {
	t     *testing.T
	db    sqldb.Querier
	plans map[string]string // of each query
}

func (p *planner) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.db.QueryRowContext(ctx, query, args...)
}

func (p *planner) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	steps, err := collect(ctx, p.db, func(row scanner) (step string, err error) {
		var id, parent, unused int
		return step, row.Scan(&id, &parent, &unused, &step)
	}, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.plans[query] = strings.Join(steps, "\n")
	return p.db.QueryContext(ctx, query, args...)
}

// reader is a backend's database seen through a planner.
type reader struct {
	sqldb.DB
	planner *planner
}

func (r reader) Read() sqldb.Querier { return r.planner }

func TestListsSeekInAnIndexAndSortNothing(t *testing.T) {
	db := sqldbtest.Open(t, Schema)
	p := &planner{t: t, db: db.Read(), plans: map[string]string{}}
	b := New(reader{db, p}, time.Now)
	if err := b.Import(t.Context(), Demo(time.Now())); err != nil {
		t.Fatal(err)
	}
	const ref = "ada@example.com"
	numbers := func(list string) tools.Page {
		return tools.Page{Cursor: tools.EncodeCursor(position[int64]{List: list, Key: 1 << 60, ID: "z"})}
	}
	reads := map[string]func() error{
		"customers": func() error {
			_, err := b.SearchCustomers(t.Context(), crm.CustomerSearch{Page: numbers("customers")})
			return err
		},
		"interactions": func() error {
			_, err := b.ListInteractions(t.Context(), crm.InteractionQuery{Page: numbers("interactions")})
			return err
		},
		"interactions of a customer": func() error {
			_, err := b.ListInteractions(t.Context(), crm.InteractionQuery{Customer: ref, Page: numbers("interactions")})
			return err
		},
		"tasks": func() error {
			_, err := b.ListTasks(t.Context(), crm.TaskQuery{Status: crm.AnyTask, Page: numbers("tasks")})
			return err
		},
		"open tasks": func() error {
			_, err := b.ListTasks(t.Context(), crm.TaskQuery{Status: crm.OpenTask, Page: numbers("tasks")})
			return err
		},
		"orders": func() error {
			_, err := b.SearchOrders(t.Context(), crm.OrderSearch{Page: numbers("orders")})
			return err
		},
		"delayed orders": func() error {
			_, err := b.SearchOrders(t.Context(), crm.OrderSearch{Delayed: true, Page: numbers("orders")})
			return err
		},
		"orders of a customer": func() error {
			_, err := b.SearchOrders(t.Context(), crm.OrderSearch{Customer: ref, Page: numbers("orders")})
			return err
		},
		"unresolved tickets": func() error {
			_, err := b.SearchTickets(t.Context(), crm.TicketSearch{Unresolved: true, Page: numbers("tickets")})
			return err
		},
		"products": func() error {
			page := tools.Page{Cursor: tools.EncodeCursor(position[string]{List: "products", Key: "B"})}
			_, err := b.SearchProducts(t.Context(), crm.ProductSearch{Page: page})
			return err
		},
		"deals of a customer": func() error {
			_, err := b.SearchDeals(t.Context(), crm.DealSearch{Customer: ref, Page: numbers("deals")})
			return err
		},
	}
	for name, read := range reads {
		clear(p.plans)
		if err := read(); err != nil {
			t.Fatalf("reading %s: %v", name, err)
		}
		if len(p.plans) != 1 {
			t.Errorf("%s: %d queries were planned, want 1", name, len(p.plans))
		}
		for query, plan := range p.plans {
			if !strings.HasPrefix(plan, "SEARCH") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s: %s\nis read by\n%s", name, query, plan)
			}
		}
	}
}

func TestTimeSurvivesAColumn(t *testing.T) {
	for _, when := range []time.Time{
		{},
		time.Date(2026, 3, 2, 9, 30, 0, 123_456_789, time.FixedZone("CET", 3600)),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	} {
		column := sql.NullInt64{Int64: millis(when), Valid: !when.IsZero()}
		if got := moment(column); !got.Equal(stored(when)) || got.Location() != time.UTC {
			t.Errorf("%v comes back as %v, stored says %v", when, got, stored(when))
		}
	}
}
