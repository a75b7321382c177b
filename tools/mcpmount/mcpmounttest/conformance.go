package mcpmounttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/tools/mcpmount"

	"github.com/google/go-cmp/cmp"
)

// Run checks that a book does what a mount relies on. open gives an empty book for
// each test.
func Run(t *testing.T, open func(t *testing.T) mcpmount.Book) {
	for name, test := range map[string]func(*testing.T, mcpmount.Book){
		"gives back what was kept, byte for byte": givesBack,
		"replaces by tool and removes":            replaces,
		"keeps mounts apart":                      keepsApart,
		"adds what it also removes":               addsLast,
		"keeps nothing when the caller is gone":   keepsNothing,
		"takes writers at the same time":          takesWriters,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// at has no finer part than a millisecond: stores keep no more.
var at = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)

func definition(tool, hash string) mcpmount.Definition {
	return mcpmount.Definition{Tool: tool, Hash: hash, JSON: json.RawMessage(`{"name":"` + tool + `"}`), AcceptedAt: at}
}

func keep(t *testing.T, b mcpmount.Book, mount string, add []mcpmount.Definition, remove ...string) {
	t.Helper()
	if err := b.Keep(t.Context(), mount, add, remove); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, b mcpmount.Book, mount string, want ...mcpmount.Definition) {
	t.Helper()
	got, err := b.Definitions(t.Context(), mount)
	if err != nil {
		t.Fatal(err)
	}
	byTool := func(a, b mcpmount.Definition) int { return strings.Compare(a.Tool, b.Tool) }
	slices.SortFunc(got, byTool)
	slices.SortFunc(want, byTool)
	for i := range got {
		got[i].AcceptedAt = got[i].AcceptedAt.UTC()
	}
	whole := cmp.Comparer(func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
	if len(got)+len(want) > 0 && !cmp.Equal(want, got, whole) {
		t.Errorf("definitions of %s (-want +got):\n%s", mount, cmp.Diff(want, got, whole))
	}
}

func givesBack(t *testing.T, b mcpmount.Book) {
	expect(t, b, "shop")
	odd := mcpmount.Definition{
		Tool: "Größe/..\x01' \"; --", Hash: strings.Repeat("ab", 32), AcceptedAt: at,
		JSON: json.RawMessage("{ \"n\": 1.0e400,\t\"s\":\"\\u0000<>&\u2028ü\" }" + strings.Repeat(" ", 1<<20)),
	}
	keep(t, b, "shop", []mcpmount.Definition{odd, definition("list", "1")})
	expect(t, b, "shop", odd, definition("list", "1"))
}

func replaces(t *testing.T, b mcpmount.Book) {
	keep(t, b, "shop", []mcpmount.Definition{definition("a", "1"), definition("b", "1"), definition("c", "1")})
	keep(t, b, "shop", []mcpmount.Definition{definition("a", "2")}, "b", "never there")
	expect(t, b, "shop", definition("a", "2"), definition("c", "1"))
	keep(t, b, "shop", nil)
	expect(t, b, "shop", definition("a", "2"), definition("c", "1"))
}

func keepsApart(t *testing.T, b mcpmount.Book) {
	keep(t, b, "shop", []mcpmount.Definition{definition("a", "1")})
	keep(t, b, "shop_two", []mcpmount.Definition{definition("a", "2"), definition("A", "3")})
	keep(t, b, "shop_two", nil, "a")
	expect(t, b, "shop", definition("a", "1"))
	expect(t, b, "shop_two", definition("A", "3"))
}

func addsLast(t *testing.T, b mcpmount.Book) {
	keep(t, b, "shop", []mcpmount.Definition{definition("a", "1")})
	keep(t, b, "shop", []mcpmount.Definition{definition("a", "2")}, "a")
	expect(t, b, "shop", definition("a", "2"))
}

func keepsNothing(t *testing.T, b mcpmount.Book) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Keep(ctx, "shop", []mcpmount.Definition{definition("a", "1")}, nil); err == nil {
		t.Error("Keep succeeded with a context that was over")
	}
	if _, err := b.Definitions(ctx, "shop"); err == nil {
		t.Error("Definitions succeeded with a context that was over")
	}
	expect(t, b, "shop")
}

func takesWriters(t *testing.T, b mcpmount.Book) {
	var all sync.WaitGroup
	var want []mcpmount.Definition
	for i := range 20 {
		d := definition(fmt.Sprintf("tool_%02d", i), "1")
		want = append(want, d)
		all.Go(func() {
			if err := b.Keep(t.Context(), "shop", []mcpmount.Definition{d}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	expect(t, b, "shop", want...)
}
