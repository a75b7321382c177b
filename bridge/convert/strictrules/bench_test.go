package strictrules

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkCheck checks a strict definition of about 1.5 KB, an average tool's.
func BenchmarkCheck(b *testing.B) {
	var properties []string
	for i := range 8 {
		properties = append(properties, fmt.Sprintf(`"p%d":{"type":["string","null"],"description":%q,"enum":["one","two","three",null]}`, i, strings.Repeat("what this is for ", 5)))
	}
	schema := json.RawMessage(closed(strings.Join(properties, ",")))
	b.SetBytes(int64(len(schema)))
	b.ReportAllocs()
	for b.Loop() {
		if found := Check("f", schema, true); found != nil {
			b.Fatal(found)
		}
	}
}
