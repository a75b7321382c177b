package mcpserver_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/mcpserver"
)

// everyDoor runs a test with a client of the desk at each door.
func everyDoor(t *testing.T, test func(t *testing.T, f *fixture, s session, door string)) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{Version: "1"})
			test(t, f, d.connect(t, f, desk), d.door)
		})
	}
}

func TestListHasThePrincipalsToolsOnly(t *testing.T) {
	everyDoor(t, func(t *testing.T, _ *fixture, s session, _ string) {
		list, err := s.ListTools(s.ctx, mcp.ListToolsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, tool := range list.Tools {
			names = append(names, tool.Name)
		}
		if diff := cmp.Diff([]string{"note_add", "note_read", "note_send"}, names); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCallAnswersStructuredAndTheSameAsText(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, door string) {
		result := s.callTool(t, "note_read", map[string]any{"text": "<naïve> & 9007199254740993"}, "")
		if result.IsError {
			t.Fatalf("got %+v", result)
		}
		text := textOf(t, result)
		var fromText, structured any
		if err := json.Unmarshal([]byte(text), &fromText); err != nil {
			t.Fatalf("text %q: %v", text, err)
		}
		if err := json.Unmarshal(result.RawStructuredContent, &structured); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"id": "n1", "text": "<naïve> & 9007199254740993"}
		if !cmp.Equal(structured, any(want)) || !cmp.Equal(fromText, any(want)) {
			t.Errorf("structured %v, text %s", structured, text)
		}
		row := f.rows(t, 1)[0]
		if row.Door != door || row.Principal != "key:desk" || row.Tool != "note_read" || row.Outcome != "ok" || row.Decision != guard.Allowed {
			t.Errorf("row %+v", row)
		}
	})
}

func TestBadArgumentsAreAToolErrorThatExplains(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, _ string) {
		result := s.callTool(t, "note_add", map[string]any{"txt": 5}, "")
		want := "invalid: the arguments of note_add do not fit.\n" +
			"- text: required, but missing; expected a string of 1 to 2000 characters\n" +
			"- txt: unknown; did you mean \"text\"?\n" +
			"An example that fits: {\"text\":\"text\"}"
		if text := textOf(t, result); !result.IsError || text != want {
			t.Errorf("got %q", text)
		}
		if result.StructuredContent != nil {
			t.Errorf("structured content %v does not fit the output schema", result.StructuredContent)
		}
		described, _ := result.Meta.AdditionalFields[guard.MetaError].(map[string]any)
		if described["code"] != "invalid" || described["retryable"] != false || described["inconclusive"] != true || !strings.Contains(described["message"].(string), "note_add") {
			t.Errorf("_meta %v", result.Meta.AdditionalFields)
		}
		row := f.rows(t, 1)[0]
		if row.Decision != guard.Refused || !strings.HasPrefix(row.Rule, "validate: text: required") || string(row.Arguments) != `{"txt":5}` {
			t.Errorf("row %+v", row)
		}
		if f.calls != 0 {
			t.Error("the tool was called")
		}
	})
}

func TestUnknownAndForbiddenToolsAreRefusedAlikeAndAudited(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, door string) {
		attempts := []struct{ tool, rule string }{
			{"pay", "permission: not among the principal's tools"},
			{"nap", "permission: no such tool"},
			{guard.Unlisted, "permission: no such tool"},
		}
		for i, attempt := range attempts {
			result := s.callTool(t, attempt.tool, map[string]any{"text": "x"}, "")
			want := `denied: there is no tool "` + attempt.tool + `" that you may call. Call tools/list to see which ones you may.`
			if text := textOf(t, result); !result.IsError || text != want {
				t.Errorf("%s: got %q", attempt.tool, text)
			}
			row := f.rows(t, i+1)[i]
			if row.Tool != attempt.tool || row.Decision != guard.Refused || row.Rule != attempt.rule || row.Door != door {
				t.Errorf("row %+v", row)
			}
		}
	})
}

// A caller must not be able to say what the guard says to itself.
func TestCallerCannotNameAnotherToolBehindTheGuardsBack(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, _ string) {
		r := request(guard.Unlisted, map[string]any{"text": "x"}, "")
		r.Params.Meta = mcp.NewMetaFromMap(map[string]any{"drawbridge/tool": "note_add"})
		result, err := s.CallTool(s.ctx, r)
		if err != nil || !result.IsError {
			t.Fatalf("got %+v, %v", result, err)
		}
		if row := f.rows(t, 1)[0]; row.Tool != guard.Unlisted || f.calls != 0 {
			t.Errorf("row %+v after %d calls", row, f.calls)
		}
	})
}

func TestRepeatedKeyGetsTheFirstResult(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, _ string) {
		first := s.callTool(t, "note_send", map[string]any{"text": "x"}, "k1")
		again := s.callTool(t, "note_send", map[string]any{"text": "x"}, "k1")
		if textOf(t, first) != textOf(t, again) || f.calls != 1 {
			t.Errorf("first %q, again %q, %d calls", textOf(t, first), textOf(t, again), f.calls)
		}
		repeated := func(r *mcp.CallToolResult) bool { return r.Meta.GetMetaField(guard.MetaRepeated) == true }
		if repeated(first) || !repeated(again) {
			t.Errorf("repeated: first %v, again %v", repeated(first), repeated(again))
		}
		if row := f.rows(t, 2)[1]; row.Decision != guard.Repeated || row.Key != "k1" {
			t.Errorf("row %+v", row)
		}
	})
}

func TestKeyThatIsNoStringIsRefusedRatherThanIgnored(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, _ string) {
		for _, key := range []any{5, ""} {
			r := request("note_add", map[string]any{"text": "x"}, "")
			r.Params.Meta = mcp.NewMetaFromMap(map[string]any{guard.MetaKey: key})
			result, err := s.CallTool(s.ctx, r)
			if err != nil || !result.IsError || !strings.Contains(textOf(t, result), guard.MetaKey) || f.calls != 0 {
				t.Errorf("%v: got %+v, %v", key, result, err)
			}
		}
	})
}

// The client gives up, the write does not: asked again, it has happened once.
func TestCancelledWriteStillSettles(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, _ string) {
		started, finish := make(chan struct{}), make(chan struct{})
		f.do = func(ctx context.Context, _ note) (saved, error) {
			close(started)
			<-finish
			return saved{ID: "n1"}, ctx.Err()
		}
		ctx, cancel := context.WithCancel(s.ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = s.CallTool(ctx, request("note_send", map[string]any{"text": "x"}, "k1"))
		}()
		<-started
		cancel()
		close(finish)
		<-done
		if row := f.rows(t, 1)[0]; row.Outcome != "ok" {
			t.Errorf("row %+v", row)
		}
		again := s.callTool(t, "note_send", map[string]any{"text": "x"}, "k1")
		if again.IsError || again.Meta.GetMetaField(guard.MetaRepeated) != true || f.calls != 1 {
			t.Errorf("got %+v after %d calls", again, f.calls)
		}
	})
}

func TestHintsAndMetaSayWhatAToolDoes(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectInProcess(t, f, auth.Principal{Kind: auth.Agent, Name: "a", Tools: []string{"*"}, Effects: auth.AllEffects()})
	list, err := s.ListTools(s.ctx, mcp.ListToolsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	type facts struct {
		ReadOnly, Destructive, Idempotent, OpenWorld bool
		Meta                                         map[string]any
	}
	got := map[string]facts{}
	for _, tool := range list.Tools {
		a := tool.Annotations
		if a.ReadOnlyHint == nil || a.DestructiveHint == nil || a.IdempotentHint == nil || a.OpenWorldHint == nil {
			t.Fatalf("%s: a hint is left out", tool.Name)
		}
		got[tool.Name] = facts{*a.ReadOnlyHint, *a.DestructiveHint, *a.IdempotentHint, *a.OpenWorldHint, tool.Meta.AdditionalFields}
	}
	meta := func(effect string, idempotent, taints bool) map[string]any {
		return map[string]any{mcpserver.MetaEffect: effect, mcpserver.MetaIdempotent: idempotent, mcpserver.MetaTaints: taints, mcpserver.MetaClaims: !idempotent}
	}
	want := map[string]facts{
		"note_read": {true, false, true, false, meta("read", true, true)},
		"note_add":  {false, false, false, false, meta("write", true, false)},
		"note_send": {false, true, false, true, meta("message", false, false)},
		"pay":       {false, false, false, false, meta("money", false, false)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRunIsRecordedWithItsCalls(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	agent := auth.Principal{Kind: auth.Agent, Name: "billing", Tools: []string{"*"}, Effects: auth.AllEffects(), Run: "run_1"}
	s := connectInProcess(t, f, agent)
	s.callTool(t, "pay", map[string]any{"text": "x"}, "k1")
	s.ctx = auth.WithDoor(s.ctx, auth.DoorChat)
	s.callTool(t, "note_read", map[string]any{"text": "x"}, "")
	rows := f.rows(t, 2)
	if r := rows[0]; r.Principal != "agent:billing" || r.Run != "run_1" || r.Door != "agent" || r.Key != "k1" {
		t.Errorf("row %+v", r)
	}
	if r := rows[1]; r.Door != "chat" {
		t.Errorf("row %+v", r)
	}
}

func TestCallInProcessWithoutAPrincipalIsRefused(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectInProcess(t, f, desk)
	s.ctx = t.Context()
	list, err := s.ListTools(s.ctx, mcp.ListToolsRequest{})
	if err != nil || len(list.Tools) != 0 {
		t.Errorf("lists %d tools, %v", len(list.Tools), err)
	}
	if result := s.callTool(t, "note_read", map[string]any{"text": "x"}, ""); !result.IsError || f.calls != 0 {
		t.Errorf("got %+v", result)
	}
	if row := f.rows(t, 1)[0]; row.Principal != "nobody" {
		t.Errorf("row %+v", row)
	}
}
