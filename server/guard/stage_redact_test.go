package guard_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/tools"
)

type letter struct {
	ID       string   `json:"id"`
	From     string   `json:"from" format:"email"`
	Sent     string   `json:"sent" format:"date-time"`
	Kind     string   `json:"kind" enum:"mail,fax"`
	Amount   int64    `json:"amount" minimum:"0"`
	Attached bool     `json:"attached"`
	Lines    []string `json:"lines"`
}

var aLetter = letter{ID: "let_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f", From: "ada@example.com", Sent: "2026-03-01T00:00:00Z", Kind: "mail", Amount: 4111111111111111, Attached: true,
	Lines: []string{"my card is 4111 1111 1111 1111", "and my <account> DE89370400440532013000"}}

// mailroom is a guard over tools that give letters: of outsiders, and of our own.
func mailroom(t *testing.T, o guard.Options) (*guard.Guard, *guardtest.Ledger) {
	t.Helper()
	give := func(context.Context, struct{}) (letter, error) { return aLetter, nil }
	fail := func(context.Context, struct{}) (letter, error) {
		return letter{}, tools.Errorf(tools.NotFound, "no letter about 4111 1111 1111 1111")
	}
	catalog := tools.NewCatalog([]tools.Tool{
		tools.Define(tools.Spec{Name: "mail_get", Title: "Get", Description: "Gets.", Effect: tools.Read, Taints: true}, give),
		tools.Define(tools.Spec{Name: "mail_fail", Title: "Fail", Description: "Fails.", Effect: tools.Read, Taints: true}, fail),
		tools.Define(tools.Spec{Name: "mail_move", Title: "Move", Description: "Moves.", Effect: tools.Write, Taints: true, Idempotent: true}, give),
		tools.Define(tools.Spec{Name: "own_get", Title: "Get", Description: "Gets.", Effect: tools.Read}, give),
	})
	ledger := guardtest.NewLedger()
	return guard.New(catalog, ledger, o), ledger
}

func fromMailroom(t *testing.T, g *guard.Guard, tool, key string) (letter, guard.Result) {
	t.Helper()
	result := g.Call(t.Context(), guard.Call{Principal: auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}}, Tool: tool, Key: key})
	var got letter
	if result.Err == nil {
		if err := json.Unmarshal(result.Output, &got); err != nil {
			t.Fatal(err)
		}
	}
	return got, result
}

var shapes = guard.Shapes{Cards: true, IBANs: true, Secrets: true}

func TestOutsidersTextIsGivenWithoutCardsAndSecrets(t *testing.T) {
	g, _ := mailroom(t, guard.Options{Redact: guard.Redaction{Shapes: shapes}})
	got, result := fromMailroom(t, g, "mail_get", "")
	want := []string{"my card is [redacted]", "and my <account> [redacted]"}
	if got.Lines[0] != want[0] || got.Lines[1] != want[1] || !result.Redacted {
		t.Errorf("got %+v", got)
	}
	if got.ID != aLetter.ID || got.Amount != aLetter.Amount || got.Sent != aLetter.Sent {
		t.Errorf("more was changed: %+v", got)
	}
	if own, result := fromMailroom(t, g, "own_get", ""); own.Lines[0] != aLetter.Lines[0] || result.Redacted {
		t.Errorf("a tool of our own gives %+v", own)
	}
	if _, failed := fromMailroom(t, g, "mail_fail", ""); failed.Err == nil || failed.Err.Message != "no letter about [redacted]" || failed.Err.Code != tools.NotFound {
		t.Errorf("an error is %v", failed.Err)
	}
	everywhere, _ := mailroom(t, guard.Options{Redact: guard.Redaction{Shapes: shapes, Everywhere: true}})
	if own, result := fromMailroom(t, everywhere, "own_get", ""); own.Lines[0] != want[0] || !result.Redacted {
		t.Errorf("everywhere, a tool of our own gives %+v", own)
	}
	off, _ := mailroom(t, guard.Options{})
	if all, result := fromMailroom(t, off, "mail_get", ""); all.Lines[0] != aLetter.Lines[0] || result.Redacted {
		t.Errorf("without the setting: %+v", all)
	}
}

// What a rule hides leaves a result that still fits the tool's output schema.
func TestMembersThatARuleNamesAreHiddenInTheirOwnForm(t *testing.T) {
	g, _ := mailroom(t, guard.Options{Policy: judge{Action: guard.Allow, Redact: []string{"from", "sent", "amount", "attached", "lines"}}})
	got, result := fromMailroom(t, g, "own_get", "")
	if result.Err != nil || got.From != "redacted@redacted.invalid" || got.Sent != "0001-01-01T00:00:00Z" || got.Amount != 0 || got.Attached ||
		strings.Join(got.Lines, " ") != "[redacted] [redacted]" || got.ID != aLetter.ID || !result.Redacted {
		t.Errorf("got %+v, %v", got, result.Err)
	}
	// Of a list of words nothing but one of them fits.
	g, _ = mailroom(t, guard.Options{Policy: judge{Action: guard.Allow, Redact: []string{"kind"}, Rule: "no kinds"}})
	if _, result := fromMailroom(t, g, "own_get", ""); code(result) != tools.Failed || !strings.Contains(result.Err.Message, "withheld") || result.Output != nil {
		t.Errorf("got %s, %v", result.Output, result.Err)
	}
}

// The repeated result is what was given, and not more: nobody judges it again.
func TestRepeatedResultIsAsRedactedAsTheFirst(t *testing.T) {
	rules := &switched{Policy: judge{Action: guard.Allow, Redact: []string{"from"}}}
	g, _ := mailroom(t, guard.Options{Policy: rules, Redact: guard.Redaction{Shapes: shapes}})
	_, first := fromMailroom(t, g, "mail_move", "k1")
	rules.Policy = nil
	_, again := fromMailroom(t, g, "mail_move", "k1")
	if !again.Repeated || string(again.Output) != string(first.Output) || strings.Contains(string(again.Output), "ada@") || strings.Contains(string(again.Output), "4111 1") {
		t.Errorf("first %s, again %s", first.Output, again.Output)
	}
}

// Of a mounted tool's result all parts are gone over but files, whose bytes only look like
// something by chance.
func TestMountedResultLosesSecretsInAllItsParts(t *testing.T) {
	f := newFar(guard.Options{Redact: guard.Redaction{Shapes: shapes}, Policy: judge{Action: guard.Allow, Redact: []string{"phone"}}})
	given := `{"content":[{"type":"text","text":"card 4111 1111 1111 1111"},{"type":"text","text":"{\"phone\":\"123\",\"n\":1}"},` +
		`{"type":"image","data":"4111111111111111","mimeType":"image/png"},{"type":"resource","resource":{"uri":"x://y","text":"4242424242424242","blob":"4242424242424242"}}],` +
		`"structuredContent":{"phone":"0123456789","card":"4111111111111111","n":4111111111111111}}`
	f.do = func(context.Context) (json.RawMessage, error) { return json.RawMessage(given), nil }
	letters := f.tool("letters", tools.Read, `{}`)
	letters.Taints = true
	f.mount(t, letters)
	result := f.Call(t.Context(), farCall("letters", `{}`, ""))
	want := `{"content":[{"type":"text","text":"card [redacted]"},{"type":"text","text":"{\"phone\":\"[redacted]\",\"n\":1}"},` +
		`{"type":"image","data":"4111111111111111","mimeType":"image/png"},{"type":"resource","resource":{"uri":"x://y","text":"[redacted]","blob":"4242424242424242"}}],` +
		`"structuredContent":{"phone":"[redacted]","card":"[redacted]","n":4111111111111111}}`
	if string(result.Output) != want || !result.Redacted {
		t.Errorf("got  %s\nwant %s", result.Output, want)
	}
}

func TestRedactedResultIsMarked(t *testing.T) {
	g, _ := mailroom(t, guard.Options{Redact: guard.Redaction{Shapes: shapes}})
	for tool, want := range map[string]any{"mail_get": true, "own_get": nil, "mail_fail": true} {
		request := mcp.CallToolRequest{}
		request.Params.Name = tool
		result, err := g.Handle(auth.With(t.Context(), auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}}), request)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Meta.GetMetaField(guard.MetaRedacted); got != want {
			t.Errorf("%s is marked %v, want %v", tool, got, want)
		}
	}
}
