package mcpserver_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/mcpserver"
)

func TestLongCallReportsProgress(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{ProgressEvery: time.Millisecond})
			s := d.connect(t, f, desk)
			var mu sync.Mutex
			var got []float64
			arrived := make(chan struct{}, 1000)
			s.OnNotification(func(n mcp.JSONRPCNotification) {
				if n.Method != "notifications/progress" {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				progress, _ := n.Params.AdditionalFields["progress"].(float64)
				got = append(got, progress)
				arrived <- struct{}{}
			})
			f.do = func(ctx context.Context, _ note) (saved, error) {
				// The call ends when a few reports have arrived, with others on their way.
				for range 3 {
					select {
					case <-arrived:
					case <-ctx.Done():
					}
				}
				return saved{ID: "n1"}, ctx.Err()
			}
			r := request("note_read", map[string]any{"text": "x"}, "")
			r.Params.Meta = &mcp.Meta{ProgressToken: "p1"}
			result, err := s.CallTool(s.ctx, r)
			if err != nil || result.IsError {
				t.Fatalf("got %+v, %v", result, err)
			}
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(got) // two streams of one session may overtake each other
			for i, progress := range got {
				if progress != float64(i+1) {
					t.Errorf("reports %v", got)
					break
				}
			}
			if len(got) < 3 {
				t.Errorf("reports %v", got)
			}
		})
	}
}

func TestShortCallReportsNothing(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectHTTP(t, f, desk)
	s.OnNotification(func(n mcp.JSONRPCNotification) { t.Errorf("got %s", n.Method) })
	r := request("note_read", map[string]any{"text": "x"}, "")
	r.Params.Meta = &mcp.Meta{ProgressToken: "p1"}
	if result, err := s.CallTool(s.ctx, r); err != nil || result.IsError {
		t.Fatalf("got %+v, %v", result, err)
	}
}
