package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCutFallsBetweenCharacters(t *testing.T) {
	for limit, want := range map[int]string{
		0: "\n[bytes 0 to 0 of 5 of the result r1.0; read on with read_result from offset 0]",
		2: "a\n[bytes 0 to 1 of 5 of the result r1.0; read on with read_result from offset 1]",
		3: "aé\n[bytes 0 to 3 of 5 of the result r1.0; read on with read_result from offset 3]",
		5: "aébc",
	} {
		if diff := cmp.Diff(want, cut("aébc", limit, handle(1, 0), func() string { return "" })); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
		}
	}
}

// returnedBefore is a run whose only call returned this.
func returnedBefore(content string) *history {
	c := &call{result: &Result{Content: content}}
	return &history{brief: Brief{ResultLimit: 1000}, turns: []*turn{{seq: 2, calls: []*call{c}}}}
}

const orders = `{"items": [{"id":"or_1","total":12345678901234567890},{"id":"or_2","note":"é \"x\""}], "a.b":{"x y":[]}, "$id":1,
	"next":null, "0":"zero"}`

func TestPathReadsOneValue(t *testing.T) {
	for path, want := range map[string]string{
		"items.0.id":              `"or_1"`,
		"$.items[0].id":           `"or_1"`,
		"$items":                  "", // a key of that name is not there
		`items[1]["note"]`:        `"é \"x\""`,
		`items[1].'note'`:         `"é \"x\""`,
		"items.0.total":           "12345678901234567890",
		"items.0":                 `{"id":"or_1","total":12345678901234567890}`,
		`"a.b"."x y"`:             "[]",
		`['a.b']["x\u0020y"]`:     "[]",
		"next":                    "null",
		"0":                       `"zero"`,
		"[0]":                     `"zero"`,
		"$id":                     "1",
		"$":                       orders,
		"items[1].id\t":           "",
		"items.00":                `{"id":"or_1","total":12345678901234567890}`,
		`items["0"]`:              "",
		"items." + longKey + ".x": "",
	} {
		t.Run(path, func(t *testing.T) {
			got := returnedBefore(orders).readOn(encode(map[string]any{"handle": "r2.0", "path": path}))
			if got.IsError != (want == "") {
				t.Fatalf("got %+v", got)
			}
			if value, _, _ := strings.Cut(got.Content, "\n[bytes"); want != "" && value != want {
				t.Errorf("read %q, want %q", value, want)
			}
		})
	}
}

var longKey = strings.Repeat("k", 500)

func TestPathThatLeadsNowhereIsExplained(t *testing.T) {
	many := "{"
	for i := range 100 {
		many += fmt.Sprintf(`"key number %d":1,`, i)
	}
	many += `"last":1}`
	for _, c := range []struct{ content, path, want string }{
		{orders, "item", `the whole is an object without the key "item"; its keys are items, ["a.b"], ["$id"], next, 0`},
		{orders, "items.2", `items is a list; its indices are 0 to 1, and "2" is none of them`},
		{orders, "items.-1", `"-1" is none of them`},
		{orders, "items.0.id.x", `items.0.id is the value "or_1", with nothing inside`},
		{orders, `["a.b"]["x y"].0`, `["a.b"]["x y"] is a list; it is empty`},
		{`[7]`, "x", "the whole is a list; its only index is 0"},
		{`{}`, "x", "it has no keys"},
		{many, "x", " more"},
		{"plain text", "x", "the result is not JSON: leave path null"},
		{`{"a":1} {"b":2}`, "a", "the result is not JSON"},
		{orders, "items..id", "a key or an index is missing at byte 5"},
		{orders, "items[0", "a bracket is not closed at byte 5"},
		{orders, `items["id`, "a quote is not closed"},
		{orders, `["\x"]`, "no JSON text"},
		{orders, "items[0]id", "a point or a bracket is missing at byte 8"},
		{orders, ".", "a key or an index is missing"},
		{orders, "[]", "a key or an index is missing"},
		{orders, strings.Repeat("a.", 64) + "a", "more than 64 steps"},
	} {
		t.Run(c.path+" of "+opening(c.content), func(t *testing.T) {
			got := returnedBefore(c.content).readOn(encode(map[string]any{"handle": "r2.0", "path": c.path}))
			if !got.IsError || !strings.Contains(got.Content, c.want) || len(got.Content) > 800 {
				t.Errorf("got %d bytes: %s\nwant %q", len(got.Content), got.Content, c.want)
			}
		})
	}
}

func TestValueAtAPathIsReadOnWithinItself(t *testing.T) {
	long := string(encode(strings.Repeat("0123456789", 300)))
	h := returnedBefore(`{"head":1,"long":` + long + `}`)
	var read strings.Builder
	for offset := 0; offset < len(long); {
		got := h.readOn(encode(map[string]any{"handle": "r2.0", "path": "long", "offset": offset, "length": nil}))
		part, line, _ := strings.Cut(got.Content, "\n[bytes ")
		if got.IsError || len(part) > 1000 {
			t.Fatalf("got %+v", got)
		}
		read.WriteString(part)
		offset += len(part)
		want := fmt.Sprintf("of %d of the value at long in the result r2.0; read on with read_result from offset %d of the same path]", len(long), offset)
		if offset == len(long) {
			want = "of the value at long in the result r2.0]"
		}
		if !strings.HasSuffix(line, want) {
			t.Errorf("the line says %q, want %q", line, want)
		}
	}
	if read.String() != long {
		t.Error("the parts are not the value")
	}
	if got := h.readOn(encode(map[string]any{"handle": "r2.0", "path": "long", "offset": len(long)})); !got.IsError ||
		!strings.Contains(got.Content, "is past the end: the value at long in the result has 3002 bytes") {
		t.Errorf("past the end: %+v", got)
	}
}

func TestCutJSONSaysWhatItsPathsReach(t *testing.T) {
	filler := `"` + strings.Repeat("x", 2000) + `"`
	for content, want := range map[string]string{
		`{"items":` + filler + `,"next page":2}`: `from offset 1000, or by a path into this JSON object: its keys are items, ["next page"]]`,
		`[1,` + filler + `]`:                     `from offset 1000, or by a path into this JSON list: its indices are 0 to 1]`,
		filler:                                   "from offset 1000]",
		"no JSON " + filler:                      "from offset 1000]",
	} {
		h := returnedBefore(content)
		if shown := h.shown(h.turns[0], h.turns[0].calls[0]); !strings.HasSuffix(shown, want) {
			t.Errorf("shown ...%q, want ...%q", shown[1000:], want)
		}
	}
}

// TestEveryValueOfAResultHasAPath walks random JSON along with the paths that name
// its values, as the keys are written in what the model is told.
func TestEveryValueOfAResultHasAPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := randomJSON(t, 3)
		text := string(encode(value))
		var walk func(value any, path string)
		walk = func(value any, path string) {
			got, err := valueAt(text, path)
			if want := string(encode(value)); err != nil || got != want {
				t.Fatalf("in %s at %q: %q, %v; want %q", text, path, got, err, want)
			}
			switch value := value.(type) {
			case map[string]any:
				for key, inner := range value {
					walk(inner, join(path, inPath(key)))
				}
			case []any:
				for i, inner := range value {
					walk(inner, path+fmt.Sprintf("[%d]", i))
					walk(inner, join(path, fmt.Sprint(i)))
				}
			}
		}
		walk(value, "")
	})
}

func join(path, step string) string {
	if path == "" || step[0] == '[' {
		return path + step
	}
	return path + "." + step
}

func randomJSON(t *rapid.T, depth int) any {
	kinds := 4
	if depth == 0 {
		kinds = 2
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.String().Draw(t, "text")
	case 1:
		return nil
	case 2:
		out := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			out = append(out, randomJSON(t, depth-1))
		}
		return out
	}
	out := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		key := rapid.OneOf(rapid.StringN(-1, -1, 60), rapid.SampledFrom([]string{"", "a", "$", "$a", "a.b", "[0]", `"`, `'`, "0", " x", "é", "\n"})).Draw(t, "key")
		out[key] = randomJSON(t, depth-1)
	}
	return out
}

func FuzzReadResult(f *testing.F) {
	for _, path := range []string{"items.0.id", `$["a.b"].x`, "[", `"`, "..", "a[0]]", strings.Repeat("[0]", 70)} {
		f.Add(orders, path, 0, 10)
	}
	f.Add(strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000), strings.Repeat("[0]", 60), 0, 0)
	f.Add("é", "", 1, 1)
	f.Fuzz(func(t *testing.T, content, path string, offset, length int) {
		if value, err := valueAt(content, path); err == nil && !(json.Valid([]byte(value)) && strings.Contains(content, value)) {
			t.Errorf("at %q: %q is no value of %q", path, value, content)
		} else if err != nil && len(err.Error()) > 1000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
		got := returnedBefore(content).readOn(encode(map[string]any{"handle": "r2.0", "path": path, "offset": offset, "length": length}))
		if part, _, _ := strings.Cut(got.Content, "\n[bytes"); !got.IsError && len(part) > 1003 {
			t.Errorf("shown %d bytes", len(part))
		}
	})
}
