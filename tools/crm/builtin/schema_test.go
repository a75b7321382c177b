package builtin_test

import (
	"testing"

	"drawbridge/store/postgres/postgrestest"
	"drawbridge/tools/crm/builtin"
	"drawbridge/tools/sqldb"
)

// The tables are the last line of defence: each of these statements is a mistake
// that no code of ours should make, and that none can.
func TestTablesRefuseWhatBreaksTheirRules(t *testing.T) {
	tablesRefuseWhatBreaksTheirRules(t, open(t))
}

func TestTablesOfPostgresRefuseWhatBreaksTheirRules(t *testing.T) {
	tablesRefuseWhatBreaksTheirRules(t, openOn(postgrestest.Open(t, builtin.Schema)))
}

func tablesRefuseWhatBreaksTheirRules(t *testing.T, h harness) {
	t.Helper()
	h.mustImport(t, builtin.Demo(present))
	for name, statement := range map[string]string{
		"customer without a name":       `UPDATE crm_customers SET name = ''`,
		"email in capitals":             `UPDATE crm_customers SET email = 'ADA@example.com' WHERE external_id = 'cus_demo_ada'`,
		"email that is none":            `UPDATE crm_customers SET email = 'ada' WHERE external_id = 'cus_demo_ada'`,
		"email of another customer":     `UPDATE crm_customers SET email = 'ada@example.com' WHERE external_id = 'cus_demo_bruno'`,
		"external id of another":        `UPDATE crm_customers SET external_id = 'cus_demo_ada' WHERE email = 'bruno@example.org'`,
		"unknown customer stage":        `UPDATE crm_customers SET stage = 'friend'`,
		"customer lost to their orders": `DELETE FROM crm_customers WHERE external_id = 'cus_demo_ada'`,
		"unknown interaction kind":      `UPDATE crm_interactions SET kind = 'fax'`,
		"unknown sentiment":             `UPDATE crm_interactions SET sentiment = ''`,
		"interaction of nobody":         `UPDATE crm_interactions SET customer_id = 'cus_none'`,
		"task of nobody":                `UPDATE crm_tasks SET customer_id = 'cus_none'`,
		"outcome of an open task":       `UPDATE crm_tasks SET outcome = 'done', completed_at = NULL`,
		"unknown order status":          `UPDATE crm_orders SET status = 'lost'`,
		"flag without a reason":         `UPDATE crm_orders SET flagged = 1, review_reason = ''`,
		"reason without a flag":         `UPDATE crm_orders SET flagged = 0, review_reason = 'odd'`,
		"negative order":                `UPDATE crm_orders SET amount_minor = -1`,
		"currency in small letters":     `UPDATE crm_orders SET currency = 'eur'`,
		"two orders of one number":      `UPDATE crm_orders SET number = 'A-1001'`,
		"line of no pieces":             `UPDATE crm_order_lines SET quantity = 0`,
		"line of no product":            `UPDATE crm_order_lines SET product_id = 'prd_none'`,
		"product lost to its lines":     `DELETE FROM crm_products WHERE sku = 'MUG-BLUE'`,
		"two products of one SKU":       `UPDATE crm_products SET sku = 'MUG-BLUE'`,
		"negative stock":                `UPDATE crm_products SET stock = -1`,
		"unknown ticket status":         `UPDATE crm_tickets SET status = 'lost'`,
		"unknown priority":              `UPDATE crm_tickets SET priority = 'asap'`,
		"ticket of nobody":              `UPDATE crm_tickets SET customer_id = 'cus_none'`,
		"two tickets of one call":       `UPDATE crm_tickets SET idempotency_key = 'k'`,
		"unknown deal stage":            `UPDATE crm_deals SET stage = 'hopeful'`,
		"negative deal":                 `UPDATE crm_deals SET amount_minor = -1`,
	} {
		err := h.db.Write(t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		})
		if err == nil {
			t.Errorf("%s: the tables accept %s", name, statement)
		}
	}
}
