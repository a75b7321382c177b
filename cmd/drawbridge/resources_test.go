package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"drawbridge/bridge/openaitest"
)

// resourceReader is a client that looks for things and reads them.
type resourceReader struct {
	t *testing.T
	*mcpCaller
}

// templates are the names of what may be read.
func (r resourceReader) templates() (names []string) {
	r.t.Helper()
	raw, fault, err := r.ask(r.t.Context(), "resources/templates/list", "", "")
	var list struct {
		ResourceTemplates []struct{ Name, URITemplate string } `json:"resourceTemplates"`
	}
	if err != nil || fault != nil || json.Unmarshal(raw, &list) != nil {
		r.t.Fatalf("listing: %s %s (%v)", raw, fault, err)
	}
	for _, one := range list.ResourceTemplates {
		if one.URITemplate != "drawbridge://"+one.Name+"/{id}" {
			r.t.Errorf("%s are at %s", one.Name, one.URITemplate)
		}
		names = append(names, one.Name)
	}
	slices.Sort(names)
	return names
}

// complete are the ids that begin somehow.
func (r resourceReader) complete(kind, typed string) []string {
	r.t.Helper()
	raw, fault, err := r.ask(r.t.Context(), "completion/complete", "", fmt.Sprintf(`"ref":{"type":"ref/resource","uri":"drawbridge://%s/{id}"},"argument":{"name":"id","value":%q}`, kind, typed))
	var done struct{ Completion struct{ Values []string } }
	if err != nil || fault != nil || json.Unmarshal(raw, &done) != nil {
		r.t.Fatalf("completing %s: %s %s (%v)", kind, raw, fault, err)
	}
	return done.Completion.Values
}

// read reads one thing; "" and what was said instead if it may not be read.
func (r resourceReader) read(kind, id string) (text, fault string) {
	r.t.Helper()
	uri := "drawbridge://" + kind + "/" + id // as it was completed, which is not as a template draws it
	raw, said, err := r.ask(r.t.Context(), "resources/read", uri, fmt.Sprintf(`"uri":%q`, uri))
	if err != nil {
		r.t.Fatal(err)
	}
	if said != nil {
		return "", string(said)
	}
	var result struct {
		Contents []struct{ URI, MIMEType, Text string }
	}
	if err := json.Unmarshal(raw, &result); err != nil || len(result.Contents) != 1 || result.Contents[0].URI != uri || !json.Valid([]byte(result.Contents[0].Text)) {
		r.t.Fatalf("%s is %s (%v)", uri, raw, err)
	}
	return result.Contents[0].Text, ""
}

// TestResourcesAreFoundAndReadByThoseWhoMay: a client lists what kinds of things there
// are, has an id completed, and reads the thing, in both protocols. Of three keys the
// first may, the second may and has started no run, and the third may look at payments only.
func TestResourcesAreFoundAndReadByThoseWhoMay(t *testing.T) {
	fake := openaitest.New(t)
	fake.Always(openaitest.Say("There is nothing to do."))
	const strangerKey = "stranger-key-0123456789"
	file, path := liveFile(t, fmt.Sprintf(`
server:
  listen: 127.0.0.1:0
  keys:
    - {name: front, key: %s, tools: ["*"], agents: [desk]}
    - {name: back, key: %s, tools: ["*"], agents: [desk]}
    - {name: stranger, key: %s, tools: ["payment_get_*"], agents: [nobody-at-all]}
model: {base_url: %q, name: main}
agents: {desk: {tools: ["*"]}}
policy: {defaults: off}
`, frontKey, backKey, strangerKey, fake.URL()))
	server := serve(t, file)
	run := startedRun(t, server.base, frontKey, `{"agent":"desk","prompt":"See what there is to do."}`)
	endOf(t, server.base, frontKey, run)
	for name, modern := range map[string]bool{"2026-07-28": true, "2025-11-25": false} {
		t.Run(name, func(t *testing.T) {
			as := func(key string) resourceReader {
				return resourceReader{t, &mcpCaller{base: server.base, key: key, modern: modern}}
			}
			front, back, stranger := as(frontKey), as(backKey), as(strangerKey)
			if got := front.templates(); !slices.Equal(got, []string{"customers", "orders", "runs"}) {
				t.Errorf("it may read %v", got)
			}
			for kind, want := range map[string]struct{ typed, id, has string }{
				"customers": {"Lindq", "ada@example.com", `"Ada Lindqvist"`},
				"orders":    {"A-100", "A-1001", `"A-1001"`},
				"runs":      {"run_", run, `"There is nothing to do."`},
			} {
				if ids := front.complete(kind, want.typed); !slices.Contains(ids, want.id) {
					t.Errorf("%s that fit %q are %v", kind, want.typed, ids)
				}
				if text, fault := front.read(kind, want.id); !strings.Contains(text, want.has) || fault != "" {
					t.Errorf("%s %s is %s %s", kind, want.id, text, fault)
				}
				if ids := stranger.complete(kind, want.typed); len(ids) != 0 {
					t.Errorf("whoever may not read %s is offered %v", kind, ids)
				}
				text, fault := stranger.read(kind, want.id)
				if text != "" || fault == "" || strings.Contains(fault, want.has) {
					t.Errorf("whoever may not read %s got %s %s", kind, text, fault)
				}
				// One that is there is told apart from none by nobody who may not know.
				if _, other := stranger.read(kind, "none-such"); other != strings.ReplaceAll(fault, want.id, "none-such") {
					t.Errorf("one that is there is refused by %s, one that is not by %s", fault, other)
				}
			}
			if got := stranger.templates(); len(got) != 0 {
				t.Errorf("whoever may look at payments only is shown %v", got)
			}
			// Another's run is not there; a customer is the company's.
			if ids := back.complete("runs", "run_"); len(ids) != 0 {
				t.Errorf("another key is offered %v", ids)
			}
			if text, fault := back.read("runs", run); text != "" || !strings.Contains(fault, "not found") {
				t.Errorf("another key reads the run: %s %s", text, fault)
			}
			if text, _ := back.read("customers", "ada%40example.com"); !strings.Contains(text, `"Ada Lindqvist"`) {
				t.Errorf("the customer is %s", text)
			}
			if text, fault := front.read("customers", "nobody@example.com"); text != "" || !strings.Contains(fault, "not found") {
				t.Errorf("a customer that is not there is %s %s", text, fault)
			}
		})
	}
	// Each of it has its row, as any call.
	for tool, least := range map[string]int{"crm_get_customer": 4, "crm_get_order": 2, "get_run": 4} {
		if n := rows(t, look(t, path), `SELECT COUNT(*) FROM audit WHERE door = 'http' AND tool = '`+tool+`'`); n < least {
			t.Errorf("%d calls of %s are on record, want %d", n, tool, least)
		}
	}
	server.stop(t)
}
