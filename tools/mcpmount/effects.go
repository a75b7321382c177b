package mcpmount

import (
	"maps"
	"slices"
	"strings"

	"drawbridge/tools"
)

// settingOf finds the setting for a tool's own name, by the rules of
// [Settings.Effects].
func settingOf[T any](settings map[string]T, name string) (T, bool) {
	if setting, ok := settings[name]; ok {
		return setting, true
	}
	best := ""
	for _, pattern := range slices.Sorted(maps.Keys(settings)) {
		if tools.Match([]string{pattern}, name) && (best == "" || literals(pattern) > literals(best)) {
			best = pattern
		}
	}
	return settings[best], best != ""
}

func literals(pattern string) int { return len(pattern) - strings.Count(pattern, "*") }
