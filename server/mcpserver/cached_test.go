package mcpserver_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/cache"
	"drawbridge/server/guard"
	"drawbridge/server/mcpserver"
)

func TestAnswerFromTheCacheSaysSoAndItsAge(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			kept := cache.NewMemory(cache.Bounds{}, nil)
			t.Cleanup(func() { _ = kept.Close() })
			var passed atomic.Int64
			f := guardedFixture(t, mcpserver.Options{Version: "1", Resources: []mcpserver.Resource{{Name: "notes", Tool: "note_read", Argument: "text"}}}, guard.Options{Now: func() time.Time { return time.UnixMilli(1_790_000_000_000 + passed.Load()) },
				Caching: guard.Caching{Cache: kept, TTL: func(string) time.Duration { return time.Minute }, Of: func() string { return "" }}})
			s := d.connect(t, f, desk)
			said := func(r *mcp.CallToolResult) any {
				told, _ := r.Meta.GetMetaField(guard.MetaCached).(map[string]any)
				return told["age_seconds"]
			}
			first := s.callTool(t, "note_read", map[string]any{"text": "x"}, "")
			passed.Store(12_900)
			again := s.callTool(t, "note_read", map[string]any{"text": "x"}, "")
			if said(first) != nil || textOf(t, first) != textOf(t, again) || f.calls != 1 {
				t.Errorf("first %+v, again %+v after %d calls", first, again, f.calls)
			}
			if age := said(again); age != 12.0 && age != int64(12) { // as JSON, or in process
				t.Errorf("its age is said to be %v", age)
			}
			if row := f.rows(t, 2)[1]; row.Rule != "cache: 12s old" || row.Decision != guard.Allowed || row.Door != d.door {
				t.Errorf("row %+v", row)
			}
			r := mcp.ReadResourceRequest{}
			r.Params.URI = "drawbridge://notes/x"
			if read, err := s.ReadResource(s.ctx, r); err != nil || f.calls != 1 {
				t.Errorf("as a resource: %+v (%v) after %d calls", read, err, f.calls)
			} else if text, ok := read.Contents[0].(mcp.TextResourceContents); !ok || text.Meta[guard.MetaCached] == nil {
				t.Errorf("as a resource it does not say so: %+v", read.Contents[0])
			}
			s.callTool(t, "note_add", map[string]any{"text": "x"}, "")
			if behind := s.callTool(t, "note_read", map[string]any{"text": "x"}, ""); said(behind) != nil || f.calls != 3 {
				t.Errorf("behind a write: %+v after %d calls", behind, f.calls)
			}
		})
	}
}
