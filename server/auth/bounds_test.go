package auth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/auth"
)

func TestAgentMayWhatBothItAndItsTriggerMay(t *testing.T) {
	for name, c := range map[string]struct {
		agent  []string
		within auth.Bounds
		want   []string
	}{
		"no bound":               {[]string{"read", "money"}, auth.Bounds{}, []string{"read", "money"}},
		"no bound, the default":  {nil, auth.Bounds{}, nil},
		"both":                   {[]string{"read", "write", "money"}, auth.Bounds{Effects: []string{"money", "read"}}, []string{"read", "money"}},
		"the default, bounded":   {nil, auth.Bounds{Effects: []string{"read", "money"}}, []string{"read"}},
		"nothing in common":      {[]string{"money"}, auth.Bounds{Effects: []string{"read"}}, []string{}},
		"a caller by default":    {[]string{"read", "write", "money"}, auth.BoundsOf(auth.Principal{}), []string{"read", "write"}},
		"a caller who was given": {[]string{"read", "money"}, auth.BoundsOf(auth.Principal{Effects: []string{"money"}}), []string{"money"}},
	} {
		p := auth.Principal{Kind: auth.Agent, Name: "a", Effects: c.agent}.Acting("webhook:shop", c.within)
		if diff := cmp.Diff(c.want, p.Effects); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if p.For != "webhook:shop" {
			t.Errorf("%s: acts for %q", name, p.For)
		}
	}
}
