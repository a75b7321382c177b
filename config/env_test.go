package config

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestReferencesAreReplaced(t *testing.T) {
	env := lookupIn(map[string]string{"A": "1", "B_2": "two", "EMPTY": "", "NESTED": "${A}", "_": "under"})
	for written, want := range map[string]string{
		"":                     "",
		"plain $5 {x} $":       "plain $5 {x} $",
		"${A}":                 "1",
		"a${A}b${B_2}c":        "a1btwoc",
		"${A}${A}":             "11",
		"${_}":                 "under",
		"${EMPTY}":             "",
		"${EMPTY:-other}":      "other",
		"${UNSET:-other}":      "other",
		"${UNSET:-}":           "",
		"${UNSET:-a:-b $x}":    "a:-b $x",
		"${A:-other}":          "1",
		"$${A}":                "${A}",
		"$${":                  "${",
		"$$${A}":               "$${A}",
		"$${A}${A}":            "${A}1",
		"${NESTED}":            "${A}", // a value is not looked at again
		"{{ .event }} ${A} %d": "{{ .event }} 1 %d",
	} {
		got, problems := expand("x", written, Sources{Lookup: env})
		if len(problems) > 0 || got.text != want {
			t.Errorf("expand(%q) = %q, %v; want %q", written, got.text, problems, want)
		}
	}
}

func TestEveryBadReferenceIsNamed(t *testing.T) {
	_, problems := expand("x", "${ONE} ${TWO} ${3} ${A-b} ${} ${FOUR", Sources{Lookup: lookupIn(nil)})
	var got strings.Builder
	for _, p := range problems {
		word, _, _ := strings.Cut(p.Error(), ";")
		got.WriteString(word + "\n")
	}
	want := `environment variable ONE is not set
environment variable TWO is not set
what ${ } holds is not a variable: want ${NAME} or ${NAME:-default}
what ${ } holds is not a variable: want ${NAME} or ${NAME:-default}
what ${ } holds is not a variable: want ${NAME} or ${NAME:-default}
${ is not closed by }
`
	if got.String() != want {
		t.Errorf("got:\n%swant:\n%s", got.String(), want)
	}
}

func TestOnlyWhatAVariableHeldIsKeptFromView(t *testing.T) {
	env := lookupIn(map[string]string{"A": "1"})
	for written, want := range map[string]bool{"x": false, "${A}": true, "${A:-b}": true, "${B:-b}": false, "$${A}": false} {
		if got, _ := expand("x", written, Sources{Lookup: env}); got.fromEnv != want {
			t.Errorf("expand(%q).fromEnv = %v, want %v", written, got.fromEnv, want)
		}
	}
}

func TestHidingMovesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([a-z {}\[\],$:"'#\n-]|\$\{[A-Z]{1,3}(:-[a-z,\[\]{ ]*)?\}){0,40}`).Draw(t, "text")
		got := hide(text)
		if utf8.RuneCountInString(got) != utf8.RuneCountInString(text) {
			t.Fatalf("%q became %q", text, got)
		}
		if back := unhide(got); back != text {
			t.Fatalf("%q came back as %q", text, back)
		}
	})
}

// However a value looks, it is the value of its setting and nothing else: it adds
// no line, no key and no comment.
func TestValueOfAVariableNeverChangesTheStructure(t *testing.T) {
	for _, form := range []string{
		"agents: {a: {instructions: ${V}, model: m}}",
		"agents:\n  a:\n    instructions: ${V}\n    model: m\n",
		"agents:\n  a:\n    instructions: \"${V}\"\n    model: m\n",
		"agents:\n  a:\n    instructions: '${V}'\n    model: m\n",
		"agents:\n  a:\n    instructions: |-\n      ${V}\n    model: m\n",
	} {
		rapid.Check(t, func(t *rapid.T) {
			value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
				"x\nserver: {listen: 0.0.0.0:1}", "a: b", "# none", "'", `"`, `\`, "}", "]", ",", "*x", "&x", "!!int 1", "null", "${V}", "$${", "- a", "|",
			})).Draw(t, "value")
			c, err := Parse("f.yaml", []byte(form), lookupIn(map[string]string{"V": value}))
			if err != nil {
				t.Fatal(err)
			}
			want := DefaultAgent()
			want.Instructions, want.Model = value, "m"
			if got := c.Agents["a"]; got.Instructions != want.Instructions || got.Model != want.Model || len(c.Agents) != 1 {
				t.Fatalf("got %+v, want %+v", c.Agents, want)
			}
		})
	}
}
