package mcpmount

import (
	"maps"
	"os"
	"slices"
	"strings"
)

// inherited are the variables a child gets of ours: what programs need to find
// themselves at home, and nothing that could be a key.
var inherited = []string{"PATH", "HOME", "USER", "LANG", "TMPDIR", "SHELL", "TERM", "TZ"}

// environment is all that the child sees. Each variable stands in it once.
func environment(own map[string]string) []string {
	seen := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if slices.Contains(inherited, name) || slices.Contains(inheritedHere, name) ||
			strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "XDG_") {
			seen[name] = value
		}
	}
	maps.Copy(seen, own)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, name+"="+seen[name])
	}
	return out
}
