package restmount_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"drawbridge/bridge/convert"
	"drawbridge/tools/restmount"
)

func TestOperationsBecomeToolsAndTheRestSaysWhy(t *testing.T) {
	m := newWorld(t).mount("testdata/shop.yaml", func(s *restmount.Settings) { s.BaseURL = "" })
	want := []string{"cancelOrder", "caption", "createOrder", "getOrder", "head_orders_id", "importAny", "orders_list", "putOrder", "refund", "setNote"}
	if got := slices.Sorted(maps.Keys(m.list)); !slices.Equal(got, want) {
		t.Errorf("tools %v, want %v", got, want)
	}
	var left []string
	for _, l := range m.leftOut {
		left = append(left, l.Tool+": "+l.Why)
	}
	slices.Sort(left)
	wantLeft := []string{
		`GET /broken/{who} (broken): its path has {who}, and no parameter says what that is`,
		`GET /elsewhere (elsewhere): it is at another address than the rest; mount it by itself, with include and base_url`,
		`POST /feed (feed): its body is only taken as application/xml`,
		`POST /pictures (upload): it takes a file ("file"), which no tool can send`,
	}
	if !slices.Equal(left, wantLeft) {
		t.Errorf("left out\n%s", strings.Join(left, "\n"))
	}
	if got := m.definition("createOrder").Annotations["operation"]; got != "POST https://eu.shop.example/v1/orders" {
		t.Errorf("createOrder is %v", got)
	}
	d := m.definition("orders_list")
	if d.Title != "List orders" || d.Description != "List orders. The newest first. See here & there.\nGET /orders" {
		t.Errorf("title %q, description %q", d.Title, d.Description)
	}
	if d := m.definition("putOrder"); d.Description != "Deprecated.\nPUT /orders/{id}" {
		t.Errorf("description %q", d.Description)
	}
}

func TestAllParametersAndTheBodyAreOneFlatInput(t *testing.T) {
	m := newWorld(t).mount("testdata/shop.yaml", nil)
	for name, want := range map[string]string{
		"cancelOrder": `{"id":{"description":"The order.","type":"string"}} required id`,
		// a name that three places have
		"putOrder":  `{"id":{"description":"The order.","type":"string"},"id_body":{"type":"string"},"id_query":{"type":"integer"},"note":{"type":["string","null"]}} required id`,
		"importAny": `{"body":{"oneOf":[{"items":{"$ref":"#/$defs/NewOrder"},"type":"array"},{"$ref":"#/$defs/NewOrder"}]}} required body`,
		"setNote":   `{"body":{"type":"string"},"id":{"type":"string"}} required body id`,
		"caption":   `{"text":{"type":"string"}} required text`,
		"createOrder": `{"api-version":{"default":"2026-01","type":"string"},"customer":{"description":"Who buys.","type":"string"},"id":{"type":"string"},` +
			`"lines":{"items":{"$ref":"#/$defs/Line"},"minItems":1,"type":"array"},"parent":{"$ref":"#/$defs/Line"},"total":{"exclusiveMinimum":0,"type":"number"}} required customer lines`,
	} {
		var schema struct {
			Properties json.RawMessage
			Required   []string
			Defs       map[string]json.RawMessage `json:"$defs"`
		}
		if err := json.Unmarshal(m.definition(name).InputSchema, &schema); err != nil {
			t.Fatal(err)
		}
		if got := string(schema.Properties) + " required " + strings.Join(schema.Required, " "); got != want {
			t.Errorf("%s:\n%s, want\n%s", name, got, want)
		}
		if name == "createOrder" {
			line := `{"properties":{"count":{"enum":[1,2,null],"type":["integer","null"]},"gift":{"anyOf":[{"allOf":[{"$ref":"#/$defs/Line"}]},{"type":"null"}]},` +
				`"sku":{"description":"Matches the pattern ^(?=A)[A-Z]+$.","examples":["ABC"],"type":"string"}},"required":["sku"],"type":"object"}`
			if got := string(schema.Defs["Line"]); got != line {
				t.Errorf("Line is\n%s, want\n%s", got, line)
			}
		}
	}
}

func TestSchemasOfOpenAPI31AreKept(t *testing.T) {
	m := newWorld(t).mount("testdata/modern.yaml", nil)
	d := m.definition("makeThing")
	for _, want := range []string{
		`"kind":{"const":"thing"}`, `"name":{"examples":["Ada"],"type":["string","null"]}`, `"size":{"exclusiveMaximum":10,"exclusiveMinimum":0,"type":"integer"}`,
		`"pair":{"prefixItems":[{"type":"string"},{"type":"integer"}],"type":"array"}`, `"anything":true`, `"maxLength":5`, `"description":"Who has it."`,
	} {
		if !strings.Contains(string(d.InputSchema), want) {
			t.Errorf("it lacks %s:\n%s", want, d.InputSchema)
		}
	}
	// Two names that would be the same: who bears it as it is keeps it.
	names := slices.Sorted(maps.Keys(m.list))
	if len(names) != 3 || names[1] != "search_things_more" || !strings.HasPrefix(names[2], "search_things_more_") {
		t.Errorf("the names are %v", names)
	}
}

func TestEveryToolIsAStrictFunction(t *testing.T) {
	for _, spec := range []string{"testdata/shop.yaml", "testdata/modern.yaml"} {
		for name, one := range newWorld(t).mount(spec, nil).list {
			d := definitionOf(t, one)
			f, err := convert.Convert(convert.Tool{Name: "shop__" + name, Title: d.Title, Description: d.Description, Input: d.InputSchema})
			if err != nil || !f.Strict {
				t.Errorf("%s: %v\n%s", name, err, d.InputSchema)
			}
		}
	}
}

func TestDocumentOfSeveralFilesIsReadAndNothingOutsideItsFolder(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/split/openapi.yaml", nil)
	if names := slices.Sorted(maps.Keys(m.list)); !slices.Equal(names, []string{"addPet", "listPets"}) {
		t.Errorf("tools %v", names)
	}
	if _, err := m.call("addPet", `{"name":"Rex","mother":{"name":"Sam"}}`); err != nil || compact(t, w.last().body) != `{"mother":{"name":"Sam"},"name":"Rex"}` {
		t.Errorf("sent %s, %v", w.last().body, err)
	}
	for _, ref := range []string{"/etc/passwd", "../../../../../../../../etc/passwd", "http://127.0.0.1:1/x.yaml", "file:///etc/passwd"} {
		api, err := restmount.New(restmount.Settings{Name: "x", Spec: document(t, "  /x: {$ref: \""+ref+"\"}\n")}, restmount.Options{Reach: direct})
		if err != nil {
			t.Fatal(err)
		}
		if list, _, err := api.List(t.Context()); err == nil {
			t.Errorf("%s gives %d tools", ref, len(list))
		}
	}
}

func TestIncludeAndExcludeGoByNameIdTagPathAndMethod(t *testing.T) {
	for _, test := range []struct {
		include, exclude []string
		want             string
	}{
		{[]string{"orders_list"}, nil, "orders_list"},
		{[]string{"orders/list"}, nil, "orders_list"},
		{[]string{"tag:money"}, nil, "refund"},
		{[]string{"/orders/{id}"}, nil, "cancelOrder getOrder head_orders_id putOrder"},
		{[]string{"GET *"}, nil, "getOrder orders_list"},
		{[]string{"POST /orders*"}, []string{"tag:money"}, "createOrder"},
		{nil, []string{"*O*", "POST *", "PUT *", "HEAD *"}, "orders_list"},
		{[]string{"nothing"}, nil, ""},
	} {
		m := newWorld(t).mount("testdata/shop.yaml", func(s *restmount.Settings) { s.Include, s.Exclude = test.include, test.exclude })
		if got := strings.Join(slices.Sorted(maps.Keys(m.list)), " "); got != test.want {
			t.Errorf("%v without %v: %q, want %q", test.include, test.exclude, got, test.want)
		}
	}
}

func TestUnusableDocumentsSayWhy(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"swagger":  {"swagger: '2.0'\npaths: {}\n", "Swagger 2.0"},
		"minified": {`{"info":{},"swagger":"2.0","paths":{"/x":{}}}`, "Swagger 2.0"},
		"nothing":  {"a: b\n", "no member openapi"},
		"future":   {"openapi: 3.2.0\ninfo: {title: x, version: '1'}\npaths: {/x: {get: {responses: {}}}}\n", `OpenAPI "3.2.0"; want 3.0 or 3.1`},
		"empty":    {"openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths: {}\n", "no paths"},
		"dangling": {"openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths: {/x: {get: {parameters: [{$ref: '#/components/parameters/gone'}], responses: {}}}}\n", "gone"},
		"homeless": {"openapi: 3.0.0\ninfo: {title: x, version: '1'}\nservers: [{url: /v1}]\npaths: {/x: {get: {responses: {}}}}\n", "set base_url"},
		"no yaml":  {"{", "reading the document"},
		"bomb":     {bomb(), "aliases"},
	} {
		file := document(t, "")
		if err := writeFile(file, test.text); err != nil {
			t.Fatal(err)
		}
		api, err := restmount.New(restmount.Settings{Name: "x", Spec: file}, restmount.Options{Reach: direct})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := api.List(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// bomb is a document of one KiB that would be written out as millions of schemas.
func bomb() string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths: {/x: {get: {responses: {}}}}\ncomponents:\n  schemas:\n    A0: &a0 {type: object, properties: {a: {type: string}}}\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "    A%d: &a%d {type: object, properties: {%s}}\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("%%s: *a%d, ", i-1), 9), ", "))
	}
	text := b.String()
	for n := 0; strings.Contains(text, "%s"); n++ {
		text = strings.Replace(text, "%s", fmt.Sprintf("p%d", n), 1)
	}
	return text
}

func TestDocumentLargerThanItMayBeIsRefused(t *testing.T) {
	api, err := restmount.New(restmount.Settings{Name: "x", Spec: "testdata/shop.yaml", MaxSpec: 2000}, restmount.Options{Reach: direct})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := api.List(t.Context()); err == nil || !strings.Contains(err.Error(), "max_spec") {
		t.Errorf("got %v", err)
	}
}

func TestOperationThatIsAReferenceIsNoToolWithoutArguments(t *testing.T) {
	m := newWorld(t).mount(document(t, "  /x: {get: {$ref: 'y.yaml'}}\n"), nil)
	if len(m.list) != 0 || len(m.leftOut) != 1 || !strings.Contains(m.leftOut[0].Why, "bundle the document first") {
		t.Errorf("%d tools, left out %v", len(m.list), m.leftOut)
	}
}

// TestHostileSchemasAreBounded: one that is a part of itself many times over, and many
// operations that refer to the same large one.
func TestHostileSchemasAreBounded(t *testing.T) {
	self := "  /x: {post: {operationId: x, requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}, responses: {}}}\n" +
		"components: {schemas: {A: {type: object, allOf: [" + strings.TrimSuffix(strings.Repeat("{$ref: '#/components/schemas/A'}, ", 30), ", ") + "]}}}\n"
	m := newWorld(t).mount(document(t, self), nil)
	if schema := string(m.definition("x").InputSchema); !strings.Contains(schema, `"required":["body"]`) {
		t.Errorf("input %s", schema)
	}
	var many, members strings.Builder
	for i := range 60 {
		fmt.Fprintf(&many, "  /x%d: {post: {requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}, responses: {}}}\n", i)
	}
	for i := range 9000 {
		fmt.Fprintf(&members, "p%d: {type: string}, ", i)
	}
	fmt.Fprintf(&many, "components: {schemas: {A: {type: object, properties: {%s}}}}\n", strings.TrimSuffix(members.String(), ", "))
	m = newWorld(t).mount(document(t, many.String()), nil)
	if len(m.list) == 0 || len(m.leftOut) == 0 || !strings.Contains(m.leftOut[0].Why, "too much together") {
		t.Errorf("%d tools, %d left out", len(m.list), len(m.leftOut))
	}
}
