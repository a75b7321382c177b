package audit_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/server/audit"
)

func TestFieldsAreReadAsTheyWereAppended(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		want := audit.Record{At: rapid.Int64().Draw(t, "at"), Principal: text.Draw(t, "principal"), Door: text.Draw(t, "door"), Tool: text.Draw(t, "tool"),
			Effect: text.Draw(t, "effect"), Arguments: text.Draw(t, "arguments"), Decision: text.Draw(t, "decision"), Rule: text.Draw(t, "rule"),
			Outcome: text.Draw(t, "outcome"), Micros: rapid.Int64().Draw(t, "micros"), Run: text.Draw(t, "run"), Key: text.Draw(t, "key"),
			Tainted: rapid.Bool().Draw(t, "tainted"), DryRun: rapid.Bool().Draw(t, "dry run"), Approval: text.Draw(t, "approval"), Policy: text.Draw(t, "policy")}
		fields := want.AppendFields(nil)
		if got, err := audit.ParseFields(fields); err != nil || !cmp.Equal(got, want) {
			t.Fatalf("read %v: %s", err, cmp.Diff(want, got))
		}
		if cut := rapid.IntRange(0, len(fields)-1).Draw(t, "cut"); cut < len(fields) {
			if _, err := audit.ParseFields(fields[:cut]); err == nil {
				t.Errorf("took the first %d of %d bytes for a row", cut, len(fields))
			}
		}
	})
}

func FuzzParseFields(f *testing.F) {
	f.Add((&audit.Record{Tool: "crm_search_products", Tainted: true}).AppendFields(nil))
	f.Add([]byte{0, 0, 0, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := audit.ParseFields(b)
		if err != nil {
			return
		}
		// Any number but 0 is true.
		if again := r.AppendFields(nil); len(again) != len(b) {
			t.Errorf("read %x, wrote %x", b, again)
		} else if r2, err := audit.ParseFields(again); err != nil || !cmp.Equal(r, r2) || !bytes.Equal(again, r2.AppendFields(nil)) {
			t.Errorf("read %x otherwise the second time: %v", b, err)
		}
	})
}
