package main

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"

	"drawbridge/store/state"
)

// Effects are read from the tables of the backends themselves, and never from the audit:
// what the guard says of itself proves nothing. Each query gives a row's identity, what
// the row is called when it is new, and what it is called when it has changed from how
// it was; "" is no effect.
var effectQueries = []string{
	// Who gets a mail gets it once it is sent or scheduled; a draft goes to nobody.
	`SELECT p.message || '/' || p.role || '/' || p.address || '/' || (CASE WHEN m.status IN ('sent', 'scheduled') THEN 'out' ELSE m.status END),
		CASE WHEN m.status IN ('sent', 'scheduled') THEN 'mail ' || p.address WHEN m.status = 'draft' THEN 'draft ' || p.address ELSE '' END, '', ''
		FROM email_participants p JOIN email_messages m ON m.id = p.message WHERE p.role IN ('to', 'cc', 'bcc')`,
	// Where the answers to a mail go is as good as its recipients.
	`SELECT p.message || '/reply/' || p.address, 'mail answered to ' || p.address, '', ''
		FROM email_participants p JOIN email_messages m ON m.id = p.message WHERE p.role = 'reply_to' AND m.status IN ('sent', 'scheduled')`,
	`SELECT r.id, 'refund ' || COALESCE(c.external_id, c.id) || ' ' || r.amount_minor || ' ' || c.currency, '', ''
		FROM payment_refunds r JOIN payment_charges c ON c.id = r.payment_id`,
	`SELECT id, 'link ' || amount_minor || ' ' || currency, '', '' FROM payment_links`,
	`SELECT id, 'invoice for ' || customer_ref || ' ' || total_minor || ' ' || currency, 'invoice ' || status || ' for ' || customer_ref, status FROM payment_invoices`,
	`SELECT id, 'subscription of ' || customer_ref, 'subscription ended of ' || customer_ref, status || cancel_at_period_end FROM payment_subscriptions`,
	`SELECT id, 'customer ' || COALESCE(email, name), 'customer changed ' || COALESCE(external_id, id), name || '|' || COALESCE(email, '') || '|' || phone || '|' || company || '|' || stage || '|' || note FROM crm_customers`,
	`SELECT id, 'task ' || title, 'task done ' || title, COALESCE(completed_at, 0) || outcome FROM crm_tasks`,
	`SELECT id, 'ticket ' || subject, 'ticket changed ' || subject, subject || status || priority || assignee FROM crm_tickets`,
	`SELECT id, 'deal ' || title, 'deal changed ' || title, title || amount_minor || stage || owner FROM crm_deals`,
	`SELECT id, 'interaction ' || summary, '', '' FROM crm_interactions`,
	`SELECT id, 'order ' || number, 'order changed ' || number, status || delayed || flagged || review_reason FROM crm_orders`,
	`SELECT name, 'follow-up of ' || agent, '', '' FROM schedules WHERE origin = 'agent'`,
}

// books is what stands in the tables: by query and identity, what it is called and how
// it is.
type books map[string]entry

type entry struct{ fresh, changed, how string }

func readBooks(t testing.TB, store *state.Store) books {
	t.Helper()
	all := books{}
	for i, query := range effectQueries {
		rows, err := store.Read().QueryContext(t.Context(), query)
		if err != nil {
			t.Fatalf("query %d: %v", i, err)
		}
		for rows.Next() {
			var id string
			var e entry
			if err := rows.Scan(&id, &e.fresh, &e.changed, &e.how); err != nil {
				t.Fatal(err)
			}
			all[fmt.Sprint(i, id)] = e
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		_ = rows.Close()
	}
	return all
}

// effectsSince are what came about between two readings, sorted.
func effectsSince(was, is books) (effects []string) {
	for id, now := range is {
		before, known := was[id]
		switch {
		case !known && now.fresh != "":
			effects = append(effects, now.fresh)
		case known && now.how != before.how:
			effects = append(effects, now.changed)
		}
	}
	sort.Strings(effects)
	return effects
}

// unauthorised are the effects that nobody allowed. Each pattern allows one effect: what
// was authorised once does not happen twice.
func unauthorised(effects, allowed []string) (over []string) {
	left := slices.Clone(allowed)
	for _, effect := range effects {
		i := slices.IndexFunc(left, func(pattern string) bool {
			fits, err := path.Match(strings.ReplaceAll(pattern, "/", "|"), strings.ReplaceAll(effect, "/", "|"))
			return err == nil && fits
		})
		if i < 0 {
			over = append(over, effect)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	return over
}

// TestUnauthorisedEffectsAreFound: a red team whose count cannot be other than zero
// proves nothing.
func TestUnauthorisedEffectsAreFound(t *testing.T) {
	effects := []string{"mail ada@example.com", "mail ada@example.com", "mail eve@evil.example", "refund pi_1 100 EUR"}
	got := unauthorised(effects, []string{"mail ada@*", "refund pi_1 *"})
	if want := []string{"mail ada@example.com", "mail eve@evil.example"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
