package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/tools"
)

// far is a mounted server whose tools do what the test says.
type far struct {
	*guard.Guard
	catalog *tools.Catalog
	ledger  *guardtest.Ledger

	mu    sync.Mutex
	log   strings.Builder
	calls []string // arguments, one for each call
	do    func(ctx context.Context) (json.RawMessage, error)
}

func (f *far) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(line)
}

func (f *far) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

func newFar(o guard.Options) *far {
	f := &far{catalog: tools.NewCatalog(), ledger: guardtest.NewLedger()}
	f.do = func(context.Context) (json.RawMessage, error) { return json.RawMessage(`{"content":[]}`), nil }
	o.Log = slog.New(slog.NewTextHandler(f, nil))
	f.Guard = guard.New(f.catalog, f.ledger, o)
	return f
}

func (f *far) tool(name string, effect tools.Effect, schema string) tools.Tool {
	return tools.Mounted(tools.Tool{Name: "far__" + name, Effect: effect, Input: json.RawMessage(schema)},
		func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
			f.mu.Lock()
			f.calls = append(f.calls, string(arguments))
			do := f.do
			f.mu.Unlock()
			return do(ctx)
		})
}

func (f *far) mount(t testing.TB, list ...tools.Tool) {
	t.Helper()
	if err := f.catalog.Mount("far", list); err != nil {
		t.Fatal(err)
	}
}

var anyone = auth.Principal{Kind: auth.Key, Name: "anyone", Tools: []string{"*"}, Effects: auth.AllEffects()}

func farCall(tool, arguments, key string) guard.Call {
	return guard.Call{Principal: anyone, Door: auth.DoorHTTP, Tool: "far__" + tool, Arguments: json.RawMessage(arguments), Key: key}
}

func TestGuardFollowsTheCatalog(t *testing.T) {
	f := newFar(guard.Options{})
	picky := auth.Principal{Kind: auth.Key, Name: "picky", Tools: []string{"far__Get-*"}}
	if f.Visible(picky, "far__Get-It.v2") {
		t.Error("a tool is seen that nobody mounted")
	}
	f.mount(t, f.tool("Get-It.v2", tools.Read, `{}`), f.tool("Put", tools.Write, `{}`))
	if !f.Visible(picky, "far__Get-It.v2") || f.Visible(picky, "far__Put") {
		t.Error("patterns do not hold for mounted tools")
	}
	if result := f.Call(t.Context(), farCall("Get-It.v2", `{}`, "")); result.Err != nil || !result.Mounted {
		t.Errorf("got %+v", result)
	}
	f.mount(t)
	if result := f.Call(t.Context(), farCall("Get-It.v2", `{}`, "")); code(result) != tools.Denied || f.Visible(picky, "far__Get-It.v2") {
		t.Errorf("got %+v for a tool that has gone", result)
	}
	if rows := f.ledger.Rows(); len(rows) != 2 || rows[0].Effect != tools.Read || rows[1].Decision != guard.Refused {
		t.Errorf("rows %+v", rows)
	}
}

func TestArgumentsOfAMountedToolAreCheckedByItsOwnDraft(t *testing.T) {
	for _, test := range []struct{ name, schema, fits, wrong string }{
		{"2020-12", `{"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"a":{"prefixItems":[{"type":"string"}]}}}`, `{"a":["x",1]}`, `{"a":[1]}`},
		{"draft 7, named", `{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"a":{"items":[{"type":"string"}]}}}`, `{"a":["x"]}`, `{"a":[1]}`},
		{"draft 7, not named", `{"properties":{"a":{"items":[{"type":"string"}]}}}`, `{"a":["x",1]}`, `{"a":[1]}`},
		{"draft 4, not named", `{"properties":{"a":{"type":"number","minimum":1,"exclusiveMinimum":true}}}`, `{"a":2}`, `{"a":1}`},
		{"no type at the root", `{"required":["a"]}`, `{"a":null}`, `{}`},
		{"a schema that is true", `true`, `{"a":1}`, `[]`},
		{"a schema that is false", `false`, ``, `{"a":1}`},
		{"recursion", `{"properties":{"next":{"$ref":"#"},"n":{"type":"integer"}}}`, `{"next":{"next":{"n":1}}}`, `{"next":{"next":{"n":"1"}}}`},
	} {
		f := newFar(guard.Options{})
		f.mount(t, f.tool("t", tools.Read, test.schema))
		if test.fits != "" {
			if result := f.Call(t.Context(), farCall("t", test.fits, "")); result.Err != nil {
				t.Errorf("%s: %s is refused: %v", test.name, test.fits, result.Err)
			}
		}
		if result := f.Call(t.Context(), farCall("t", test.wrong, "")); code(result) != tools.Invalid {
			t.Errorf("%s: %s is let through: %+v", test.name, test.wrong, result)
		}
		if f.logged() != "" {
			t.Errorf("%s: log %s", test.name, f.logged())
		}
	}
}

func TestSchemaThatCannotBeCheckedLeavesTheToolUsable(t *testing.T) {
	for name, schema := range map[string]string{
		"not JSON":             `{"type":`,
		"nothing":              ``,
		"null":                 `null`,
		"no schema":            `[1]`,
		"an unknown type":      `{"type":"dict"}`,
		"a lookaround pattern": `{"properties":{"a":{"pattern":"(?=x)"}}}`,
		"a remote $ref":        `{"properties":{"a":{"$ref":"https://example.com/schema.json"}}}`,
		"a file's $ref":        `{"$ref":"file:///etc/passwd"}`,
		"a dangling $ref":      `{"$ref":"#/$defs/none"}`,
		"an unknown draft":     `{"$schema":"https://example.com/draft"}`,
		"too many levels":      strings.Repeat(`{"not":`, 5000) + `{}` + strings.Repeat(`}`, 5000),
		"too many bytes":       `{"description":"` + strings.Repeat("x", 1<<20) + `"}`,
		"too many objects":     `{"allOf":[` + strings.Repeat(`{},`, 2000) + `{}]}`,
		"a number too large":   `{"minimum":1e999999999}`,
		"an endless reference": `{"$ref":"#"}`,
	} {
		f := newFar(guard.Options{})
		f.mount(t, f.tool("t", tools.Read, schema))
		if result := f.Call(t.Context(), farCall("t", `{"a":"anything"}`, "")); result.Err != nil {
			t.Errorf("%s: %v", name, result.Err)
		}
		if result := f.Call(t.Context(), farCall("t", `"text"`, "")); code(result) != tools.Invalid || !strings.Contains(result.Err.Message, "expected an object") {
			t.Errorf("%s: arguments that are no object: %+v", name, result)
		}
		f.mount(t, f.tool("t", tools.Read, schema)) // listed again
		f.Call(t.Context(), farCall("t", `{}`, ""))
		if got := strings.Count(f.logged(), "leaving the arguments of a mounted tool to its server to check"); got != 1 && name != "an endless reference" {
			t.Errorf("%s: logged %d times: %s", name, got, f.logged())
		}
		if len(f.logged()) > 4000 {
			t.Errorf("%s: %d bytes of log", name, len(f.logged()))
		}
	}
}

func TestFormatsOfAMountedToolAreNotAsserted(t *testing.T) {
	f := newFar(guard.Options{})
	for _, draft := range []string{"http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"} {
		f.mount(t, f.tool("t", tools.Read, `{"$schema":"`+draft+`","properties":{
			"u":{"format":"uri"},"e":{"format":"email"},"c":{"contentEncoding":"base64","contentMediaType":"application/json"}}}`))
		if result := f.Call(t.Context(), farCall("t", `{"u":"not a uri","e":"nobody","c":"%%"}`, "")); result.Err != nil {
			t.Errorf("%s: %v", draft, result.Err)
		}
	}
}

// OpenAPI 3.0 has a word of its own for null, and many a schema comes from there.
func TestNullableOfAMountedToolMeansNull(t *testing.T) {
	f := newFar(guard.Options{})
	f.mount(t, f.tool("note", tools.Read, `{"type":"object","properties":{"text":{"type":"string","nullable":true},
		"kind":{"type":"string","enum":["a"],"nullable":true},"by":{"type":"string","nullable":false},"nullable":{"type":"boolean"}}}`))
	for arguments, fits := range map[string]bool{
		`{"text":null,"kind":null}`: true, `{"text":"x","kind":"a","nullable":true}`: true,
		`{"text":1}`: false, `{"kind":"b"}`: false, `{"by":null}`: false, `{"nullable":null}`: false,
	} {
		if result := f.Call(t.Context(), farCall("note", arguments, "")); (result.Err == nil) != fits {
			t.Errorf("%s: %v", arguments, result.Err)
		}
	}
}

// Nothing would ever fit such a schema, and its tool could never be called.
func TestEnumThatContradictsItsTypeDoesNotCount(t *testing.T) {
	f := newFar(guard.Options{})
	f.mount(t, f.tool("measure", tools.Read, `{"type":"object","properties":{"metrics":{"type":"array","items":{"type":"string"},"enum":["trust","value"]},
		"unit":{"type":"string","enum":["cm","mm",5]},"level":{"type":"string","enum":[1,2]}}}`))
	for arguments, fits := range map[string]bool{
		`{"metrics":["trust"]}`: true, `{"metrics":"trust"}`: false, `{"metrics":[1]}`: false, `{"unit":"mm"}`: true, `{"unit":"km"}`: false, `{"unit":5}`: false,
		`{"level":2}`: true, `{"level":3}`: false,
	} {
		if result := f.Call(t.Context(), farCall("measure", arguments, "")); (result.Err == nil) != fits {
			t.Errorf("%s: %v", arguments, result.Err)
		}
	}
}

func TestArgumentsReachAMountedToolByteForByte(t *testing.T) {
	f := newFar(guard.Options{})
	f.mount(t, f.tool("t", tools.Read, `{}`))
	for sent, want := range map[string]string{
		`{ "n": 1.00, "big": 12345678901234567890, "s": "\u00e9<" }`: `{ "n": 1.00, "big": 12345678901234567890, "s": "\u00e9<" }`,
		``: `{}`,
	} {
		f.calls = nil
		f.Call(t.Context(), farCall("t", sent, ""))
		if len(f.calls) != 1 || f.calls[0] != want {
			t.Errorf("sent %s, got %q", sent, f.calls)
		}
	}
}

func TestResultOfAMountedToolIsPassedOnWhole(t *testing.T) {
	const whole = `{"content":[{"type":"image","data":"aGk=","mimeType":"image/png","annotations":{"priority":0.5}},` +
		`{"type":"hologram","beams":12345678901234567890},{"type":"text","text":"a\ud83db"}],` +
		`"structuredContent":{"n":1.0,"list":[]},"_meta":{"vendor/x":1.50,"drawbridge/repeated":true,"io.modelcontextprotocol/serverInfo":{"name":"liar"}}}`
	f := newFar(guard.Options{})
	f.do = func(context.Context) (json.RawMessage, error) { return json.RawMessage(whole), nil }
	f.mount(t, f.tool("t", tools.Write, `{}`))
	content := `"content":[{"type":"image","data":"aGk=","mimeType":"image/png","annotations":{"priority":0.5}},` +
		`{"type":"hologram","beams":12345678901234567890},{"type":"text","text":"a\ufffdb"}],"structuredContent":{"n":1.0,"list":[]}}`
	for i, want := range []string{`{"_meta":{"vendor/x":1.50},` + content, `{"_meta":{"drawbridge/repeated":true,"vendor/x":1.50},` + content} {
		request := mcp.CallToolRequest{}
		request.Params.Name = "far__t"
		request.Params.Meta = mcp.NewMetaFromMap(map[string]any{guard.MetaKey: "k"})
		result, err := f.Handle(auth.With(t.Context(), anyone), request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(result)
		if err != nil || string(got) != want {
			t.Errorf("call %d: %v\n got %s\nwant %s", i, err, got, want)
		}
	}
	if len(f.calls) != 1 {
		t.Errorf("%d calls", len(f.calls))
	}
}

func TestMountedToolThatReturnsNothingHasNoContent(t *testing.T) {
	f := newFar(guard.Options{})
	f.mount(t, f.tool("t", tools.Write, `{}`))
	for _, nothing := range []string{"", "null", " "} {
		f.do = func(context.Context) (json.RawMessage, error) { return json.RawMessage(nothing), nil }
		if result := f.Call(t.Context(), farCall("t", `{}`, "")); string(result.Output) != `{"content":[]}` {
			t.Errorf("%q: got %s, %v", nothing, result.Output, result.Err)
		}
	}
}

func TestWhatIsNoResultIsAFailure(t *testing.T) {
	for _, nonsense := range []string{`[]`, `"ok"`, `{"content":"text"}`, `{`, `{"content":[],"_meta":5}`} {
		f := newFar(guard.Options{})
		f.do = func(context.Context) (json.RawMessage, error) { return json.RawMessage(nonsense), nil }
		f.mount(t, f.tool("t", tools.Write, `{}`))
		if result := f.Call(t.Context(), farCall("t", `{}`, "")); code(result) != tools.Failed || result.Err.Retryable {
			t.Errorf("%s: got %+v", nonsense, result)
		}
	}
}

func TestFailedCallUnderAKeyIsNotMadeAgain(t *testing.T) {
	for name, fail := range map[string]func(context.Context) (json.RawMessage, error){
		"an error": func(context.Context) (json.RawMessage, error) {
			return nil, tools.Errorf(tools.Failed, "archived\nsince May")
		},
		"a result that is so": func(context.Context) (json.RawMessage, error) {
			return json.RawMessage(`{"isError":true,"content":[{"type":"text","text":"archived"},{"type":"image","data":""},{"type":"text","text":"since May"}]}`), nil
		},
	} {
		f := newFar(guard.Options{})
		f.do = fail
		f.mount(t, f.tool("t", tools.Write, `{}`))
		for i, repeated := range []bool{false, true, true} {
			result := f.Call(t.Context(), farCall("t", `{}`, "k"))
			if code(result) != tools.Failed || result.Err.Message != "archived\nsince May" || result.Repeated != repeated || result.Err.Retryable {
				t.Errorf("%s, call %d: got %+v", name, i, result)
			}
		}
		f.Call(t.Context(), farCall("t", `{}`, "k2"))
		if len(f.calls) != 2 {
			t.Errorf("%s: %d calls, want one for each key", name, len(f.calls))
		}
		rows := f.ledger.Rows()
		if rows[0].Outcome != "failed" || rows[1].Decision != guard.Repeated || rows[1].Outcome != "failed" {
			t.Errorf("%s: rows %+v", name, rows)
		}
	}
}

func TestFailedCallOfAToolThatHonoursKeysIsMadeAgain(t *testing.T) {
	f := newFar(guard.Options{})
	f.do = func(context.Context) (json.RawMessage, error) { return nil, tools.Errorf(tools.Failed, "busy") }
	tool := f.tool("t", tools.Write, `{}`)
	tool.Idempotent = true
	f.mount(t, tool)
	for range 2 {
		if result := f.Call(t.Context(), farCall("t", `{}`, "k")); code(result) != tools.Failed || result.Repeated {
			t.Errorf("got %+v", result)
		}
	}
	if len(f.calls) != 2 {
		t.Errorf("%d calls", len(f.calls))
	}
}

func TestUnreachedMountedToolMayBeCalledAgainUnderItsKey(t *testing.T) {
	f := newFar(guard.Options{})
	f.do = func(context.Context) (json.RawMessage, error) {
		return nil, tools.Errorf(tools.Unavailable, "not up yet")
	}
	f.mount(t, f.tool("t", tools.Write, `{}`))
	if result := f.Call(t.Context(), farCall("t", `{}`, "k")); code(result) != tools.Unavailable {
		t.Fatalf("got %+v", result)
	}
	f.do = func(context.Context) (json.RawMessage, error) { return nil, nil }
	if result := f.Call(t.Context(), farCall("t", `{}`, "k")); result.Err != nil || result.Repeated {
		t.Errorf("got %+v", result)
	}
}

func TestFailureThatCannotBeRecordedIsAnUnknownOutcome(t *testing.T) {
	f := newFar(guard.Options{})
	f.do = func(context.Context) (json.RawMessage, error) {
		f.ledger.Break(errors.New("disk full"))
		return nil, tools.Errorf(tools.Failed, "half of it went wrong")
	}
	f.mount(t, f.tool("t", tools.Write, `{}`))
	if result := f.Call(t.Context(), farCall("t", `{}`, "k")); code(result) != tools.OutcomeUnknown {
		t.Errorf("got %+v: nobody may be told that nothing changed", result)
	}
}

func TestTimeForAPersonDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(guard.Options{Timeout: time.Minute})
		f.mount(t, f.tool("t", tools.Read, `{}`))
		var asked string
		ctx := tools.WithAsk(t.Context(), func(_ context.Context, q tools.Question) (tools.Reply, error) {
			asked = q.Message
			time.Sleep(time.Hour) // of the test's own clock
			return tools.Reply{Action: tools.Accept}, nil
		})
		f.do = func(ctx context.Context) (json.RawMessage, error) {
			time.Sleep(20 * time.Second)
			if reply, err := tools.Ask(ctx, tools.Question{Message: "sure?"}); err != nil || reply.Action != tools.Accept {
				t.Errorf("got %+v, %v", reply, err)
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		result := f.Call(ctx, farCall("t", `{}`, ""))
		if took := time.Since(began); took != time.Hour+time.Minute {
			t.Errorf("took %v", took)
		}
		if code(result) != tools.Unavailable || !strings.Contains(result.Err.Message, "longer than 1m0s") {
			t.Errorf("got %+v", result)
		}
		if asked != "sure?" {
			t.Errorf("asked %q", asked)
		}
		if !strings.Contains(f.logged(), "asked a person") || strings.Contains(f.logged(), "sure") {
			t.Errorf("log %s", f.logged())
		}
	})
}

func TestSeveralQuestionsAtOncePauseTheTimeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(guard.Options{Timeout: time.Minute})
		f.mount(t, f.tool("t", tools.Read, `{}`))
		ctx := tools.WithAsk(t.Context(), func(_ context.Context, q tools.Question) (tools.Reply, error) {
			time.Sleep(time.Duration(len(q.URL)) * time.Minute)
			return tools.Reply{Action: tools.Cancel}, nil
		})
		f.do = func(ctx context.Context) (json.RawMessage, error) {
			var asking sync.WaitGroup
			for _, minutes := range []string{"***", "*****"} {
				asking.Go(func() { _, _ = tools.Ask(ctx, tools.Question{URL: minutes}) })
			}
			asking.Wait()
			return nil, ctx.Err()
		}
		if result := f.Call(ctx, farCall("t", `{}`, "")); result.Err != nil {
			t.Errorf("got %+v", result)
		}
	})
}
