package convert_test

import (
	"fmt"
	"strings"
)

// listed joins what is made for each number below n.
func listed(n int, each func(i int) string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = each(i)
	}
	return strings.Join(all, ",")
}

// giants are schemas that repeat something large so often that the repeating is what
// costs, each in another way.
func giants() map[string]string {
	tagged := func(i int) string {
		return fmt.Sprintf(`{"type":"object","properties":{"t":{"const":"t%d"}},"required":["t"]}`, i)
	}
	return map[string]string{
		"two enums of 20,000 decimals": `{"properties":{"v":{"allOf":[{"enum":[` + listed(20_000, func(i int) string { return fmt.Sprint(i, ".5") }) +
			`]},{"enum":[` + listed(20_000, func(i int) string { return fmt.Sprint(i, ".50") }) + `]}]}}}`,
		"a default of 1 MB at each of 500 options": `{"properties":{"v":{"default":"` + strings.Repeat("x", 1<<20) + `","type":"object","anyOf":[` + listed(500, tagged) + `]}}}`,
		"a default of 1 MB shared by 5,000 members": `{"properties":{` + listed(5000, func(i int) string {
			return fmt.Sprintf(`"p%d":{"allOf":[{"$ref":"#/$defs/d"},{"minLength":%d}]}`, i, i)
		}) +
			`},"$defs":{"d":{"type":"string","default":"` + strings.Repeat("x", 1<<20) + `"}}}`,
		"4,000 members and 4,000 patterns": `{"properties":{` + listed(4000, func(i int) string { return fmt.Sprintf(`"p%d":{}`, i) }) +
			`},"patternProperties":{` + listed(4000, func(i int) string { return fmt.Sprintf(`"^p.*%d$":{}`, i) }) + `}}`,
		"a oneOf of 20,000 tagged objects":  `{"properties":{"v":{"oneOf":[` + listed(20_000, tagged) + `]}}}`,
		"1,000 unions of 60 tagged objects": `{"properties":{` + listed(1000, func(i int) string { return fmt.Sprintf(`"p%d":{"oneOf":[%s]}`, i, listed(60, tagged)) }) + `}}`,
		"3,000 definitions in the wrong order": `{"properties":{"v":{"anyOf":[` + listed(3000, func(i int) string {
			return fmt.Sprintf(`{"type":"object","properties":{"x%d":{"$ref":"#/$defs/d%d"}}}`, i, i)
		}) +
			`]}},"$defs":{` + listed(3000, func(i int) string {
			return fmt.Sprintf(`"d%d":{"anyOf":[{"$ref":"#/$defs/d%d"},{"type":"object","properties":{"y%d":{}}}]}`, i, max(0, i-1), i)
		}) + `}}`,
		"4,000 references in a row, each with a default": `{"properties":{"v":{"$ref":"#/$defs/d0"}},"$defs":{` + listed(4000, func(i int) string {
			return fmt.Sprintf(`"d%d":{"$ref":"#/$defs/d%d","default":%d}`, i, i+1, i)
		}) + `,"d4000":{}}}`,
		"5,000 members under a condition": `{"if":{"required":["a"]},"then":{"properties":{` + listed(5000, func(i int) string { return fmt.Sprintf(`"p%d":{}`, i) }) +
			`},"required":[` + listed(5000, func(i int) string { return fmt.Sprintf(`"q%d"`, i) }) + `]}}`,
		"2,000 members that may be null, of 400 shapes": `{"properties":{` + listed(2000, func(i int) string { return fmt.Sprintf(`"p%d":{"anyOf":[{"$ref":"#/$defs/u"},{"type":"null"}]}`, i) }) +
			`},"$defs":{"u":{"anyOf":[` + listed(60, func(i int) string { return fmt.Sprintf(`{"$ref":"#/$defs/w%d"}`, i) }) + `]},` +
			listed(60, func(i int) string {
				return fmt.Sprintf(`"w%d":{"anyOf":[{"type":"null"},{"enum":[%s]}]}`, i, listed(60, func(j int) string { return fmt.Sprintf(`"e%d_%d"`, i, j) }))
			}) + `}}`,
		"every subset of 12 definitions": `{"properties":{"v":{"allOf":[{"$ref":"#/$defs/d0"},{"$ref":"#/$defs/d1"},{"$ref":"#/$defs/d2"}]}},"$defs":{` + listed(12, func(i int) string {
			return fmt.Sprintf(`"d%d":{"properties":{%s}}`, i, listed(12, func(j int) string { return fmt.Sprintf(`"p%d":{"$ref":"#/$defs/d%d"}`, j, (i*j+1)%12) }))
		}) + `}}`,
		"12 unions of 12 unions of 12": `{"properties":{"v":{"$ref":"#/$defs/a"}},"$defs":{"a":{"title":"a","anyOf":[` + listed(12, func(i int) string {
			return fmt.Sprintf(`{"title":"t%d","anyOf":[%s]}`, i, listed(12, func(j int) string {
				return fmt.Sprintf(`{"title":"u%d","oneOf":[%s]}`, j, listed(12, func(k int) string {
					return fmt.Sprintf(`{"type":"object","properties":{"x%d":{"$ref":"#/$defs/a"}}}`, k)
				}))
			}))
		}) + `]}}}`,
		"members that contain the whole, 8 of them":   `{"properties":{` + listed(8, func(i int) string { return fmt.Sprintf(`"p%d":{"allOf":[{"$ref":"#"}],"title":"t%d"}`, i, i) }) + `}}`,
		"members that contain the whole, 300 of them": `{"properties":{` + listed(300, func(i int) string { return fmt.Sprintf(`"p%d":{"allOf":[{"$ref":"#"}],"title":"t%d"}`, i, i) }) + `}}`,
		"members that contain the whole and each other": `{"properties":{` + listed(40, func(i int) string {
			return fmt.Sprintf(`"p%d":{"allOf":[{"$ref":"#"},{"$ref":"#/properties/p%d"}],"properties":{"q%d":{"allOf":[{"$ref":"#"},{"$ref":"#/properties/p%d"}]}}}`, i, (i+1)%40, i, (i*7)%40)
		}) + `}}`,
		"60,000 members": object(60_000, 5, `{}`),
		"options with all of 1,000 members, 500 of them": `{"properties":{"v":{"type":"object","properties":{` + listed(1000, func(i int) string { return fmt.Sprintf(`"p%d":{}`, i) }) +
			`},"anyOf":[` + listed(500, tagged) + `]}}}`,
		"an impossible option among 10,000": `{"properties":{"v":{"type":"object","anyOf":[` + listed(10_000, func(i int) string { return fmt.Sprintf(`{"type":"string","const":"x%d"}`, i) }) + `,{"properties":{"a":{}}}]}}}`,
		"enums of large objects, merged 1,000 times": `{"properties":{` + listed(1000, func(i int) string { return fmt.Sprintf(`"p%d":{"allOf":[{"$ref":"#/$defs/e"},{"title":"t%d"}]}`, i, i) }) +
			`},"$defs":{"e":{"enum":[` + listed(200, func(i int) string { return fmt.Sprintf(`{"k":%d,"s":"%s"}`, i, strings.Repeat("x", 4000)) }) + `]}}}`,
		"6,000 members of a shape of 100": `{"properties":{` + listed(6000, func(i int) string { return fmt.Sprintf(`"p%d":{"$ref":"#/$defs/d%d"}`, i, i%50) }) + `},"$defs":{` +
			listed(50, func(i int) string {
				return fmt.Sprintf(`"d%d":{"properties":{%s}}`, i, listed(100, func(j int) string { return fmt.Sprintf(`"x%d":{"$ref":"#/$defs/d%d"}`, j, j%50) }))
			}) + `}}`,
	}
}
