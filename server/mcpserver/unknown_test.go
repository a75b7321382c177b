package mcpserver

import (
	"testing"

	"drawbridge/tools"
)

// TestPolicyIsListedWhereItDoesNotFollowFromTheRest: a runtime has to know what to do about a
// call whose answer it lost, and a list should say nothing twice.
func TestPolicyIsListedWhereItDoesNotFollowFromTheRest(t *testing.T) {
	lookUp := &tools.LookUp{Tool: "look"}
	for _, c := range []struct {
		tool   tools.Tool
		want   any
		claims bool
	}{
		{tools.Tool{Effect: tools.Read, Idempotent: true}, nil, false},
		{tools.Tool{Effect: tools.Write, Idempotent: true}, nil, false},
		{tools.Tool{Effect: tools.Write}, nil, true},
		{tools.Tool{Effect: tools.Write, Idempotent: true, Unknown: tools.AskPerson}, "ask", false},
		{tools.Tool{Effect: tools.Write, Unknown: tools.Check, LookUp: lookUp}, "check", true},
		{tools.Tool{Effect: tools.Write, LookUp: lookUp}, "check", true},
	} {
		meta := describe(c.tool).Meta.AdditionalFields
		if meta[MetaUnknown] != c.want || meta[MetaClaims] != c.claims {
			t.Errorf("%+v: %v", c.tool, meta)
		}
	}
}

func TestToolThatSaysAnotherPolicyIsListedAnew(t *testing.T) {
	asks := tools.Tool{Name: "x", Effect: tools.Write}
	looks := asks
	looks.LookUp = &tools.LookUp{Tool: "look"}
	if sameDefinition(asks, looks) || !sameDefinition(looks, looks) {
		t.Error("the list stays as it was")
	}
}
