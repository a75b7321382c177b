package mcpserver_test

import (
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/mcpserver"
	"drawbridge/tools"
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

func TestProgressGoesOnAfterAQuestion(t *testing.T) {
	for _, d := range doors {
		if !elicits(d.name) {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{})
			f.clientOptions = shown(func(context.Context, mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
				return answering("accept", nil), nil
			})
			s := d.connect(t, f, shop)
			reports := progressOf(s)
			f.mount(t, farDoing("ask", anySchema, func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
				tools.ReportProgress(ctx, tools.Progress{Done: 1, Message: "before"})
				if got := await(t, reports, "progress before"); got.message != "before" {
					t.Errorf("got %+v", got)
				}
				_, err := tools.Ask(ctx, tools.Question{Schema: json.RawMessage(form)})
				for done := 2.0; len(reports) == 0 && ctx.Err() == nil; done++ { // what comes too soon is left out
					tools.ReportProgress(ctx, tools.Progress{Done: done, Message: "after"})
					runtime.Gosched()
				}
				if got := await(t, reports, "progress after"); got.message != "after" {
					t.Errorf("got %+v", got)
				}
				return nil, err
			}))
			r := request("far__ask", map[string]any{}, "")
			r.Params.Meta = &mcp.Meta{ProgressToken: "p1"}
			if result, err := s.CallTool(s.ctx, r); err != nil || result.IsError {
				t.Errorf("got %+v, %v", result, err)
			}
		})
	}
}

func TestProgressOfAToolTakesThePlaceOfOurs(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{ProgressEvery: 30 * time.Millisecond})
			s := d.connect(t, f, desk)
			reports := progressOf(s)
			// mcp-go sends what there is by the request's stream and by the session's, whichever
			// is quicker: what comes by the one may overtake what comes by the other.
			inOrder := d.name != "streamable HTTP for older clients"
			f.do = func(ctx context.Context, _ note) (saved, error) {
				tick := await(t, reports, "our own report")
				if !strings.HasPrefix(tick.message, "still running") {
					t.Errorf("got %+v", tick)
				}
				tools.ReportProgress(ctx, tools.Progress{Done: 0.5, Total: 4, Message: "counting"})
				for own := tick; own.message != "counting"; {
					last := own
					if own = await(t, reports, "the tool's report"); inOrder && own.progress <= last.progress {
						t.Errorf("%+v after %+v", own, last)
					}
					if own.message == "counting" && own.total-own.progress != 3.5 {
						t.Errorf("got %+v: 3.5 are left to do", own)
					}
				}
				later := await(t, reports, "a report while the tool says nothing")
				if !strings.HasPrefix(later.message, "still running") || later.total != 0 {
					t.Errorf("got %+v", later)
				}
				return saved{ID: "n1"}, nil
			}
			r := request("note_read", map[string]any{"text": "x"}, "")
			r.Params.Meta = &mcp.Meta{ProgressToken: "p1"}
			if result, err := s.CallTool(s.ctx, r); err != nil || result.IsError {
				t.Fatalf("got %+v, %v", result, err)
			}
		})
	}
}

type report struct {
	progress, total float64
	message         string
}

func progressOf(s session) <-chan report {
	reports := make(chan report, 10_000)
	s.OnNotification(func(n mcp.JSONRPCNotification) {
		if n.Method != "notifications/progress" {
			return
		}
		fields := n.Params.AdditionalFields
		progress, _ := fields["progress"].(float64)
		total, _ := fields["total"].(float64)
		message, _ := fields["message"].(string)
		reports <- report{progress, total, message}
	})
	return reports
}

func TestFloodOfProgressIsThinnedOut(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectInProcess(t, f, desk)
	reports := progressOf(s)
	began := time.Now()
	f.do = func(ctx context.Context, _ note) (saved, error) {
		for i := range 100_000 {
			tools.ReportProgress(ctx, tools.Progress{Done: float64(i), Message: strings.Repeat("x", 5000)})
		}
		return saved{ID: "n1"}, nil
	}
	r := request("note_read", map[string]any{"text": "x"}, "")
	r.Params.Meta = &mcp.Meta{ProgressToken: "p1"}
	if result, err := s.CallTool(s.ctx, r); err != nil || result.IsError {
		t.Fatalf("got %+v, %v", result, err)
	}
	most := int(time.Since(began)/(50*time.Millisecond)) + 1
	if n := len(reports); n == 0 || n > most {
		t.Errorf("%d reports, want 1 to %d", n, most)
	}
	if first := await(t, reports, "the first"); len(first.message) != 1000 {
		t.Errorf("a message of %d bytes", len(first.message))
	}
}

func TestProgressThatIsNoneIsLeftOut(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectInProcess(t, f, desk)
	reports := progressOf(s)
	f.do = func(ctx context.Context, _ note) (saved, error) {
		zero := 0.0
		for _, done := range []float64{zero / zero, 1 / zero, 3, 3, 2, -1} {
			tools.ReportProgress(ctx, tools.Progress{Done: done, Total: 1})
		}
		return saved{ID: "n1"}, nil
	}
	r := request("note_read", map[string]any{"text": "x"}, "")
	r.Params.Meta = &mcp.Meta{ProgressToken: "p1"}
	if result, err := s.CallTool(s.ctx, r); err != nil || result.IsError {
		t.Fatalf("got %+v, %v", result, err)
	}
	var got []report
	for len(reports) > 0 {
		got = append(got, <-reports)
	}
	if !slices.Equal(got, []report{{progress: 3}}) {
		t.Errorf("got %+v", got)
	}
}
