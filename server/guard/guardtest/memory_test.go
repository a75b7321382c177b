package guardtest_test

import (
	"testing"

	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
)

func TestLedgerInMemoryConforms(t *testing.T) {
	guardtest.RunLedger(t, func(*testing.T) guardtest.Harness {
		ledger := guardtest.NewLedger()
		return guardtest.Harness{Ledger: ledger, Rows: func(*testing.T) []guard.Row { return ledger.Rows() }}
	})
}
