package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// rowsKeepWhatTheGuardKnows: each field of a row comes back as it was.
func rowsKeepWhatTheGuardKnows(t *testing.T, h Harness) {
	full := guard.Row{At: h.Now(), Principal: "key:desk", Door: "http", Tool: "payment_create_refund", Effect: tools.Money, Arguments: []byte(`{"amount":1}`),
		Decision: guard.Refused, Rule: "policy: large", Outcome: "approval_required", Duration: 3 * time.Millisecond, Run: "run_1", Key: "k1",
		Tainted: true, DryRun: true, Approval: "apr_1", Policy: "v3"}
	bare := guard.Row{At: h.Now(), Principal: "nobody", Arguments: []byte("{}"), Decision: guard.Allowed, Outcome: "ok"}
	want := []guard.Row{full, bare}
	for _, row := range want {
		if err := h.Store().Record(t.Context(), row, nil); err != nil {
			t.Fatal(err)
		}
	}
	got, err := h.Store().Audit(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-recorded +read):\n%s", diff)
	}
}
