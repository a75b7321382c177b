package strictrules

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCautionsNameWhatMightBeRefused(t *testing.T) {
	table := []pair{
		strictly("two types", CautionTypes, "", `{"type":["string","integer"]}`, `{"type":["null","string"]}`),
		strictly("three types", CautionTypes, "", `{"type":["string","integer","null"]}`, `{"type":["string","null"]}`),
		strictly("a comment", CautionUnknown, "", `{"type":"string","$comment":"x"}`, `{"type":"string"}`),
		strictly("a keyword of somebody's own", CautionUnknown, "", `{"type":"string","x-order":1}`, `{"type":"string"}`),
		strictly("OpenAPI's nullable", CautionUnknown, "", `{"type":"string","nullable":true}`, `{"type":"string"}`),
		strictly("definitions", CautionUnknown, "", `{"type":"string","definitions":{}}`, `{"type":"string","$defs":{}}`),
		strictly("a pointer into properties", CautionReference, "", `{"$ref":"#/properties/a"}`, `{"$ref":"#"}`),
		strictly("anyOf beside type", CautionSiblings, "", `{"type":"string","anyOf":[{"type":"string"}]}`, `{"description":"d","anyOf":[{"type":"string"}]}`),
		strictly("branches that begin alike", CautionFirstKey, "", `{"anyOf":[`+closed(`"x":{"type":"null"}`)+`,`+closed(`"x":{"type":"string"}`)+`]}`, `{"anyOf":[`+closed(`"x":{"type":"null"}`)+`,`+closed(`"y":{"type":"string"}`)+`]}`),
		strictly("an empty object below the root", CautionEmpty, "", closed(``), closed(`"x":{"type":"null"}`)),
		strictly("an enum that cannot be null", CautionNullable, "", `{"type":["string","null"],"enum":["x"]}`, `{"type":["string","null"],"enum":["x",null]}`),
		strictly("a bound", CautionFineTuned, "", `{"type":"integer","minimum":0}`, `{"type":"integer"}`),
		strictly("a name twice", CautionDuplicate, "", `{"type":"string","type":"string"}`, `{"type":"string"}`),
		strictly("a property twice", CautionDuplicate, "/items/properties", `{"type":"array","items":{"type":"object","properties":{"x":{"type":"null"},"x":{"type":"null"}},"required":["x"],"additionalProperties":false}}`, `{"type":"array","items":`+closed(`"x":{"type":"null"}`)+`}`),
		{"branches that begin alike behind references", CautionFirstKey, "/$defs/u",
			defined(`"u":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}]},"a":` + closed(`"x":{"type":"null"}`) + `,"b":` + closed(`"x":{"type":"string"}`)),
			defined(`"u":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}]},"a":` + closed(`"x":{"type":"null"}`) + `,"b":` + closed(`"y":{"type":"string"}`))},
		{"six levels", CautionAzure, "", deep(6), deep(5)},
		{"101 properties", CautionAzure, "", wide(101), wide(100)},
	}
	for _, p := range table {
		t.Run(p.it, func(t *testing.T) {
			if !broken(Cautions("f", "", json.RawMessage(p.bad), true), p.rule, p.path) {
				t.Errorf("no caution %q at %q: %v", p.rule, p.path, Cautions("f", "", json.RawMessage(p.bad), true))
			}
			if got := Cautions("f", "", json.RawMessage(p.good), true); got != nil {
				t.Errorf("needless: %v", got)
			}
		})
	}
}

// defined makes a strict root with definitions.
func defined(definitions string) string {
	return strings.Replace(closed(`"a":{"$ref":"#/$defs/u"}`), `{`, `{"$defs":{`+definitions+`},`, 1)
}

func TestCautionsHoldForNonStrictFunctionsToo(t *testing.T) {
	mixed := `{"type":"object","properties":{"a":{"type":"string","enum":["x"],"oneOf":[{}]}}}`
	if !broken(Cautions("f", "", json.RawMessage(mixed), false), CautionMixedUnion, "/properties/a") {
		t.Error("type, enum and oneOf together pass")
	}
	nowhere := `{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}}}`
	if !broken(Cautions("f", "", json.RawMessage(nowhere), false), CautionReference, "/properties/a") {
		t.Error("a reference that leads nowhere passes")
	}
	if got := Cautions("f", strings.Repeat("é", 1024), json.RawMessage(`{}`), false); got != nil {
		t.Errorf("1024 characters: %v", got)
	}
	if !broken(Cautions("f", strings.Repeat("é", 1025), json.RawMessage(`{}`), false), CautionDescription, "") {
		t.Error("1025 characters pass")
	}
}
