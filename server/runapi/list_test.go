package runapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"drawbridge/server/auth"
	"drawbridge/server/runapi"
)

type list struct {
	Object string
	Data   []run
	More   bool    `json:"has_more"`
	Next   *string `json:"next_cursor"`
}

func (w *world) list(query string) list {
	w.t.Helper()
	got := w.do(http.MethodGet, "/v1/runs?"+query, "")
	var l list
	got.as(w.t, &l)
	if got.status != http.StatusOK || l.Object != "list" || l.Data == nil || l.More != (l.Next != nil) {
		w.t.Fatalf("listing %q: %d %s", query, got.status, got.body)
	}
	return l
}

func (l list) ids() string {
	ids := make([]string, len(l.Data))
	for i, r := range l.Data {
		ids[i] = r.ID
	}
	return strings.Join(ids, " ")
}

func TestListShowsTheCallersRunsOnlyAndPagesThroughThem(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	var mine []string
	for i := range 7 {
		w.key.Name = "desk"
		mine = append([]string{w.start(fmt.Sprintf(`{"agent":"desk","prompt":"%d"}`, i))}, mine...)
		w.key.Name = "other"
		w.start(`{"agent":"desk","prompt":"not yours"}`)
	}
	w.key.Name = "desk"
	var seen []string
	for query := "limit=3"; ; {
		page := w.list(query)
		seen = append(seen, page.ids())
		if page.Next == nil {
			break
		}
		query = "limit=3&cursor=" + url.QueryEscape(*page.Next)
		w.start(`{"agent":"desk","prompt":"came meanwhile"}`)
	}
	want := []string{strings.Join(mine[:3], " "), strings.Join(mine[3:6], " "), mine[6]}
	if strings.Join(seen, "|") != strings.Join(want, "|") {
		t.Errorf("the pages are\n%q, want\n%q", seen, want)
	}
	w.key = auth.Principal{Kind: auth.Local, Name: "http", Agents: []string{"*"}}
	if page := w.list("limit=100"); len(page.Data) != 16 || page.More {
		t.Errorf("a caller of this machine sees %d runs, more %v", len(page.Data), page.More)
	}
}

func TestListShowsWhatFitsItsFilters(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	first := w.start(`{"agent":"desk","prompt":"1"}`)
	second := w.start(`{"agent":"clerk-a","prompt":"2"}`)
	third := w.start(`{"agent":"desk","prompt":"3"}`)
	w.finish(w.claim(second), "Done.")
	if got := w.do(http.MethodPost, "/v1/runs/"+third+"/cancel", ""); got.status != http.StatusOK {
		t.Fatal(got)
	}
	for query, want := range map[string]string{
		"":                                 third + " " + second + " " + first,
		"state=queued":                     first,
		"state=succeeded,cancelled":        third + " " + second,
		"agent=desk":                       third + " " + first,
		"agent=desk&state=cancelled":       third,
		"source=api&limit=1":               third,
		"source=chat":                      "",
		"reason=cancelled":                 third,
		"reason=answered&state=cancelled":  "",
		"event=evt_1":                      "",
		"state=&agent=&source=&cursor=":    third + " " + second + " " + first,
		"agent=" + url.QueryEscape("' OR"): "",
	} {
		if got := w.list(query).ids(); got != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"state=done":           "invalid_value state",
		"limit=0":              "invalid_value limit",
		"limit=101":            "invalid_value limit",
		"cursor=x":             "invalid_value cursor",
		"cursor=%21":           "invalid_value cursor",
		"sate=queued":          "unknown_parameter sate",
		"agent=desk&agent=all": "invalid_value agent",
	} {
		if got := w.do(http.MethodGet, "/v1/runs?"+query, ""); got.status != http.StatusBadRequest || got.code() != want {
			t.Errorf("%q: %d %s, want %s", query, got.status, got.body, want)
		}
	}
}
