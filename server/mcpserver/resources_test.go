package mcpserver_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

// found is what a search gives.
type found struct {
	Notes []saved `json:"notes"`
}

// library is a server with notes as resources, payments that only some may read, and a
// playbook.
func library(t *testing.T, more ...tools.Tool) *fixture {
	return newFixture(t, mcpserver.Options{
		Resources: []mcpserver.Resource{
			{Name: "notes", Tool: "note_read", Argument: "text", Search: "note_find", Query: "q", List: "notes", ID: "id"},
			{Name: "payments", Tool: "pay", Argument: "text"},
		},
		Playbooks: []mcpserver.Playbook{{Name: "remind", Description: "Reminds.", Text: "Write a {{tone}} note about {{ what }}. Twice: {{what}}.", Arguments: []mcpserver.PlaybookArgument{
			{Name: "what", Description: "Which note.", Required: true, Of: "notes"}, {Name: "tone", Values: []string{"formal", "friendly"}}}}},
	}, more...)
}

func TestResourceIsReadThroughTheGuard(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			f := library(t)
			s := d.connect(t, f, desk)
			r := mcp.ReadResourceRequest{}
			r.Params.URI = "drawbridge://notes/n7"
			result, err := s.ReadResource(s.ctx, r)
			if err != nil || len(result.Contents) != 1 {
				t.Fatalf("got %+v, %v", result, err)
			}
			if text, ok := result.Contents[0].(mcp.TextResourceContents); !ok || text.Text != `{"id":"n1","text":"n7"}` || text.URI != r.Params.URI {
				t.Errorf("got %+v", result.Contents[0])
			}
			r.Params.URI = "drawbridge://payments/p1"
			if result, err := s.ReadResource(s.ctx, r); err == nil {
				t.Errorf("what may not be called is read: %+v", result)
			}
			var got []string
			for _, row := range f.rows(t, 2) {
				got = append(got, row.Tool+" "+string(row.Decision)+" "+row.Door)
			}
			if diff := cmp.Diff([]string{"note_read allowed " + d.door, "pay refused " + d.door}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMissingResourceIsInvalidInItsErasWords: MCP 2025-11-25, resources, error handling, and
// 2026-07-28, changelog. What may not be read is missing as well.
func TestMissingResourceIsInvalidInItsErasWords(t *testing.T) {
	const meta = `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	for _, uri := range []string{"drawbridge://notes/n8", "drawbridge://notes/", "drawbridge://notes/a/b", "drawbridge://payments/p1", "drawbridge://nothing/n7", "other://n7"} {
		f := library(t)
		f.do = func(context.Context, note) (saved, error) {
			return saved{}, tools.Errorf(tools.NotFound, "there is no such note")
		}
		read := `{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"` + uri + `"`
		old := f.send(t, http.MethodPost, "/mcp", read+`}}`, "Mcp-Session-Id", f.openSession(t))
		if old.status != http.StatusOK || !strings.Contains(old.body, `"code":-32002`) || !strings.Contains(old.body, "not found") {
			t.Errorf("%s, 2025-11-25: %d %s", uri, old.status, old.body)
		}
		modern := f.send(t, http.MethodPost, "/mcp", read+meta+`}}`, mcp.HeaderProtocolVersion, "2026-07-28", mcp.HeaderMethod, "resources/read", mcp.HeaderName, uri)
		if modern.status != http.StatusBadRequest || !strings.Contains(modern.body, `"code":-32602`) {
			t.Errorf("%s, 2026-07-28: %d %s", uri, modern.status, modern.body)
		}
	}
}

// TestResourceThatCannotBeReadNowIsNotMissing: to be told that it is not there would be wrong.
func TestResourceThatCannotBeReadNowIsNotMissing(t *testing.T) {
	f := library(t)
	f.do = func(context.Context, note) (saved, error) {
		return saved{}, tools.Errorf(tools.Unavailable, "the notes are away")
	}
	read := `{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"drawbridge://notes/n7","_meta":{"drawbridge/read":{}}}}`
	a := f.send(t, http.MethodPost, "/mcp", read, "Mcp-Session-Id", f.openSession(t))
	if !strings.Contains(a.body, `"code":-32603`) || !strings.Contains(a.body, "the notes are away") {
		t.Errorf("got %s", a.body)
	}
}

// TestIdOfAResourceMayHaveAnyCharacter: as its template writes it, or as it is.
func TestIdOfAResourceMayHaveAnyCharacter(t *testing.T) {
	everyDoorOf(t, func(t *testing.T, s session) {
		for written, id := range map[string]string{
			"ada%40example.com": "ada@example.com", "ada@example.com": "ada@example.com", "a%20b%2Bc": "a b+c", "a b+c": "a b+c",
			"a%2Fb": "a/b", "a/b": "a/b", "100%": "100%", "100%25": "100%", "%C3%A5": "å", "å": "å", "a?b#c": "a?b#c",
		} {
			r := mcp.ReadResourceRequest{}
			r.Params.URI = "drawbridge://notes/" + written
			result, err := s.ReadResource(s.ctx, r)
			if err != nil || len(result.Contents) != 1 {
				t.Errorf("%s: got %+v, %v", written, result, err)
				continue
			}
			var note saved
			text, _ := result.Contents[0].(mcp.TextResourceContents)
			if err := json.Unmarshal([]byte(text.Text), &note); err != nil || note.Text != id || text.URI != r.Params.URI {
				t.Errorf("%s: read %q at %s (%v), want %q", written, text.Text, text.URI, err, id)
			}
		}
	})
}

func TestTemplatesAreThoseOfToolsThatThePrincipalMayCall(t *testing.T) {
	everyDoorOf(t, func(t *testing.T, s session) {
		list, err := s.ListResourceTemplates(s.ctx, mcp.ListResourceTemplatesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.ResourceTemplates) != 1 || list.ResourceTemplates[0].Name != "notes" {
			t.Errorf("got %+v", list.ResourceTemplates)
		}
	})
}

func everyDoorOf(t *testing.T, test func(*testing.T, session)) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) { test(t, d.connect(t, library(t), desk)) })
	}
}

func TestPlaybookIsAPromptWithItsBlanksFilled(t *testing.T) {
	everyDoorOf(t, func(t *testing.T, s session) {
		list, err := s.ListPrompts(s.ctx, mcp.ListPromptsRequest{})
		if err != nil || len(list.Prompts) != 1 || len(list.Prompts[0].Arguments) != 2 || !list.Prompts[0].Arguments[0].Required {
			t.Fatalf("got %+v, %v", list, err)
		}
		r := mcp.GetPromptRequest{}
		r.Params.Name, r.Params.Arguments = "remind", map[string]string{"what": "{{tone}}", "tone": "kind"}
		result, err := s.GetPrompt(s.ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := result.Messages[0].Content.(mcp.TextContent); !ok || text.Text != "Write a kind note about {{tone}}. Twice: {{tone}}." {
			t.Errorf("got %+v", result.Messages)
		}
		for says, arguments := range map[string]map[string]string{`"what"`: {"tone": "kind"}, `"who"`: {"what": "n1", "who": "me"}} {
			r.Params.Arguments = arguments
			if result, err := s.GetPrompt(s.ctx, r); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v gave %+v, %v", arguments, result, err)
			}
		}
	})
}

func TestBlanksAndIdsAreCompleted(t *testing.T) {
	asked := ""
	finds := tools.Define(tools.Spec{Name: "note_find", Title: "Find", Description: "Finds.", Effect: tools.Read},
		func(_ context.Context, in struct {
			Q string `json:"q,omitempty"`
		}) (found, error) {
			asked = in.Q
			return found{Notes: []saved{{ID: "n1"}, {ID: "n2"}}}, nil
		})
	f := library(t, finds)
	s := connectHTTP(t, f, desk)
	complete := func(ref any, name, value string) []string {
		t.Helper()
		r := mcp.CompleteRequest{}
		r.Params.Ref, r.Params.Argument = ref, mcp.CompleteArgument{Name: name, Value: value}
		result, err := s.Complete(s.ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		return result.Completion.Values
	}
	prompt, template := mcp.PromptReference{Type: "ref/prompt", Name: "remind"}, mcp.ResourceReference{Type: "ref/resource", URI: "drawbridge://notes/{id}"}
	for _, test := range []struct {
		ref         any
		name, value string
		want        []string
	}{
		{prompt, "tone", "FR", []string{"friendly"}}, {prompt, "tone", "", []string{"formal", "friendly"}}, {prompt, "nothing", "", nil},
		{prompt, "what", "ada", []string{"n1", "n2"}}, {template, "id", "bob", []string{"n1", "n2"}}, {template, "other", "", nil},
	} {
		if got := complete(test.ref, test.name, test.value); !slices.Equal(got, test.want) {
			t.Errorf("%s %q: got %v, want %v", test.name, test.value, got, test.want)
		}
		if test.want != nil && test.name != "tone" && asked != test.value {
			t.Errorf("%s: searched for %q", test.name, asked)
		}
	}
	if len(f.rows(t, 2)) != 2 {
		t.Error("the searches are not in the audit")
	}
	if got := complete(mcp.ResourceReference{Type: "ref/resource", URI: "drawbridge://payments/{id}"}, "id", "p"); len(got) != 0 {
		t.Errorf("what cannot be searched is offered: %v", got)
	}
}
