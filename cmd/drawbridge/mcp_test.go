package main

import (
	"strings"
	"testing"

	"drawbridge/server/auth"
)

func TestStdioServesTheHolderOfTheKeyInTheEnvironment(t *testing.T) {
	keys, err := auth.NewKeys([]auth.APIKey{{Name: "desk", Key: "desk-0123456789abcdef", Tools: []string{"crm_*"}, Effects: []string{"read"}}})
	if err != nil {
		t.Fatal(err)
	}
	none, err := auth.NewKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, key string
		keys      *auth.Keys
		want      string // the principal
		problem   string
	}{
		{"no key", "", keys, "local:stdio", ""},
		{"a key", "desk-0123456789abcdef", keys, "key:desk", ""},
		{"a wrong key", "desk-0123456789abcdeX", keys, "", "DRAWBRIDGE_KEY: unknown API key"},
		{"a key where none are known", "desk-0123456789abcdef", none, "", "there are no keys"},
	} {
		c := &console{lookup: func(name string) (string, bool) { return test.key, name == keyInEnvironment && test.key != "" }}
		got, err := c.stdioPrincipal(test.keys, []string{"read"})
		if test.problem != "" {
			if err == nil || !strings.Contains(err.Error(), test.problem) || strings.Contains(err.Error(), test.key) {
				t.Errorf("%s: got %v, %v", test.name, got, err)
			}
			continue
		}
		if err != nil || got.String() != test.want || len(got.Effects) != 1 {
			t.Errorf("%s: got %v, %v", test.name, got, err)
		}
	}
}
