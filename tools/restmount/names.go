package restmount

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxOwnName leaves room for the mount's name in MCP's 128 characters.
const maxOwnName = 90

// operationNames are all names by which settings may speak of an operation, but for its
// tool's.
func operationNames(id, method, path string, tags []string) []string {
	names := []string{method + " " + path, path}
	if id != "" {
		names = append(names, id)
	}
	for _, tag := range tags {
		names = append(names, "tag:"+tag)
	}
	return names
}

// legalName makes a name of a text: what is no letter, digit, _, - or . in it becomes one
// _ for each row of such characters.
func legalName(text string) string {
	var b strings.Builder
	pending := false
	for _, r := range text {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-' || r == '.' {
			if pending && b.Len() > 0 {
				b.WriteByte('_')
			}
			pending = false
			b.WriteRune(r)
			continue
		}
		pending = true
	}
	return b.String()
}

// wish is the name an operation would like to have, and whether it is its own, unchanged.
func (o *operation) wish() (name string, own bool) {
	if o.id == "" {
		return shortName(strings.ToLower(o.method)+"_"+legalName(o.path), o.key()), false
	}
	name = legalName(o.id)
	if name == "" {
		name = "operation_" + hashOf(o.key())
	}
	return shortName(name, o.key()), name == o.id
}

func shortName(name, key string) string {
	if len(name) > maxOwnName {
		return name[:maxOwnName-9] + "_" + hashOf(key)
	}
	return name
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// key tells an operation from all others of its document.
func (o *operation) key() string { return o.method + " " + o.path }

// nameAll gives each operation a name of its own. Who bears it unchanged keeps it; others
// that would have the same get a hash of their method and path. So a name depends on
// other operations only where it has to.
func nameAll(all []*operation) {
	bearers := map[string]int{}  // how many want it
	original := map[string]int{} // how many are called so by their document
	for _, o := range all {
		name, own := o.wish()
		bearers[name]++
		if own {
			original[name]++
		}
	}
	for _, o := range all {
		name, own := o.wish()
		o.name = name
		if bearers[name] > 1 && !(own && original[name] == 1) {
			o.name = shortName(name+"_"+hashOf(o.key()), o.key())
		}
	}
}
