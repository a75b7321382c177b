package tools_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
)

type nothing struct{}

func builtIn(name string) tools.Tool {
	return tools.Define(tools.Spec{Name: name, Title: name, Description: name, Effect: tools.Read},
		func(context.Context, nothing) (nothing, error) { return nothing{}, nil })
}

func mounted(name string) tools.Tool {
	return tools.Mounted(tools.Tool{Name: name, Effect: tools.Write, Input: json.RawMessage(`{}`)},
		func(context.Context, json.RawMessage) (json.RawMessage, error) { return json.RawMessage(name), nil })
}

func mountedAll(names ...string) []tools.Tool {
	var list []tools.Tool
	for _, name := range names {
		list = append(list, mounted(name))
	}
	return list
}

func names(c *tools.Catalog) []string {
	var names []string
	for _, tool := range c.All() {
		names = append(names, tool.Name)
	}
	return names
}

func TestMountReplacesTheToolsOfThatMountOnly(t *testing.T) {
	c := tools.NewCatalog([]tools.Tool{builtIn("note_add"), builtIn("crm_get")})
	for _, step := range []struct {
		mount string
		list  []tools.Tool
		want  []string
	}{
		{"git", mountedAll("git__push", "git__Log.all"), []string{"crm_get", "git__Log.all", "git__push", "note_add"}},
		{"docs", mountedAll("docs__search"), []string{"crm_get", "docs__search", "git__Log.all", "git__push", "note_add"}},
		{"git", mountedAll("git__pull"), []string{"crm_get", "docs__search", "git__pull", "note_add"}},
		{"git", nil, []string{"crm_get", "docs__search", "note_add"}},
		{"never", nil, []string{"crm_get", "docs__search", "note_add"}},
	} {
		if err := c.Mount(step.mount, step.list); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, names(c)); diff != "" {
			t.Errorf("after mounting %d tools of %s: %s", len(step.list), step.mount, diff)
		}
	}
	if _, ok := c.Lookup("git__pull"); ok {
		t.Error("an unmounted tool is still found")
	}
	if tool, ok := c.Lookup("docs__search"); !ok || !tool.Mounted {
		t.Errorf("got %+v, %v", tool, ok)
	}
}

func TestMountRefusesWhatIsNotTheMountsOwnAndChangesNothing(t *testing.T) {
	c := tools.NewCatalog([]tools.Tool{builtIn("git__status")})
	if err := c.Mount("git", mountedAll("git__push")); err != nil {
		t.Fatal(err)
	}
	c.Watch(func() { t.Error("told of a change that was none") })
	for _, test := range []struct {
		name, mount string
		list        []tools.Tool
		want        string
	}{
		{"another mount's name", "docs", mountedAll("git__pull"), `the name "git__pull" does not begin with "docs__"`},
		{"a family's name", "git", mountedAll("git__status"), `two tools are named "git__status"`},
		{"no name after the mount's", "git", mountedAll("git__"), `"git__" does not begin with`},
		{"one name twice", "git", mountedAll("git__a", "git__a"), `two tools are named "git__a"`},
		{"a built-in tool", "git", []tools.Tool{builtIn("git__b")}, "is not a mounted tool"},
		{"no mount", "", mountedAll("__a"), `does not begin`},
	} {
		err := c.Mount(test.mount, test.list)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "mounting ") {
			t.Errorf("%s: got %v", test.name, err)
		}
		if diff := cmp.Diff([]string{"git__push", "git__status"}, names(c)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	// Nothing of them comes up with a later change either.
	c = tools.NewCatalog([]tools.Tool{builtIn("git__status")})
	if err := c.Mount("git", mountedAll("git__status")); err == nil {
		t.Fatal("a taken name is mounted")
	}
	if err := c.Mount("docs", mountedAll("docs__search")); err != nil {
		t.Errorf("another mount suffers: %v", err)
	}
}

func TestWatcherSeesTheChangeAndMayMakeAnother(t *testing.T) {
	c := tools.NewCatalog()
	var seen [][]string
	c.Watch(func() {
		seen = append(seen, names(c))
		if len(seen) == 1 {
			if err := c.Mount("b", mountedAll("b__1")); err != nil {
				t.Error(err)
			}
		}
	})
	if err := c.Mount("a", mountedAll("a__1")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"a__1"}, {"a__1", "b__1"}}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestReaderSeesAllOfAChangeOrNothing(t *testing.T) {
	c := tools.NewCatalog([]tools.Tool{builtIn("a_read")})
	var changing sync.WaitGroup
	for _, mount := range []string{"m", "n"} {
		changing.Go(func() {
			for i := range 200 {
				list := mountedAll(fmt.Sprintf("%s__%d", mount, i), fmt.Sprintf("%s__%d_more", mount, i))
				if err := c.Mount(mount, list); err != nil {
					t.Error(err)
				}
			}
		})
	}
	changed := make(chan struct{})
	go func() { changing.Wait(); close(changed) }()
	for done := false; !done; {
		select {
		case <-changed:
			done = true
		default:
		}
		all := names(c)
		if !slices.IsSorted(all) || len(all)%2 != 1 {
			t.Fatalf("half a change: %q", all)
		}
	}
	if diff := cmp.Diff([]string{"a_read", "m__199", "m__199_more", "n__199", "n__199_more"}, names(c)); diff != "" {
		t.Error(diff)
	}
}

func TestTwoFamiliesWithOneNamePanic(t *testing.T) {
	defer func() {
		if fault, _ := recover().(string); !strings.Contains(fault, `two tools are named "a_b"`) {
			t.Errorf("got %q", fault)
		}
	}()
	tools.NewCatalog([]tools.Tool{builtIn("a_b")}, []tools.Tool{builtIn("a_b")})
}

func TestPatternsMatchNamesOfEveryKind(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"git__*", "git__Create-Issue.v2", true},
		{"git__*", "github__x", false},
		{"*.v2", "git__Create-Issue.v2", true},
		{"git__Create-Issue.v2", "git__Create-Issue.v2", true},
		{"git__create*", "git__Create-Issue.v2", false},
		{"*__*-*", "git__Create-Issue.v2", true},
		{"a*a", "a", false},
		{"*", "", true},
	} {
		if got := tools.Match([]string{"never", test.pattern}, test.name); got != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.name, got)
		}
	}
}
