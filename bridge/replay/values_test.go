package replay

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestChangesNameThePlaceAndBothValues(t *testing.T) {
	for _, c := range []struct {
		recorded, replayed string
		want               []string
	}{
		{`{"a":1,"b":"x"}`, `{"b":"x","a":1}`, nil},
		{`{"a":1}`, `{"a":1.0}`, []string{"a: 1 -> 1.0"}}, // as they were written
		{`{"a":{"b":[1,2]}}`, `{"a":{"b":[1,3,4]}}`, []string{"a.b.1: 2 -> 3", "a.b.2:  -> 4"}},
		{`{"a":1,"c":"<x>"}`, `{"b":1,"c":"<y>"}`, []string{"a: 1 -> ", "b:  -> 1", `c: "<x>" -> "<y>"`}},
		{`{"a":{}}`, `{"a":[]}`, []string{"a: {} -> []"}},
		{`{"a":null}`, `{}`, []string{"a: null -> "}},
		{`{"a":`, `{"a":1}`, []string{`: "{\"a\":" -> "{\"a\":1}"`}},
		{`{"a":`, `{"a":`, nil},
	} {
		var got []string
		for _, change := range changes(c.recorded, c.replayed) {
			got = append(got, fmt.Sprintf("%s: %s -> %s", change.Path, change.Recorded, change.Replayed))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s and %s: %q, want %q", c.recorded, c.replayed, got, c.want)
		}
	}
}

// Two texts are the same call exactly if there is no change between them.
func TestChangesAreThereExactlyIfTheCanonicalTextsDiffer(t *testing.T) {
	var value func(t *rapid.T, depth int) any
	value = func(t *rapid.T, depth int) any {
		switch rapid.IntRange(0, 3+min(depth, 1)*2).Draw(t, "kind") {
		case 0:
			return rapid.SampledFrom([]string{"", "a", "<b>"}).Draw(t, "text")
		case 1:
			return rapid.IntRange(0, 2).Draw(t, "number")
		case 2:
			return nil
		case 3:
			return rapid.Bool().Draw(t, "bool")
		case 4:
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return value(t, depth-1) }), 0, 3).Draw(t, "list")
		}
		return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.Custom(func(t *rapid.T) any { return value(t, depth-1) }), 0, 3).Draw(t, "object")
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := string(encode(value(t, 2))), string(encode(value(t, 2)))
		if same := canonical(a) == canonical(b); same != (len(changes(a, b)) == 0) {
			t.Errorf("%s and %s: the same %v, changes %+v", a, b, same, changes(a, b))
		}
	})
}
