package builtin

import (
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb/sqldbtest"
)

// A page must cost the same wherever it lies: the plan may neither sort nor scan
// the rows before it.
func TestPagesAreReadFromAnIndexInOrder(t *testing.T) {
	db := sqldbtest.Open(t, Schema)
	for list, test := range map[string]struct{ alias, selection, index string }{
		"pay": {"p", selectCharges, "payment_charges_newest"},
		"inv": {"i", selectInvoices, "payment_invoices_newest"},
		"sub": {"s", selectSubscriptions, "payment_subscriptions_newest"},
		"dsp": {"d", selectDisputes, "payment_disputes_newest"},
	} {
		cursor := tools.EncodeCursor(position{List: list, At: 1, ID: list + "_1"})
		pager, err := newPager(list, test.alias, tools.Page{Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := gather(t.Context(), db.Read(), func(row scanner) (step string, err error) {
			var ignored any
			return step, row.Scan(&ignored, &ignored, &ignored, &step)
		}, "EXPLAIN QUERY PLAN "+pager.sql(test.selection), append(pager.args, 21)...)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(plan, "\n")
		if !strings.Contains(text, "USING INDEX "+test.index+" ((created_at,id)<(?,?))") || strings.Contains(text, "TEMP B-TREE") {
			t.Errorf("a page of %s is read so:\n%s", list, text)
		}
	}
}

func TestTimeFiltersAreAsExactAsTheyAreGiven(t *testing.T) {
	whole := time.Date(2026, 3, 1, 0, 0, 0, 5_000_000, time.UTC)
	for at, want := range map[time.Time]int64{
		whole:                            whole.UnixMilli(),
		whole.Add(1):                     whole.UnixMilli() + 1,
		whole.Add(-1):                    whole.UnixMilli(),
		whole.Add(-time.Millisecond):     whole.UnixMilli() - 1,
		time.Unix(0, -1).UTC():           0,
		time.Unix(-1, 999_000_001).UTC(): 0,
	} {
		if got := millisUp(at); got != want {
			t.Errorf("millisUp(%s) = %d, want %d", at, got, want)
		}
	}
}

func TestInvoiceNumbersReadBackAsTheyShow(t *testing.T) {
	for text, want := range map[string]int64{numbered(7): 7, "inv-000042": 42, "INV-1234567": 1234567, "inv_0195": 0, "INV-": 0, "INV-x": 0, "7": 0, "": 0} {
		if got := number(text); got != want {
			t.Errorf("number(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestEveryPaymentStatusCanBeSearched(t *testing.T) {
	for _, status := range []payment.ChargeStatus{payment.ChargePending, payment.ChargeSucceeded, payment.ChargeFailed, payment.ChargePartiallyRefunded, payment.ChargeRefunded} {
		if chargeStates[status] == "" {
			t.Errorf("no condition for %s", status)
		}
	}
}
