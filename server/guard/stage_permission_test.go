package guard_test

import (
	"strings"
	"testing"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

func TestForbiddenToolCannotBeToldFromAnUnknownOne(t *testing.T) {
	w := newWorld(t, guard.Options{})
	reader := auth.Principal{Kind: auth.Key, Name: "reader", Tools: []string{"shop_quote"}}
	answer := func(tool string) string {
		result := w.Call(t.Context(), guard.Call{Principal: reader, Tool: tool, Arguments: []byte(goodOrder)})
		return strings.ReplaceAll(result.Err.Error(), tool, "<tool>")
	}
	forbidden, unknown := answer("shop_order"), answer("shop_nothing")
	if forbidden != unknown {
		t.Errorf("forbidden: %s\nunknown:   %s", forbidden, unknown)
	}
	if !strings.Contains(unknown, "tools/list") {
		t.Errorf("does not say what to do: %s", unknown)
	}
}
