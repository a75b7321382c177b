package mcpserver_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

func TestListComesInPagesOfTheSameOrderEachTime(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{PageSize: 2})
			s := d.connect(t, f, shop)
			var mounted []tools.Tool
			for i := range 4 {
				mounted = append(mounted, far(fmt.Sprintf("tool%d", i), anySchema, `{"content":[]}`))
			}
			f.mount(t, mounted...)
			want := [][]string{{"far__tool0", "far__tool1"}, {"far__tool2", "far__tool3"}, {"note_add", "note_read"}, {"note_send", "pay"}}
			for range 2 {
				if diff := cmp.Diff(want, pagesOf(t, s)); diff != "" {
					t.Fatal(diff)
				}
			}
		})
	}
}

// pagesOf reads the list page by page.
func pagesOf(t *testing.T, s session) (pages [][]string) {
	t.Helper()
	r := mcp.ListToolsRequest{}
	for {
		list, err := s.ListToolsByPage(s.ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, tool := range list.Tools {
			names = append(names, tool.Name)
		}
		pages = append(pages, names)
		if r.Params.Cursor = list.NextCursor; r.Params.Cursor == "" {
			return pages
		}
	}
}

func TestPagesAreFullAndTellNothingOfOthersTools(t *testing.T) {
	f := newFixture(t, mcpserver.Options{PageSize: 1})
	s := connectHTTP(t, f, desk)
	f.mount(t, far("secret", anySchema, `{"content":[]}`))
	r := mcp.ListToolsRequest{}
	for _, want := range []string{"note_add", "note_read", "note_send"} {
		list, err := s.ListToolsByPage(s.ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Tools) != 1 || list.Tools[0].Name != want {
			t.Fatalf("page %+v, want %s", list.Tools, want)
		}
		if r.Params.Cursor = list.NextCursor; want != "note_send" {
			if name, err := base64.StdEncoding.DecodeString(string(list.NextCursor)); err != nil || string(name) != want {
				t.Errorf("the cursor behind %s says %q, %v", want, name, err)
			}
		}
	}
	if r.Params.Cursor != "" {
		t.Errorf("there is a page behind the last: %q", r.Params.Cursor)
	}
}

func TestListGoesOnBehindAToolThatWentAway(t *testing.T) {
	f := newFixture(t, mcpserver.Options{PageSize: 1})
	s := connectHTTP(t, f, shop)
	f.mount(t, far("a", anySchema, `{"content":[]}`))
	first, err := s.ListToolsByPage(s.ctx, mcp.ListToolsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	f.mount(t)
	next := mcp.ListToolsRequest{}
	next.Params.Cursor = first.NextCursor
	second, err := s.ListToolsByPage(s.ctx, next)
	if err != nil || !slices.ContainsFunc(second.Tools, func(tool mcp.Tool) bool { return tool.Name == "note_add" }) {
		t.Errorf("got %+v, %v", second, err)
	}
}

func TestCursorThatIsNoneIsRefused(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	r := mcp.ListToolsRequest{}
	r.Params.Cursor = "not base64!"
	if list, err := connectHTTP(t, f, desk).ListToolsByPage(t.Context(), r); err == nil {
		t.Errorf("got %+v", list)
	}
}
