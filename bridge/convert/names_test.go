package convert

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var legal = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func TestLegalNamesStayAsTheyAre(t *testing.T) {
	for _, name := range []string{"a", "list_invoices", "getUser", "x-1", "__proto__", "-", "_", strings.Repeat("n", 64), "build_1234567", "v_1234567G", "deadbeef"} {
		if got := Names([]string{name})[name]; got != name {
			t.Errorf("%q became %q", name, got)
		}
	}
}

func TestOtherNamesBecomeReadableLegalOnes(t *testing.T) {
	for name, want := range map[string]string{
		"":                             `^tool_[0-9a-f]{8}$`,
		"...":                          `^tool_[0-9a-f]{8}$`,
		"todo.add":                     `^todo_add_[0-9a-f]{8}$`,
		"Größe / suchen":               `^Gr_e_suchen_[0-9a-f]{8}$`,
		"搜索":                           `^tool_[0-9a-f]{8}$`,
		"a\xff\xfeb":                   `^a_b_[0-9a-f]{8}$`,
		" padded ":                     `^padded_[0-9a-f]{8}$`,
		"kebab-case.too":               `^kebab-case_too_[0-9a-f]{8}$`,
		strings.Repeat("n", 65):        `^n{55}_[0-9a-f]{8}$`,
		strings.Repeat("n.", 5000):     `^(n_){27}n_[0-9a-f]{8}$`,
		"add_0123abcd":                 `^add_0123abcd_[0-9a-f]{8}$`,
		strings.Repeat("d", 64) + "\n": `^d{55}_[0-9a-f]{8}$`,
	} {
		if got := Names([]string{name})[name]; !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%.40q became %q, want %s", name, got, want)
		}
	}
}

func TestDotsAndUnderscoresDoNotCollide(t *testing.T) {
	names := Names([]string{"todo.add", "todo_add", "todo/add", "todo..add"})
	if names["todo_add"] != "todo_add" || len(values(names)) != 4 {
		t.Errorf("got %v", names)
	}
}

func TestReservedNamesAreNeverGivenAway(t *testing.T) {
	names := Names([]string{"find_tools", "read_result", "other"}, "find_tools", "read_result")
	if !strings.HasPrefix(names["find_tools"], "find_tools_") || !strings.HasPrefix(names["read_result"], "read_result_") || names["other"] != "other" {
		t.Errorf("got %v", names)
	}
	made := Names([]string{"a.b"})["a.b"]
	if got := Names([]string{"a.b"}, made)["a.b"]; got == made || !legal.MatchString(got) {
		t.Errorf("a made name that is reserved became %q", got)
	}
}

func TestToolCalledLikeAMadeNameDoesNotTakeIt(t *testing.T) {
	alone := Names([]string{"crm.delete"})["crm.delete"]
	names := Names([]string{alone, "crm.delete"})
	if names["crm.delete"] != alone || names[alone] == alone {
		t.Errorf("got %v", names)
	}
}

// Two names whose letters and whose first eight digits of the hash are the same,
// found by search.
func TestCollidingHashesAreToldApartWhateverTheOrder(t *testing.T) {
	a, b := "a/a:a.a/a:a.a.a/a.a.a.a.a", "a a/a.a a/a.a a a/a.a.a.a"
	there, back := Names([]string{a, b}), Names([]string{b, a})
	if !maps.Equal(there, back) || there[a] == there[b] {
		t.Errorf("got %v and %v", there, back)
	}
	if madeName(a, shortHash) != madeName(b, shortHash) {
		t.Fatal("these do not collide")
	}
}

// TestNamesAreLegalUniqueAndStable is the whole promise, for any strings.
func TestNamesAreLegalUniqueAndStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tools := rapid.SliceOfN(toolName(), 0, 40).Draw(t, "tools")
		more := rapid.SliceOfN(toolName(), 0, 10).Draw(t, "more")
		reserved := []string{"find_tools", "read_result"}
		names := Names(tools, reserved...)
		for _, tool := range tools {
			if !legal.MatchString(names[tool]) {
				t.Fatalf("%q became %q", tool, names[tool])
			}
			if slices.Contains(reserved, names[tool]) {
				t.Fatalf("%q was given the reserved %q", tool, names[tool])
			}
			if alone := Names([]string{tool}, reserved...)[tool]; alone != names[tool] {
				t.Fatalf("%q is %q alone and %q among others", tool, alone, names[tool])
			}
		}
		if len(values(names)) != len(names) {
			t.Fatalf("two tools share a name: %v", names)
		}
		if got := Names(rapid.Permutation(tools).Draw(t, "shuffled"), reserved...); !maps.Equal(got, names) {
			t.Fatalf("order matters: %v and %v", names, got)
		}
		with := Names(append(slices.Clone(tools), more...), reserved...)
		for tool, name := range names {
			if with[tool] != name {
				t.Fatalf("%q was %q and became %q when others came", tool, name, with[tool])
			}
		}
	})
}

// toolName draws names that are likely to be mistaken for each other, and any.
func toolName() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[ab][._/ ][ab]`),
		rapid.StringMatching(`[a-c]_[0-9a-f]{8}`),
		rapid.SampledFrom([]string{"", ".", "find_tools", "read_result", "find.tools", "é", "\xff"}),
		rapid.StringMatching(`[a-c._]{60,70}`),
		rapid.Custom(func(t *rapid.T) string {
			return madeName(rapid.StringMatching(`[ab][._/ ][ab]`).Draw(t, "of"), shortHash)
		}),
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
}

func values(names map[string]string) map[string]bool {
	out := map[string]bool{}
	for _, name := range names {
		out[name] = true
	}
	return out
}

func BenchmarkNames(b *testing.B) {
	var tools []string
	for i := range 1000 {
		tools = append(tools, fmt.Sprintf("server%d.tool_%d", i%10, i))
	}
	b.ReportAllocs()
	for b.Loop() {
		Names(tools, "find_tools")
	}
}
