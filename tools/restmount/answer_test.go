package restmount_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"drawbridge/tools/restmount"
)

// says has the API answer with a body of a kind, and perhaps a Link header.
func (w *world) says(kind, body string, link ...string) {
	w.answers(func(out http.ResponseWriter, _ *http.Request) {
		if kind != "" {
			out.Header().Set("Content-Type", kind)
		}
		for _, one := range link {
			out.Header().Add("Link", one)
		}
		_, _ = io.WriteString(out, body)
	})
}

func TestAnswersAreShownAsWhatTheyAre(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) { s.MaxResponse, s.MaxResult = 5000, 1000 })
	long := strings.Repeat("é", 3000)
	for _, test := range []struct{ kind, body, want string }{
		{"application/json", `{"n":12345678901234567890, "a" : [1]}`, `{"a":[1],"n":12345678901234567890}`},
		{"application/problem+json; charset=utf-8", `[]`, `[]`},
		{"text/html", `<p>Hi</p>`, `<p>Hi</p>`},
		{"text/plain", `{"a":1}`, `{"a":1}`},
		{"application/xml", `<a/>`, `<a/>`},
		{"", "", "Done (status 200); the answer is empty."},
		{"application/json", `{"broken`, `{"broken`},
		{"image/png", "\x89PNG\x00\x01", "Done (status 200); the answer is binary (image/png, 6 bytes), which cannot be shown here."},
		{"application/octet-stream", long, "Done (status 200); the answer is binary (application/octet-stream, more than 5000 bytes), which cannot be shown here."},
		{"text/plain", "\xff\xfe\x00", "Done (status 200); the answer is binary (text/plain, 3 bytes), which cannot be shown here."},
		{"text/plain", long, strings.Repeat("é", 500) + "|The answer has more than 5000 bytes; this is its beginning, 1000 bytes of it. Ask for less: by a narrower question, or a smaller page."},
	} {
		w.says(test.kind, test.body)
		blocks, err := m.call("getOrder", `{"id":"o1"}`)
		if got := strings.Join(blocks, "|"); err != nil || got != test.want {
			t.Errorf("%s %.20q:\n%s, %v, want\n%s", test.kind, test.body, got, err, test.want)
		}
	}
	// A write whose answer is too much was done.
	w.says("application/json", `["`+strings.Repeat("x", 6000)+`"]`)
	blocks, err := m.call("cancelOrder", `{"id":"o1"}`)
	if err != nil || len(blocks) != 2 || !strings.Contains(blocks[1], "The call itself was done") {
		t.Errorf("a write: %v, %v", blocks, err)
	}
	if blocks, err := m.call("head_orders_id", `{"id":"o1"}`); err != nil || !strings.HasPrefix(blocks[0], "status 200\nContent-Type: application/json") {
		t.Errorf("HEAD: %q, %v", blocks, err)
	}
}

func TestAnswerIsTrimmedToTheFieldsThatAreWanted(t *testing.T) {
	w := newWorld(t)
	w.says("application/json", `{"data":[{"id":1,"email":"a","secret":"x","items":[{"sku":"s","cost":1}]},{"id":2}],"meta":{"next":"c2","junk":0},"object":"list"}`)
	for fields, want := range map[string]string{
		"data.id,data.email":        `{"data":[{"email":"a","id":1},{"id":2}]}`,
		"data.items.sku,data.id":    `{"data":[{"id":1,"items":[{"sku":"s"}]},{"id":2}]}`,
		"meta,meta.next":            `{"meta":{"junk":0,"next":"c2"}}`,
		"meta.next,meta":            `{"meta":{"junk":0,"next":"c2"}}`,
		"data.items.*,data.items.x": `{"data":[{"items":[{"cost":1,"sku":"s"}]},{}]}`,
		"*.next":                    `{"data":[{},{}],"meta":{"next":"c2"}}`,
		"nothing":                   `{}`,
	} {
		m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) {
			s.Fields = map[string][]string{"GET /orders": strings.Split(fields, ",")}
		})
		if blocks, err := m.call("orders_list", `{}`); err != nil || blocks[0] != want {
			t.Errorf("%s: %s, %v, want %s", fields, blocks, err, want)
		}
		if blocks, err := m.call("getOrder", `{"id":"o1"}`); err != nil || !strings.Contains(blocks[0], "secret") {
			t.Errorf("an operation without fields: %s, %v", blocks, err)
		}
	}
}

func TestLargeAnswerIsShortenedAndStaysJSON(t *testing.T) {
	w := newWorld(t)
	var items []string
	for i := range 400 {
		items = append(items, fmt.Sprintf(`{"id":%d,"text":%q}`, i, strings.Repeat("x", 100)))
	}
	w.says("application/json", `{"data":[`+strings.Join(items, ",")+`],"total":400}`)
	m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) { s.MaxResult = 8000 })
	blocks, err := m.call("orders_list", `{}`)
	if err != nil || len(blocks) != 2 || len(blocks[0]) > 8000 || !strings.Contains(blocks[0], `"total":400`) || !strings.Contains(blocks[0], `"id":49`) {
		t.Fatalf("%v, %d bytes: %.200s", err, len(blocks[0]), blocks[0])
	}
	compact(t, blocks[0])
	if want := "350 items of lists and 0 texts are left out or cut (lists at 50 items, texts at 1000 bytes)"; !strings.Contains(blocks[1], want) {
		t.Errorf("it says %q, want %q", blocks[1], want)
	}
}

func TestNextPageIsSaid(t *testing.T) {
	const query = "{name: limit, in: query, schema: {type: integer}}, {name: page, in: query, schema: {type: integer}}, {name: offset, in: query, schema: {type: integer}}, {name: cursor, in: query, schema: {type: string}}, {name: starting_after, in: query, schema: {type: string}}"
	spec := document(t, "  /x: {get: {operationId: list, parameters: ["+query+"], responses: {}}}\n  /y: {get: {operationId: counted, parameters: [{name: limit, in: query, schema: {type: integer}}, {name: offset, in: query, schema: {type: integer}}], responses: {}}}\n")
	w := newWorld(t)
	m := w.mount(spec, nil)
	for _, test := range []struct{ tool, arguments, body, link, want string }{
		{"list", `{}`, `[{"id":1}]`, `<https://api.example.com/x?page=1&limit=5>; rel="prev", <https://api.example.com/x?page=3&limit=5>; rel="next"`, `{"page":3}`},
		{"list", `{}`, `[{"id":1}]`, `</x?cursor=a,b%20c>; title="x"; rel=next`, `{"cursor":"a,b c"}`},
		{"list", `{}`, `[{"id":1}]`, `</x?page=3>; rel="prev"`, ``},
		{"list", `{}`, `{"data":[{"id":1}],"next_cursor":"c2"}`, ``, `{"cursor":"c2"}`},
		{"list", `{}`, `{"data":[{"id":1}],"next_cursor":""}`, ``, ``},
		{"list", `{}`, `{"channels":[],"response_metadata":{"next_cursor":"dXNlcjpV"}}`, ``, `{"cursor":"dXNlcjpV"}`},
		{"list", `{}`, `{"data":[{"id":"a"},{"id":"b"}],"has_more":true}`, ``, `{"starting_after":"b"}`},
		{"list", `{}`, `{"data":[{"id":"a"},{"id":"b"}],"has_more":false}`, ``, ``},
		{"list", `{}`, `{"results":[1],"next":"https://api.example.com/x?page=7"}`, ``, `{"page":7}`},
		{"list", `{"limit":2}`, `[1,2]`, ``, `{"page":2}`},
		{"list", `{"limit":2,"page":4}`, `{"items":[1,2],"other":3}`, ``, `{"page":5}`},
		{"list", `{"limit":2}`, `[1]`, ``, ``},
		{"counted", `{"limit":2,"offset":2}`, `[1,2]`, ``, `{"offset":4}`},
	} {
		w.says("application/json", test.body, test.link)
		blocks, err := m.call(test.tool, test.arguments)
		want := ""
		if test.want != "" {
			want = "There is more: for the next page call again with the same arguments and " + test.want + "."
		}
		if got := strings.Join(blocks[1:], "|"); err != nil || got != want {
			t.Errorf("%s %s %s: %q, %v, want %q", test.arguments, test.body, test.link, got, err, want)
		}
	}
}

func TestPagingOfTheSettingsIsAllThereIs(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) {
		s.Paging = map[string]restmount.Paging{"*": {Argument: "cursor", From: "wrong"}, "GET /orders": {Argument: "cursor", From: "page.mark"}}
		s.Fields = map[string][]string{"*": {"data"}}
	})
	w.says("application/json", `{"data":[],"page":{"mark":17},"next_cursor":"no"}`)
	if blocks, err := m.call("orders_list", `{}`); err != nil || len(blocks) != 2 || blocks[0] != `{"data":[]}` || !strings.Contains(blocks[1], `{"cursor":"17"}`) {
		t.Errorf("%q, %v", blocks, err)
	}
	w.says("application/json", `{"data":[],"next_cursor":"no"}`)
	if blocks, err := m.call("orders_list", `{}`); err != nil || len(blocks) != 1 {
		t.Errorf("without the member: %q, %v", blocks, err)
	}
}
