package restmount_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/restmount"
)

func TestArgumentsAreWrittenAsTheDocumentSays(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", nil)
	for _, test := range []struct{ tool, arguments, line, body, media string }{
		{"orders_list", `{}`, "GET /v1/orders", "", ""},
		{"orders_list", `{"status":["open","paid"],"ids":[1,2],"tags":["a b","c,d"],"filter":{"city":"Ulm","total":{"gte":5}},"near":{"lat":48.40},"q":"a/b?c&d","limit":5,"cursor":null}`,
			"GET /v1/orders?filter[city]=Ulm&filter[total][gte]=5&ids=1%7C2&limit=5&near=%7B%22lat%22%3A48.40%7D&q=a/b?c%26d&status=open&status=paid&tags=a%20b%2Cc%2Cd", "", ""},
		{"getOrder", `{"id":"a/b c?d#e"}`, "GET /v1/orders/a%2Fb%20c%3Fd%23e", "", ""},
		{"createOrder", `{"customer":"ada","lines":[{"sku":"A","count":null}],"total":12345678901234567.89,"id":"x"}`, "POST /v1/orders?api-version=2026-01&id=x",
			`{"customer":"ada","lines":[{"count":null,"sku":"A"}],"total":12345678901234567.89}`, "application/json"},
		{"putOrder", `{"id":"o1","id_query":7,"id_body":"b","note":null}`, "PUT /v1/orders/o1?id=7", `{"id":"b","note":null}`, "application/json"},
		{"putOrder", `{"id":"o1"}`, "PUT /v1/orders/o1", "", ""},
		{"cancelOrder", `{"id":"o1"}`, "DELETE /v1/orders/o1", "", ""},
		{"refund", `{"id":"o1","matrix":["x","y"],"label":{"a":1,"b":2},"amount":5,"reason":"a&b=c","metadata":{"k":"v w"},"expand":["x","y"],"lines":["1","2"],"address":{"city":"Ulm"}}`,
			"POST /v1/orders/o1/refunds/;matrix=x;matrix=y/.a,1,b,2",
			"address=%7B%22city%22%3A%22Ulm%22%7D&amount=5&expand[0]=x&expand[1]=y&lines=1&lines=2&metadata[k]=v%20w&reason=a%26b%3Dc", "application/x-www-form-urlencoded"},
		{"setNote", `{"id":"o1","body":"as it is"}`, "PUT /v1/orders/o1/note", "as it is", "text/plain"},
		{"importAny", `{"body":[{"customer":"a","lines":[]}]}`, "POST /v1/import", `[{"customer":"a","lines":[]}]`, "application/json"},
	} {
		if _, err := m.call(test.tool, test.arguments); err != nil {
			t.Errorf("%s %s: %v", test.tool, test.arguments, err)
			continue
		}
		got := w.last()
		if got.line != test.line || got.body != test.body || got.header.Get("Content-Type") != test.media {
			t.Errorf("%s %s:\n%s\n%s (%s), want\n%s\n%s (%s)", test.tool, test.arguments, got.line, got.body, got.header.Get("Content-Type"), test.line, test.body, test.media)
		}
	}
}

func TestHeadersCookiesAndMultipartAreWritten(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", nil)
	if _, err := m.call("orders_list", `{"X-Trace":["a","b"],"session":"s 1"}`); err != nil {
		t.Fatal(err)
	}
	if h := w.last().header; h.Get("X-Trace") != "a,b" || h.Get("Cookie") != "session=s%201" || h.Get("User-Agent") != "drawbridge" || h.Get("Authorization") != "" {
		t.Errorf("headers %v", h)
	}
	var text string
	w.answers(func(_ http.ResponseWriter, r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(w.last().body))
		text = r.FormValue("text")
	})
	if _, err := m.call("caption", `{"text":"Hällo"}`); err != nil || text != "Hällo" {
		t.Errorf("text %q, %v", text, err)
	}
}

func TestNoArgumentLeadsToAnotherPathOrHost(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", nil)
	for _, id := range []string{"..", ".", "", "../refunds", "a/../../admin", `a\\..\\b`, `a\u0000b`, `a\nb`} {
		if _, err := m.call("cancelOrder", `{"id":"`+id+`"}`); tools.CodeOf(err) != tools.Invalid {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := m.call("orders_list", `{"X-Trace":["a\r\nX-Evil: 1"]}`); tools.CodeOf(err) != tools.Invalid {
		t.Errorf("a header with a line break: %v", err)
	}
	if _, err := m.call("getOrder", `{}`); tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), `"id" is missing`) {
		t.Errorf("without an id: %v", err)
	}
	if got := w.requests(); len(got) != 0 {
		t.Errorf("the API was asked %v", got)
	}
}

func TestFixedValuesAreNoArguments(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) {
		s.Fixed = map[string]string{"customer": "acct_1", "id": "o9", "limit": "3"}
		s.Headers = map[string]string{"X-Trace": "ours"}
	})
	if schema := string(m.definition("createOrder").InputSchema); strings.Contains(schema, `"customer":{"description"`) && strings.Contains(schema, `"required":["customer"`) {
		t.Errorf("the customer is still asked for: %s", schema)
	}
	if _, err := m.call("createOrder", `{"lines":[]}`); err != nil || w.last().body != `{"customer":"acct_1","lines":[]}` {
		t.Errorf("sent %s, %v", w.last().body, err)
	}
	if _, err := m.call("cancelOrder", `{"id":"another"}`); err != nil || w.last().line != "DELETE /v1/orders/o9" {
		t.Errorf("sent %s, %v", w.last().line, err)
	}
	if _, err := m.call("orders_list", `{}`); err != nil || w.last().line != "GET /v1/orders?limit=3" || w.last().header.Get("X-Trace") != "ours" {
		t.Errorf("sent %s, %v", w.last().line, err)
	}
}

func TestWritesCarryTheKeyWhereTheAPITakesOne(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) { s.IdempotencyHeader = "Idempotency-Key" })
	ctx := tools.WithKey(t.Context(), "key-1")
	for _, name := range []string{"createOrder", "orders_list"} {
		if _, err := m.list[name].Call(ctx, []byte(`{"customer":"a","lines":[]}`)); err != nil {
			t.Fatal(err)
		}
	}
	got := w.requests()
	if got[0].header.Get("Idempotency-Key") != "key-1" || got[1].header.Get("Idempotency-Key") != "" {
		t.Errorf("the write had %q, the read %q", got[0].header.Get("Idempotency-Key"), got[1].header.Get("Idempotency-Key"))
	}
	if d := m.definition("createOrder"); d.Annotations["idempotentHint"] != true {
		t.Errorf("annotations %v", d.Annotations)
	}
	if d := w.mount("testdata/shop.yaml", nil).definition("createOrder"); d.Annotations["idempotentHint"] != false || d.Annotations["readOnlyHint"] != false {
		t.Errorf("without the setting: %v", d.Annotations)
	}
}

func TestStatusesBecomeCodes(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", nil)
	for _, test := range []struct {
		status      int
		header      string
		read, write tools.Code
		after       time.Duration
	}{
		{400, "", tools.Invalid, tools.Invalid, 0},
		{401, "", tools.Denied, tools.Denied, 0},
		{402, "", tools.Failed, tools.Failed, 0},
		{403, "", tools.Denied, tools.Denied, 0},
		{403, "Retry-After: 7", tools.RateLimited, tools.RateLimited, 7 * time.Second},
		{404, "", tools.NotFound, tools.NotFound, 0},
		{408, "", tools.Unavailable, tools.OutcomeUnknown, 0},
		{409, "", tools.Conflict, tools.Conflict, 0},
		{410, "", tools.NotFound, tools.NotFound, 0},
		{412, "", tools.Conflict, tools.Conflict, 0},
		{413, "", tools.Invalid, tools.Invalid, 0},
		{418, "", tools.Failed, tools.Failed, 0},
		{422, "", tools.Invalid, tools.Invalid, 0},
		{429, "Retry-After: 3", tools.RateLimited, tools.RateLimited, 3 * time.Second},
		{429, "Retry-After: soon", tools.RateLimited, tools.RateLimited, 0},
		{500, "", tools.Unavailable, tools.OutcomeUnknown, 0},
		{503, "Retry-After: 5", tools.Unavailable, tools.OutcomeUnknown, 5 * time.Second},
		{302, "Location: https://evil.example/x?token=secret", tools.Failed, tools.Failed, 0},
	} {
		w.answers(func(out http.ResponseWriter, _ *http.Request) {
			if name, value, ok := strings.Cut(test.header, ": "); ok {
				out.Header().Set(name, value)
			}
			out.Header().Set("Content-Type", "application/json")
			out.WriteHeader(test.status)
			_, _ = io.WriteString(out, `{"error":{"message":"the vendor's own words","code":"no_luck"}}`)
		})
		for name, want := range map[string]tools.Code{"getOrder": test.read, "cancelOrder": test.write} {
			_, err := m.call(name, `{"id":"o1"}`)
			if tools.CodeOf(err) != want || !strings.Contains(err.Error(), "shop__"+name) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%d, %s: %v, want %s", test.status, name, err, want)
				continue
			}
			if test.status >= 400 && (!strings.Contains(err.Error(), "the vendor's own words") || !strings.Contains(err.Error(), "no_luck")) {
				t.Errorf("%d: %v lacks what the vendor said", test.status, err)
			}
			if e := tools.AsError(err); e.RetryAfter != test.after {
				t.Errorf("%d, %s: to be retried after %v, want %v", test.status, name, e.RetryAfter, test.after)
			}
		}
	}
}

func TestLostAnswerOfAWriteIsUnknownAndOneThatWasNotSentIsNot(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", nil)
	w.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for name, want := range map[string]tools.Code{"cancelOrder": tools.OutcomeUnknown, "getOrder": tools.Unavailable} {
		if _, err := m.call(name, `{"id":"o1"}`); tools.CodeOf(err) != want {
			t.Errorf("%s, connection cut: %v, want %s", name, err, want)
		}
	}
	w.answers(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(out, "{")
	})
	if _, err := m.call("cancelOrder", `{"id":"o1"}`); tools.CodeOf(err) != tools.OutcomeUnknown {
		t.Errorf("an answer that breaks off: %v", err)
	}
	w.server.Close()
	for _, name := range []string{"cancelOrder", "getOrder"} {
		if _, err := m.call(name, `{"id":"o1"}`); tools.CodeOf(err) != tools.Unavailable || !strings.Contains(err.Error(), "did not reach") {
			t.Errorf("%s, nobody there: %v", name, err)
		}
	}
}

// TestCallThatIsGivenUpIsNotTakenForUndone: the API has it, and the caller is gone.
func TestCallThatIsGivenUpIsNotTakenForUndone(t *testing.T) {
	w := newWorld(t)
	m := w.mount("testdata/shop.yaml", nil)
	over := make(chan struct{})
	defer close(over)
	for name, want := range map[string]tools.Code{"cancelOrder": tools.OutcomeUnknown, "getOrder": tools.Unavailable} {
		ctx, cancel := context.WithCancel(t.Context())
		w.answers(func(http.ResponseWriter, *http.Request) {
			cancel()
			<-over
		})
		if _, err := m.list[name].Call(ctx, []byte(`{"id":"o1"}`)); tools.CodeOf(err) != want || !strings.Contains(err.Error(), "did not wait") {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestReadsFollowRedirectsAtHomeOnly(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	m := w.mount("testdata/shop.yaml", func(s *restmount.Settings) { s.Auth.Bearer = "a-secret-token" })
	to := "/v1/orders/o2"
	w.answers(func(out http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/o1") {
			http.Redirect(out, r, to, http.StatusTemporaryRedirect)
		}
	})
	if _, err := m.call("getOrder", `{"id":"o1"}`); err != nil || w.last().line != "GET /v1/orders/o2" || w.last().header.Get("Authorization") == "" {
		t.Errorf("a read at home: %v, %v", w.last(), err)
	}
	if _, err := m.call("cancelOrder", `{"id":"o1"}`); tools.CodeOf(err) != tools.Failed || w.last().line != "DELETE /v1/orders/o1" {
		t.Errorf("a write: %v, %v", w.last(), err)
	}
	to = other.server.URL + "/v1/orders/o2"
	if _, err := m.call("getOrder", `{"id":"o1"}`); tools.CodeOf(err) != tools.Failed || len(other.requests()) != 0 {
		t.Errorf("a read that is led elsewhere: %v; the other host was asked %v", err, other.requests())
	}
}

func TestCallsOfOneDocumentAreNamedByWhatTheyDo(t *testing.T) {
	m := newWorld(t).mount("testdata/shop.yaml", func(s *restmount.Settings) { s.BaseURL = "" })
	got := restmount.Aliases(m.list["orders_list"].JSON)
	if want := []string{"GET /orders", "/orders", "orders/list", "tag:orders"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestFormOfWhichNothingIsGivenIsStillAForm: Stripe's mock refuses what has no Content-Type.
func TestFormOfWhichNothingIsGivenIsStillAForm(t *testing.T) {
	w := newWorld(t)
	form := "{content: {application/x-www-form-urlencoded: {schema: {type: object, properties: %s}}}}"
	m := w.mount(document(t, "  /x: {post: {operationId: some, requestBody: "+strings.Replace(form, "%s", "{a: {type: string}}", 1)+", responses: {}}}\n"+
		"  /y: {post: {operationId: none, requestBody: "+strings.Replace(form, "%s", "{}", 1)+", responses: {}}}\n"), nil)
	for _, name := range []string{"some", "none"} {
		if _, err := m.call(name, `{}`); err != nil || w.last().body != "" || w.last().header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s: sent %+v, %v", name, w.last(), err)
		}
	}
}
