package restmount

import (
	"encoding/json"
	"fmt"
	"strings"
)

// steps are how much is left of lists (items) and texts (bytes), one after the other,
// until an answer fits.
var steps = []struct{ items, bytes int }{
	{1000, 8000}, {500, 4000}, {200, 2000}, {100, 1000}, {50, 1000}, {20, 500}, {10, 500}, {5, 300}, {3, 200}, {1, 100},
}

// fit writes a value in no more than the bytes that a model gets, and says what it left out.
func (a *API) fit(value any) (text, note string) {
	raw, err := json.Marshal(value)
	if err != nil {
		return "the answer cannot be shown", ""
	}
	if int64(len(raw)) <= a.settings.MaxResult {
		return string(raw), ""
	}
	whole := len(raw)
	for _, s := range steps {
		c := cutter{items: s.items, bytes: s.bytes}
		if raw, err = json.Marshal(c.cut(value)); err == nil && int64(len(raw)) <= a.settings.MaxResult {
			return string(raw), fmt.Sprintf("The answer has %d bytes and was shortened: %d items of lists and %d texts are left out or cut (lists at %d items, texts at %d bytes). Ask for less at a time for the rest.",
				whole, c.left, c.texts, s.items, s.bytes)
		}
	}
	text = strings.ToValidUTF8(string(raw[:min(int64(len(raw)), a.settings.MaxResult)]), "")
	return text, fmt.Sprintf("The answer has %d bytes; this is the beginning of what is left after shortening its lists and texts, and breaks off. Ask for less at a time.", whole)
}

// cutter shortens lists and texts, and counts what it left out.
type cutter struct {
	items, bytes int
	left, texts  int
}

func (c *cutter) cut(value any) any {
	switch v := value.(type) {
	case string:
		if len(v) > c.bytes {
			c.texts++
			return strings.ToValidUTF8(v[:c.bytes], "") + "…"
		}
	case []any:
		kept := v[:min(len(v), c.items)]
		c.left += len(v) - len(kept)
		list := make([]any, len(kept))
		for i, one := range kept {
			list[i] = c.cut(one)
		}
		return list
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = c.cut(member)
		}
		return out
	}
	return value
}
