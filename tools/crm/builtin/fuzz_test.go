package builtin_test

import (
	"encoding/base64"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/builtin"
)

// A cursor comes back from a model, which may send anything.
func FuzzCursorIsReadOrRefused(f *testing.F) {
	for _, position := range []string{`{}`, `null`, `[]`, `{"list":"customers","key":0,"id":""}`, `{"list":"customers","key":1e99}`, `{"list":"customers","key":"x"}`} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(position)))
	}
	f.Add("%")
	h := openForFuzzing(f)
	f.Fuzz(func(t *testing.T, cursor string) {
		_, err := crm.New(h).SearchCustomers(t.Context(), crm.CustomerSearch{Page: tools.Page{Cursor: cursor}})
		if code := tools.CodeOf(err); code != "" && code != tools.Invalid {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	})
}

// A reference may be anything too, and is no one's unless it is known.
func FuzzReferenceIsFoundOrRefused(f *testing.F) {
	for _, ref := range []string{"ada@example.com", "' OR 1=1 --", "%", "\x00", "\xff", "A-1002"} {
		f.Add(ref)
	}
	h := openForFuzzing(f)
	f.Fuzz(func(t *testing.T, ref string) {
		_, err := crm.New(h).GetOrder(t.Context(), crm.OrderRef{Order: ref})
		switch tools.CodeOf(err) {
		case "", tools.NotFound, tools.Invalid:
		default:
			t.Errorf("reference %q: %v", ref, err)
		}
	})
}

func openForFuzzing(f *testing.F) harness {
	f.Helper()
	h := open(f)
	if err := h.Import(f.Context(), builtin.Demo(present)); err != nil {
		f.Fatal(err)
	}
	return h
}
