package mcpmount

import (
	"maps"
	"slices"
	"strings"

	"drawbridge/tools"
)

func bestPattern[T any](settings map[string]T, name string) (best string) {
	for _, pattern := range slices.Sorted(maps.Keys(settings)) {
		if tools.Match([]string{pattern}, name) && (best == "" || literals(pattern) > literals(best)) {
			best = pattern
		}
	}
	return best
}

// namesOf are the names by which the settings may speak of a tool.
func (m *Mount) namesOf(t listed) []string {
	names := []string{t.name}
	if m.settings.Aliases != nil {
		names = append(names, m.settings.Aliases(t.raw)...)
	}
	return names
}

// settingOfAny finds the setting for a tool by its names, by the rules of
// [Settings.Effects]: the exact one of any, then the best pattern for any of them.
func settingOfAny[T any](settings map[string]T, names []string) (T, bool) {
	for _, name := range names {
		if setting, ok := settings[name]; ok {
			return setting, true
		}
	}
	best := ""
	for _, name := range names {
		if pattern := bestPattern(settings, name); pattern != "" && (best == "" || literals(pattern) > literals(best)) {
			best = pattern
		}
	}
	return settings[best], best != ""
}

func literals(pattern string) int { return len(pattern) - strings.Count(pattern, "*") }
