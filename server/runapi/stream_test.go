package runapi_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/runapi"
)

// streamed is a stream under way.
type streamed struct {
	w    *world
	body io.Closer
	in   *bufio.Reader
}

func (w *world) stream(id string, headers ...string) *streamed {
	w.t.Helper()
	response := w.open(w.t.Context(), http.MethodGet, "/v1/runs/"+id, "", append([]string{"Accept", "text/event-stream"}, headers...)...)
	w.t.Cleanup(func() { _ = response.Body.Close() })
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "text/event-stream; charset=utf-8" || response.Header.Get("Cache-Control") != "no-cache" {
		w.t.Fatalf("%s, %s", response.Status, kind)
	}
	s := &streamed{w, response.Body, bufio.NewReader(response.Body)}
	if e, err := readEvents(s.in); err != nil || e != (event{}) { // retry
		w.t.Fatalf("the stream begins with %+v (%v)", e, err)
	}
	return s
}

// next gives the next events, comments left out, as "id name".
func (s *streamed) next(n int) []event {
	s.w.t.Helper()
	var got []event
	for len(got) < n {
		e, err := readEvents(s.in)
		if err != nil {
			s.w.t.Fatalf("after %+v: %v", got, err)
		}
		if e.comment == "" {
			got = append(got, e)
		}
	}
	return got
}

func names(events []event) string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = e.id + ":" + e.name
	}
	return strings.Join(all, " ")
}

// over checks that nothing more comes.
func (s *streamed) over() {
	s.w.t.Helper()
	if e, err := readEvents(s.in); !errors.Is(err, io.EOF) {
		s.w.t.Errorf("behind the end came %+v (%v)", e, err)
	}
}

func TestStreamTellsTheJournalAsItGrows(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	id := w.start(`{"agent":"desk","prompt":"Look."}`)
	s := w.stream(id)
	if got := s.next(1); names(got) != ":state" || got[0].data != `{"state":"queued"}` {
		t.Errorf("it begins with %+v", got)
	}
	lease := w.claim(id)
	w.journal(lease, 1, bridge.EntryBrief, `{"agent":"desk","model":"m","instructions":"hidden","prompt":"Look."}`)
	got := s.next(2)
	if names(got) != ":state 1:brief" || got[0].data != `{"state":"running"}` {
		t.Errorf("then comes %+v", got)
	}
	w.journal(lease, 2, bridge.EntryAnswer, `{"model":"m-1","content":"I look.","calls":[{"id":"c1","name":"crm_find","arguments":"{}"}],"finish":"tool_calls","usage":{"prompt":1,"completion":2}}`)
	w.journal(lease, 3, bridge.EntryIntent, `{"answer":2,"index":0,"function":"crm_find","tool":"crm_find","arguments":{},"effect":"read","key":"k"}`)
	got = append(got, s.next(2)...)
	w.finish(lease, "Done.")
	got = append(got, s.next(2)...)
	if names(got[2:]) != "2:answer 3:intent 4:outcome end:end" {
		t.Errorf("the events are %s", names(got))
	}
	var r run
	answered{body: got[5].data}.as(t, &r)
	if r.ID != id || r.State != "succeeded" || r.Answer != "Done." || len(r.Calls) != 1 || r.Calls[0].Tool != "crm_find" {
		t.Errorf("the end is %s", got[5].data)
	}
	s.over()
}

func TestStreamGoesOnBehindWhatTheClientHad(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	id := w.start(`{"agent":"desk","prompt":"Look."}`)
	lease := w.claim(id)
	for seq := range int64(4) {
		w.journal(lease, seq+1, bridge.EntryNote, `{"why":"empty","text":"Say something."}`)
	}
	if got := names(w.stream(id, "Last-Event-ID", "2").next(3)); got != ":state 3:note 4:note" {
		t.Errorf("behind entry 2 comes %s", got)
	}
	if got := names(w.stream(id, "Last-Event-ID", "end").next(5)); got != ":state 1:note 2:note 3:note 4:note" {
		t.Errorf("a run that has not ended cannot have been heard to its end: %s", got)
	}
	w.finish(lease, "Done.")
	for last, want := range map[string]string{"": "1:note 2:note 3:note 4:note 5:outcome end:end", "4": "5:outcome end:end", "5": "end:end", "99": "end:end"} {
		s := w.stream(id, "Last-Event-ID", last)
		if got := names(s.next(strings.Count(want, " ") + 1)); got != want {
			t.Errorf("behind %q comes %s, want %s", last, got, want)
		}
		s.over()
	}
	if got := w.do(http.MethodGet, "/v1/runs/"+id+"?stream=true", "", "Last-Event-ID", "end"); got.status != http.StatusNoContent || got.body != "" {
		t.Errorf("who has had all of it gets %d %q", got.status, got.body)
	}
	if got := w.do(http.MethodGet, "/v1/runs/"+id+"?stream=true", "", "Last-Event-ID", "x"); got.status != http.StatusBadRequest || got.code() != "invalid_value Last-Event-ID" {
		t.Errorf("an id that is none: %d %s", got.status, got.body)
	}
	if got := w.do(http.MethodGet, "/v1/runs/"+id+"?stream=false", "", "Accept", "text/event-stream"); got.header.Get("Content-Type") != "application/json" {
		t.Errorf("stream=false gives %s", got.header.Get("Content-Type"))
	}
}

func TestSilentStreamSaysThatItIsAlive(t *testing.T) {
	w := newWorld(t, runapi.Options{KeepAlive: time.Millisecond})
	id := w.start(`{"agent":"desk","prompt":"Look."}`)
	s := w.stream(id)
	s.next(1)
	for range 2 {
		if e, err := readEvents(s.in); err != nil || e.comment == "" {
			t.Fatalf("came %+v (%v), want a comment", e, err)
		}
	}
	w.finish(w.claim(id), "Done.")
	for s.next(1)[0].name != "end" {
	}
	s.over()
}

func TestEntriesShowWhatIsTheCallersToKnow(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	id := w.start(`{"agent":"desk","prompt":"Look."}`)
	lease := w.claim(id)
	long := strings.Repeat("é", 40_000)
	for i, e := range []struct {
		kind bridge.EntryKind
		body string
	}{
		{bridge.EntryBrief, `{"agent":"desk","model":"m","fallback":["n"],"instructions":"hidden","prompt":"<Look>","tainted":true,"functions":["f"]}`},
		{bridge.EntryAnswer, `{"model":"m-1","content":"I look.","calls":[{"id":"c1","name":"f","arguments":"{"}],"finish":"tool_calls","usage":{"prompt":1,"completion":2,"cached":3,"reasoning":4},"cost_micros":5,"currency":"USD","items":[{"secret":1}]}`},
		{bridge.EntryIntent, `{"answer":2,"index":1,"call_id":"c1","function":"f","tool":"t","arguments":{"a":[1]},"effect":"money","key":"k"}`},
		{bridge.EntryResult, fmt.Sprintf(`{"answer":2,"index":1,"call_id":"c1","is_error":true,"code":"timed_out","content":%q}`, long)},
		{bridge.EntryInput, `{"messages":[{"role":"user","content":"hidden"}]}`},
		{bridge.EntryNote, `{"why":"budget","reason":"budget_turns","text":"Come to an end."}`},
		{bridge.EntryFold, `{"upto":4}`},
		{bridge.EntrySummary, `{"upto":5,"text":"It was looked.","asked":{"content":"hidden"}}`},
		{bridge.EntryDoubt, `{"answer":2,"index":1,"call_id":"c1","policy":"check","why":"It broke off."}`},
		{bridge.EntryCheck, `{"answer":2,"index":1,"tool":"look","arguments":{"a":1},"key":"k_check"}`},
		{bridge.EntryChecked, `{"answer":2,"index":1,"finding":"unclear","why":"It was an error.","content":"hidden"}`},
		{bridge.EntryDecision, `{"answer":2,"index":1,"verdict":"did_not_happen","by":"ada"}`},
		{bridge.EntryIntent, `{"answer":2,"index":1,"call_id":"c1","function":"f","tool":"t","arguments":{},"effect":"money","key":"k","policy":"check","again":1}`},
		{"new", `{"of":"a later version"}`},
	} {
		w.journal(lease, int64(i+1), e.kind, e.body)
	}
	want := []string{
		`{"seq":1,"kind":"brief","at":"2023-11-14T22:13:20.001Z","agent":"desk","model":"m","fallback":["n"],"prompt":"<Look>","untrusted":true,"functions":["f"]}`,
		`{"seq":2,"kind":"answer","at":"2023-11-14T22:13:20.002Z","model":"m-1","text":"I look.","calls":[{"id":"c1","function":"f","arguments":"{"}],"finish":"tool_calls","tokens":{"prompt":1,"completion":2,"cached":3,"reasoning":4},"cost_micros":5,"currency":"USD"}`,
		`{"seq":3,"kind":"intent","at":"2023-11-14T22:13:20.003Z","answer":2,"index":1,"function":"f","tool":"t","arguments":{"a":[1]},"effect":"money","idempotency_key":"k"}`,
		`{"seq":4,"kind":"result","at":"2023-11-14T22:13:20.004Z","answer":2,"index":1,"is_error":true,"code":"timed_out","content":"` + long[:64<<10] + `","content_bytes":80000}`,
		`{"seq":5,"kind":"input","at":"2023-11-14T22:13:20.005Z"}`,
		`{"seq":6,"kind":"note","at":"2023-11-14T22:13:20.006Z","why":"budget","reason":"budget_turns","text":"Come to an end."}`,
		`{"seq":7,"kind":"fold","at":"2023-11-14T22:13:20.007Z","upto":4}`,
		`{"seq":8,"kind":"summary","at":"2023-11-14T22:13:20.008Z","upto":5,"text":"It was looked."}`,
		`{"seq":9,"kind":"doubt","at":"2023-11-14T22:13:20.009Z","answer":2,"index":1,"policy":"check","why":"It broke off."}`,
		`{"seq":10,"kind":"check","at":"2023-11-14T22:13:20.01Z","answer":2,"index":1,"tool":"look","arguments":{"a":1}}`,
		`{"seq":11,"kind":"checked","at":"2023-11-14T22:13:20.011Z","answer":2,"index":1,"finding":"unclear","why":"It was an error."}`,
		`{"seq":12,"kind":"decision","at":"2023-11-14T22:13:20.012Z","answer":2,"index":1,"verdict":"did_not_happen","by":"ada"}`,
		`{"seq":13,"kind":"intent","at":"2023-11-14T22:13:20.013Z","answer":2,"index":1,"function":"f","tool":"t","arguments":{},"effect":"money","idempotency_key":"k","again":1}`,
		`{"seq":14,"kind":"new","at":"2023-11-14T22:13:20.014Z"}`,
	}
	var got []string
	for _, e := range w.stream(id).next(1 + len(want))[1:] {
		got = append(got, e.data)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the entries (-want +got):\n%s", diff)
	}
}
