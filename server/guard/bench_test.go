package guard_test

import (
	"context"
	"strconv"
	"testing"

	"drawbridge/server/guard"
)

// forgetful keeps nothing: what is left is the guard's own work.
type forgetful struct{}

func (forgetful) Claim(context.Context, guard.Claim) (guard.Prior, error) {
	return guard.Prior{State: guard.Fresh}, nil
}

func (forgetful) Lookup(context.Context, string, string) (guard.Prior, error) {
	return guard.Prior{State: guard.Fresh}, nil
}

func (forgetful) Record(context.Context, guard.Row, *guard.Settlement) error { return nil }

func BenchmarkCall(b *testing.B) {
	for _, test := range []struct{ name, tool, arguments string }{
		{"read", "shop_quote", goodOrder},
		{"write under a key", "shop_charge", goodOrder},
		{"refused", "shop_quote", `{"email":"x"}`},
	} {
		b.Run(test.name, func(b *testing.B) {
			w := newWorld(b, guard.Options{})
			w.Guard = guard.New(catalogOf(w), forgetful{}, guard.Options{})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				w.Call(b.Context(), callFor(test.tool, test.arguments, "k"+strconv.Itoa(i)))
			}
		})
	}
}
