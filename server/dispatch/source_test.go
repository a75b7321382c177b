package dispatch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
)

// sourceOf is a compiled source named shop.
func sourceOf(t testing.TB, s dispatch.Source, routes ...dispatch.Route) *dispatch.Source {
	t.Helper()
	s.Name = "shop"
	for i := range routes {
		routes[i].Source = s.Name
		if err := routes[i].Compile(); err != nil {
			t.Fatal(err)
		}
		s.Routes = append(s.Routes, &routes[i])
	}
	return &s
}

func briefBy(s *dispatch.Source, event dispatch.StoredEvent) dispatch.Routing {
	return s.Brief(event, event.ReceivedAt, func() string { return dispatch.NewID("run_") })
}

// vias names the routes that made runs.
func vias(r dispatch.Routing) string {
	var all []string
	for _, run := range r.Runs {
		all = append(all, run.Via)
	}
	return strings.Join(all, " ")
}

func TestFirstRouteOrEachMakesARun(t *testing.T) {
	routes := func() []dispatch.Route {
		return []dispatch.Route{
			{Name: "refunds", Agent: "billing", When: `event.kind == "refund"`, Prompt: "Refund."},
			{Agent: "audit", When: "has(event.kind)", Prompt: "Look."},
			{Name: "broken", Agent: "audit", When: "has(event.odd)", Prompt: "{{ .event.missing }}"},
		}
	}
	for name, c := range map[string]struct {
		all        bool
		body, vias string
		status     dispatch.EventStatus
		note       string
	}{
		"first": {false, `{"kind":"refund"}`, "refunds", dispatch.Routed, ""},
		"first that takes it": {false, `{"kind":"sale"}`, "audit", dispatch.Routed,
			"route refunds: when: the condition does not hold"},
		"each": {true, `{"kind":"refund"}`, "refunds audit", dispatch.Routed,
			"route broken: when: the condition does not hold"},
		"none": {true, `{}`, "", dispatch.Ignored,
			"route refunds: when: no such key: kind; route audit: when: the condition does not hold; route broken: when: the condition does not hold"},
		"one of them fails": {true, `{"kind":"sale","odd":1}`, "audit", dispatch.Faulty,
			"route broken: prompt: prompt:1:9: executing \"prompt\" at <.event.missing>: map has no entry for key \"missing\""},
	} {
		t.Run(name, func(t *testing.T) {
			got := briefBy(sourceOf(t, dispatch.Source{All: c.all}, routes()...), stored(c.body))
			if got.Status != c.status || vias(got) != c.vias || !strings.HasSuffix(got.Note, c.note) || (c.note == "") != (got.Note == "") {
				t.Errorf("%s by %q, %q; want %s by %q, %q", got.Status, vias(got), got.Note, c.status, c.vias, c.note)
			}
			for i, run := range got.Runs {
				if run.ID == "" || i > 0 && run.ID == got.Runs[0].ID {
					t.Errorf("run %d has the id %q", i, run.ID)
				}
			}
		})
	}
}

func TestKeyOfAnEventIsItsSubject(t *testing.T) {
	for name, c := range map[string]struct{ body, subject, note string }{
		"text":                    {`{"id":"cus_1"}`, "shop/billing:cus_1", ""},
		"number":                  {`{"id":17}`, "shop/billing:17", ""},
		"fraction":                {`{"id":1.5}`, "shop/billing:1.5", ""},
		"truth":                   {`{"id":true}`, "shop/billing:true", ""},
		"missing":                 {`{}`, "", "order_by: no such key: id; its run keeps no order"},
		"null":                    {`{"id":null}`, "", "order_by: the key gives null_type, not a text, a number, or true or false; its run keeps no order"},
		"empty":                   {`{"id":""}`, "", "order_by: the key is an empty text; its run keeps no order"},
		"list":                    {`{"id":[1]}`, "", "order_by: the key gives list, not a text"},
		"too long to be repeated": {`{"id":"` + strings.Repeat("x", 300) + `"}`, "shop/billing:sha256:db3bee72e2a3b0fdef6d4e4ee5fdba7ff0d2cae35c3baac0bae5daf5c3b6e58d", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := briefBy(sourceOf(t, dispatch.Source{}, dispatch.Route{Agent: "billing", OrderBy: "event.id", Prompt: "Look."}), stored(c.body))
			if got.Status != dispatch.Routed || !strings.HasPrefix(got.Note, c.note) || (c.note == "") != (got.Note == "") {
				t.Fatalf("%s, %q; want it routed, %q", got.Status, got.Note, c.note)
			}
			subject := got.Runs[0].Subject
			if name == "too long to be repeated" {
				if len(subject) != len(c.subject) || !strings.HasPrefix(subject, "shop/billing:sha256:") {
					t.Errorf("the subject is %q, want a hash", subject)
				}
			} else if subject != c.subject {
				t.Errorf("the subject is %q, want %q", subject, c.subject)
			}
		})
	}
}

// Where the key cannot be told, nobody knows what an event would take the place of.
func TestEventWithoutAKeyTakesNobodysPlace(t *testing.T) {
	source := sourceOf(t, dispatch.Source{}, dispatch.Route{Agent: "billing", OrderBy: "event.id", Debounce: time.Minute, Prompt: "Look."})
	if run := briefBy(source, stored(`{}`)).Runs[0]; run.Debounce != "" || run.StartAt.IsZero() {
		t.Errorf("the run is debounced as %q and starts at %v, want it alone and delayed", run.Debounce, run.StartAt)
	}
	if run := briefBy(source, stored(`{"id":1}`)).Runs[0]; run.Debounce != "shop/billing:1" {
		t.Errorf("the run is debounced as %q, want by its subject", run.Debounce)
	}
}

func TestRouteSaysHowItsRunsAreCarried(t *testing.T) {
	event := stored(`{"id":"cus_1"}`)
	at := event.ReceivedAt
	route := dispatch.Route{Name: "slow", Agent: "billing", Prompt: "Look.", Delay: time.Minute, Debounce: 10 * time.Second, Priority: dispatch.High,
		Budget: bridge.Budget{Turns: 2}, Target: "shop/slow"}
	got := briefBy(sourceOf(t, dispatch.Source{}, route), event)
	want := []dispatch.NewRun{{ID: got.Runs[0].ID, Agent: "billing", Via: "slow", Source: "shop", Event: "evt_1", Prompt: got.Runs[0].Prompt, Tainted: true,
		Route: "shop/slow", Priority: dispatch.High, Budget: bridge.Budget{Turns: 2}, Debounce: "shop/slow", StartAt: at.Add(time.Minute), StartBy: at.Add(100 * time.Second)}}
	if diff := cmp.Diff(want, got.Runs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	event.Replay = 1
	now := at.Add(20 * 24 * time.Hour)
	again := sourceOf(t, dispatch.Source{}, route).Brief(event, now, func() string { return "run_1" })
	if start := again.Runs[0].StartAt; !start.Equal(now.Add(time.Minute)) {
		t.Errorf("a replay begins at %v, want a minute after it was asked for", start)
	}
}

func TestING20_EventThatDoesNotFitItsSchema(t *testing.T) {
	schema := json.RawMessage(`{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"lines":{"type":"array","items":{"$ref":"#/$defs/line"}}},
		"$defs":{"line":{"type":"object","required":["price"]}}}`)
	compiled, err := dispatch.CompileSchema(schema)
	if err != nil {
		t.Fatal(err)
	}
	const note = `schema: /id: expected integer, but got string; /lines/1: missing properties: 'price'`
	for validate, want := range map[dispatch.Validation]struct {
		status dispatch.EventStatus
		note   string
	}{
		dispatch.ValidateOff:        {dispatch.Routed, ""},
		dispatch.ValidateWarn:       {dispatch.Routed, note},
		dispatch.ValidateQuarantine: {dispatch.Quarantined, note},
		dispatch.ValidateReject:     {dispatch.Rejected, note},
	} {
		source := sourceOf(t, dispatch.Source{Schema: compiled, Validate: validate}, dispatch.Route{Agent: "billing", Prompt: "Look."})
		got := briefBy(source, stored(`{"id":"x","lines":[{"price":1},{}]}`))
		if got.Status != want.status || got.Note != want.note || (len(got.Runs) > 0) != (want.status == dispatch.Routed) {
			t.Errorf("%s: %s with %d runs, %q; want %s, %q", validate, got.Status, len(got.Runs), got.Note, want.status, want.note)
		}
		if fits := briefBy(source, stored(`{"id":12345678901234567890,"lines":[{"price":1}]}`)); fits.Status != dispatch.Routed || fits.Note != "" {
			t.Errorf("%s: an event that fits is %s, %q", validate, fits.Status, fits.Note)
		}
	}
}

// ING-20: what was quarantined is there to be replayed once the schema is mended.
func TestING20_QuarantinedEventIsReplayedAfterTheSchemaIsMended(t *testing.T) {
	w := newWorld(t)
	shop := w.settings.Sources["shop"]
	schema := func(text string) {
		t.Helper()
		var err error
		if shop.Schema, err = dispatch.CompileSchema(json.RawMessage(text)); err != nil {
			t.Fatal(err)
		}
	}
	schema(`{"required":["customer"]}`)
	shop.Validate = dispatch.ValidateQuarantine
	event := w.accept(`{"type":"paid"}`)
	w.until("event quarantined")
	if runs, err := w.store.Runs(t.Context(), event, 10); err != nil || len(runs) != 0 {
		t.Fatalf("%d runs of it (%v)", len(runs), err)
	}
	schema(`{"required":["type"]}`)
	if err := w.store.Replay(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	w.until("run succeeded")
	if e, err := w.store.Event(t.Context(), event); err != nil || e.Status != dispatch.Routed || string(e.Body) != `{"type":"paid"}` {
		t.Errorf("the event is %+v (%v)", e, err)
	}
}

func TestFormIsHeldAgainstASchemaAsAnObjectOfTexts(t *testing.T) {
	compiled, err := dispatch.CompileSchema(json.RawMessage(`{"properties":{"token":{"const":"abc"}},"required":["token"]}`))
	if err != nil {
		t.Fatal(err)
	}
	source := sourceOf(t, dispatch.Source{Schema: compiled, Validate: dispatch.ValidateReject}, dispatch.Route{Agent: "billing", Prompt: "Look."})
	for body, want := range map[string]dispatch.EventStatus{"token=abc&x=1": dispatch.Routed, "token=abd": dispatch.Rejected, "x=1": dispatch.Rejected} {
		event := stored(body)
		event.ContentType = form
		if got := briefBy(source, event); got.Status != want {
			t.Errorf("%s is %s (%s), want %s", body, got.Status, got.Note, want)
		}
	}
}

// A schema that takes for ever over an event holds nobody up: the event waits for a
// person, because nobody knows whether it fits.
func TestEndlessCheckIsQuarantined(t *testing.T) {
	// Each definition asks for the one before twice: 2^60 steps.
	var defs strings.Builder
	for i := range 60 {
		defs.WriteString(strings.NewReplacer("N", itoa(i), "M", itoa(i+1)).Replace(`"dN":{"allOf":[{"$ref":"#/$defs/dM"},{"$ref":"#/$defs/dM"}]},`))
	}
	compiled, err := dispatch.CompileSchema(json.RawMessage(`{"$ref":"#/$defs/d00","$defs":{` + defs.String() + `"d60":{}}}`))
	if err != nil {
		t.Fatal(err)
	}
	dispatch.LimitCheck(compiled, time.Millisecond)
	for validate, want := range map[dispatch.Validation]dispatch.EventStatus{
		dispatch.ValidateWarn: dispatch.Routed, dispatch.ValidateQuarantine: dispatch.Quarantined, dispatch.ValidateReject: dispatch.Quarantined,
	} {
		got := briefBy(sourceOf(t, dispatch.Source{Schema: compiled, Validate: validate}, dispatch.Route{Agent: "billing", Prompt: "Look."}), stored(`{}`))
		if got.Status != want || got.Note != "schema: checking it takes too long" {
			t.Errorf("%s: %s, %q; want %s", validate, got.Status, got.Note, want)
		}
	}
}

func itoa(n int) string { return string(rune('0'+n/10)) + string(rune('0'+n%10)) }

func TestPromptMistakesHaveTheirColumn(t *testing.T) {
	for prompt, want := range map[string]dispatch.SettingError{
		`See {{ ask .event }}.`:                    {Field: "prompt", Line: 1, Column: 8, Message: `function "ask" not defined`},
		"Sée\n ü {{ .event.id }} {{ .evnt.id }}":   {Field: "prompt", Line: 2, Column: 23, Message: "there is no .evnt; a prompt has .event, .headers, .source, .id, .response"},
		`{{ if .evnt }}x{{ end }}`:                 {Field: "prompt", Line: 1, Column: 7, Message: "there is no .evnt; a prompt has .event, .headers, .source, .id, .response"},
		`x {{ $y }}`:                               {Field: "prompt", Line: 1, Column: 6, Message: `undefined variable "$y"`},
		`x {{ end }}`:                              {Field: "prompt", Line: 1, Column: 3, Message: "unexpected {{end}}"},
		`{{ range .event.a }}{{ .b }}{{ end }} {{`: {Field: "prompt", Line: 1, Column: 1, Message: "unclosed action"},
	} {
		route := dispatch.Route{Prompt: prompt}
		found := mistakes(route.Compile())
		if len(found) != 1 || *found[0] != want {
			t.Errorf("%q: %v, want %v", prompt, found, &want)
		}
	}
}

func TestING28_PromptSaysThatTheEventMayBeStale(t *testing.T) {
	event := stored(`{}`)
	event.ProviderAt = time.Date(2026, 1, 1, 23, 0, 0, 0, time.FixedZone("", 3600))
	prompt := prompted(t, dispatch.Route{Prompt: "Look."}, event)
	for _, want := range []string{"It arrived at 2026-01-02T03:04:05Z, and by its sender's clock it is of 2026-01-01T22:00:00Z. It may be stale by now",
		"before you act on a fact in it, fetch that fact again with your tools."} {
		if !strings.Contains(prompt, want) {
			t.Errorf("the prompt does not say %q:\n%s", want, prompt)
		}
	}
}

// The bound is the run's own from when it was made: settings that change do not change
// a run under way.
func TestRouteBoundsItsRuns(t *testing.T) {
	w := newWorld(t)
	route := w.settings.Sources["shop"].Routes[0]
	route.Budget = bridge.Budget{Turns: 1}
	w.accept(`{"type":"a"}`)
	session := w.session
	w.session = func(context.Context, dispatch.Run) (context.Context, *bridge.Session, error) {
		return nil, nil, errors.New("not yet") // the first worker does no more than to route the event
	}
	w.until("event routed", "run waiting")
	w.session, route.Budget = session, bridge.Budget{}
	w.pass(time.Hour)
	w.until("run failed")
	if run := w.onlyRun(); run.Reason != string(bridge.BudgetTurns) || run.Budget.Turns != 1 {
		t.Errorf("the run ended for %q under %+v, want %s", run.Reason, run.Budget, bridge.BudgetTurns)
	}
}

// ING-14: the time that was signed is judged once, at the door. A replay takes the event
// as it was stored, with whose secret had verified it.
func TestING14_ReplayOfAnOldEventIsNotVerifiedAgain(t *testing.T) {
	w := newWorld(t)
	signed := w.clock()
	v, err := webhook.NewVerifier(webhook.Standard, []webhook.Secret{{Value: secret}}, webhook.SchemeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := webhook.NewHandler([]webhook.Source{{Name: "shop", Verifier: v}}, w.store, webhook.Options{Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(id string) *httptest.ResponseRecorder {
		body := []byte(`{"type":"paid"}`)
		header, err := webhook.Sign(webhook.Standard, secret, webhook.Outgoing{ID: id, At: signed, Body: body}, webhook.SchemeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/webhooks/shop", bytes.NewReader(body))
		r.Header = header
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		return answer
	}
	var told struct{ ID string }
	if answer := deliver("msg_1"); answer.Code != http.StatusOK || json.Unmarshal(answer.Body.Bytes(), &told) != nil {
		t.Fatalf("answered %d %s", answer.Code, answer.Body)
	}
	w.until("run succeeded")
	w.pass(20 * 24 * time.Hour)
	if answer := deliver("msg_2"); answer.Code != http.StatusUnauthorized {
		t.Errorf("what was signed 20 days ago is answered %d at the door, want 401", answer.Code)
	}
	if err := w.store.Replay(t.Context(), told.ID); err != nil {
		t.Fatal(err)
	}
	w.until("run succeeded")
	runs, err := w.store.Runs(t.Context(), told.ID, 10)
	if err != nil || len(runs) != 2 {
		t.Errorf("%d runs (%v), want the first one and its replay", len(runs), err)
	}
	if e, err := w.store.Event(t.Context(), told.ID); err != nil || e.VerifiedBy != "secret 1 of 1" || e.Key != "msg_1" {
		t.Errorf("the event is %+v (%v)", e, err)
	}
}
