//go:build !conformance

package main

import (
	"os/exec"
	"strings"
	"testing"

	"drawbridge/config"
)

// The conformance suite's tools are in the suite's own build and nowhere else.
func TestProductHoldsNothingOfTheConformanceSuite(t *testing.T) {
	const fixture = "drawbridge/server/mcpserver/conformance"
	for tags, want := range map[string]bool{"": false, "conformance": true} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", tags, "drawbridge/cmd/drawbridge").Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), fixture+"\n"); got != want {
			t.Errorf("with the tags %q the fixture is in the program: %v", tags, got)
		}
	}
	for _, tool := range definitions(config.Tools{}).All() {
		if strings.HasPrefix(tool.Name, "test_") {
			t.Errorf("the product offers %s", tool.Name)
		}
	}
}
