package convert

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestParseKeepsOrderAndSpelling(t *testing.T) {
	const text = `{"z":1.50,"a":[true,null,"\"<ü\u0001\n"],"":-0e+1}`
	v, twice, err := parse([]byte(" "+text+"\n"), schemaLimits)
	if err != nil || twice != nil || spell(v) != text {
		t.Errorf("got %s, %q, %v", spell(v), twice, err)
	}
}

func TestParseTakesTheLastOfMembersGivenTwice(t *testing.T) {
	v, twice, err := parse([]byte(`{"a":1,"b":{"c":1,"c":2},"a":3}`), schemaLimits)
	if err != nil || spell(v) != `{"a":3,"b":{"c":2}}` || !reflect.DeepEqual(twice, []string{"c", "a"}) {
		t.Errorf("got %s, %q, %v", spell(v), twice, err)
	}
}

func TestParseReadsWhatEncodingJSONReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.MapOf(rapid.String(), rapid.OneOf(
			rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.Float64(), func(f float64) any { return f }),
			rapid.Map(rapid.SliceOf(rapid.Bool()), func(b []bool) any { return b }),
		)).Draw(t, "members")
		text, err := json.Marshal(members)
		if err != nil {
			t.Skip("no JSON")
		}
		v, _, err := parse(text, schemaLimits)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if json.Unmarshal(text, &want) != nil || json.Unmarshal([]byte(spell(v)), &got) != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %s", text, spell(v))
		}
	})
}
