package auth_test

import (
	"slices"
	"testing"

	"drawbridge/server/auth"
)

func TestWhatLeavesAndWhatMovesMoneyHasToBeGranted(t *testing.T) {
	for _, c := range []struct{ granted, want []string }{
		{nil, []string{"read", "write"}},
		{[]string{}, nil},
		{[]string{"read", "money"}, []string{"read", "money"}},
		{auth.AllEffects(), []string{"read", "write", "message", "money"}},
	} {
		var got []string
		for _, effect := range append(auth.AllEffects(), "", "everything") {
			if (auth.Principal{Effects: c.granted}).MayEffect(effect) {
				got = append(got, effect)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: may %v, want %v", c.granted, got, c.want)
		}
	}
}
