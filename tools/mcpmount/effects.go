package mcpmount

import (
	"maps"
	"slices"
	"strings"

	"drawbridge/tools"
)

// effectOf finds the setting for a tool's own name.
func effectOf(effects map[string]tools.Effect, name string) (tools.Effect, bool) {
	if effect, ok := effects[name]; ok {
		return effect, true
	}
	best := ""
	for _, pattern := range slices.Sorted(maps.Keys(effects)) {
		if tools.Match([]string{pattern}, name) && (best == "" || literals(pattern) > literals(best)) {
			best = pattern
		}
	}
	return effects[best], best != ""
}

func literals(pattern string) int { return len(pattern) - strings.Count(pattern, "*") }
