package replay

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Change is one place in which two JSON values differ. Recorded is empty where the replay
// has something new there, Replayed where something is gone.
type Change struct {
	Path     string          `json:"path"` // such as to.0.name; empty for the whole value
	Recorded json.RawMessage `json:"recorded,omitempty"`
	Replayed json.RawMessage `json:"replayed,omitempty"`
}

// changes are the places in which two texts differ, as JSON if both are.
func changes(recorded, replayed string) []Change {
	a, isJSON := decode(recorded)
	b, isJSONToo := decode(replayed)
	if !isJSON || !isJSONToo {
		if recorded == replayed {
			return nil
		}
		return []Change{{Recorded: encode(recorded), Replayed: encode(replayed)}}
	}
	return walk(nil, "", a, b)
}

func walk(found []Change, path string, a, b any) []Change {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			return walkMembers(found, path, a, b)
		}
	case []any:
		if b, ok := b.([]any); ok {
			return walkItems(found, path, a, b)
		}
	}
	if was, is := encode(a), encode(b); string(was) != string(is) {
		found = append(found, Change{Path: path, Recorded: was, Replayed: is})
	}
	return found
}

func walkMembers(found []Change, path string, a, b map[string]any) []Change {
	names := slices.Sorted(maps.Keys(a))
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		was, had := a[name]
		is, has := b[name]
		found = walkOne(found, below(path, name), was, had, is, has)
	}
	return found
}

func walkItems(found []Change, path string, a, b []any) []Change {
	for i := range max(len(a), len(b)) {
		var was, is any
		if i < len(a) {
			was = a[i]
		}
		if i < len(b) {
			is = b[i]
		}
		found = walkOne(found, below(path, strconv.Itoa(i)), was, i < len(a), is, i < len(b))
	}
	return found
}

func walkOne(found []Change, path string, was any, had bool, is any, has bool) []Change {
	switch {
	case !has:
		return append(found, Change{Path: path, Recorded: encode(was)})
	case !had:
		return append(found, Change{Path: path, Replayed: encode(is)})
	}
	return walk(found, path, was, is)
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
