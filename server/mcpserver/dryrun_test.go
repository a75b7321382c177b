package mcpserver_test

import (
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/guard"
)

// A client holds structured content against the output schema, and misses it where there
// is no error: so a dry run is an error without any.
func TestDryRunOfOneCallIsMarkedAndHasNoResult(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, _ string) {
		asked := request("note_send", map[string]any{"text": "hello"}, "k1")
		asked.Params.Meta.SetMetaField(guard.MetaDryRun, true)
		result, err := s.CallTool(s.ctx, asked)
		if err != nil {
			t.Fatal(err)
		}
		if !result.IsError || result.RawStructuredContent != nil || result.Meta.GetMetaField(guard.MetaDryRun) != true {
			t.Errorf("got %+v, meta %+v", result, result.Meta)
		}
		if text := textOf(t, result); !strings.Contains(text, "nothing was done") || !strings.Contains(text, `{"text":"hello"}`) {
			t.Errorf("says %q", text)
		}
		if row := f.rows(t, 1)[0]; !row.DryRun || f.calls != 0 {
			t.Errorf("%d calls, row %+v", f.calls, row)
		}
		if real := s.callTool(t, "note_send", map[string]any{"text": "hello"}, "k1"); real.IsError || real.Meta.GetMetaField(guard.MetaDryRun) != nil {
			t.Errorf("the call itself, under the same key: %+v", real)
		}
	})
}

func TestDryRunThatIsNoTruthValueIsRefused(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, _ string) {
		for _, wrong := range []any{"true", 1, nil} {
			asked := request("note_send", map[string]any{"text": "hello"}, "k1")
			asked.Params.Meta = mcp.NewMetaFromMap(map[string]any{guard.MetaDryRun: wrong})
			result, err := s.CallTool(s.ctx, asked)
			if err != nil {
				t.Fatal(err)
			}
			if wrong != nil && (!result.IsError || f.calls != 0) {
				t.Errorf("%v: got %+v after %d calls", wrong, result, f.calls)
			}
		}
	})
}
