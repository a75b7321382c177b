package mcpmount_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"

	"pgregory.net/rapid"
)

func TestSettingsMistakesAreAllNamed(t *testing.T) {
	good := mcpmount.Settings{Name: "git_hub2", Command: []string{"x"}}
	if _, err := mcpmount.New(good, mcpmount.Options{}); err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]mcpmount.Settings{
		"name":            {Name: "Git", Command: []string{"x"}},
		"single under":    {Name: "a__b", Command: []string{"x"}},
		"32":              {Name: strings.Repeat("a", 33), Command: []string{"x"}},
		"either":          {Name: "a"},
		"not both":        {Name: "a", Command: []string{"x"}, URL: "http://x"},
		"command":         {Name: "a", Command: []string{""}},
		"scheme":          {Name: "a", URL: "ftp://secret"},
		"names no host":   {Name: "a", URL: "http:///secret"},
		"no address":      {Name: "a", URL: "http://secret\x7f"},
		"user name":       {Name: "a", URL: "http://secret:secret@x"},
		"effects":         {Name: "a", Command: []string{"x"}, Effects: map[string]tools.Effect{"x": "harm"}},
		"env":             {Name: "a", Command: []string{"x"}, Env: map[string]string{"A=B": "secret"}},
		"headers":         {Name: "a", URL: "http://x", Headers: map[string]string{"A": "secret\r\nB: c"}},
		"not negative":    {Name: "a", Command: []string{"x"}, CallTimeout: -1},
		"name: \"\" is n": {},
	} {
		if _, err := mcpmount.New(bad, mcpmount.Options{}); err == nil || !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := mcpmount.New(mcpmount.Settings{Name: "B", URL: "x:"}, mcpmount.Options{}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two mistakes: %v", err)
	}
}

func TestMostExactEffectWins(t *testing.T) {
	effects := map[string]tools.Effect{
		"*": tools.Message, "get_*": tools.Read, "get_x*": tools.Write, "*_x": tools.Write, "get_money": tools.Money, "b*": tools.Read, "*c": tools.Write,
	}
	for name, want := range map[string]tools.Effect{
		"get_money": tools.Money, "get_a": tools.Read, "get_xy": tools.Write, "send": tools.Message,
		"get_x": tools.Write, // five literal characters before four
		"bc":    tools.Write, // one each: *c is first by the alphabet
	} {
		if got, ok := mcpmount.EffectOf(effects, name); !ok || got != want {
			t.Errorf("%s has the effect %q, want %q", name, got, want)
		}
	}
	if got, ok := mcpmount.EffectOf(map[string]tools.Effect{"get_*": tools.Read}, "set"); ok {
		t.Errorf("a tool that no pattern names got %q", got)
	}
}

func TestHintsCountOnlyIfTrusted(t *testing.T) {
	raw := `{"name":"x","annotations":{"title":"X!","readOnlyHint":true,"destructiveHint":false,"idempotentHint":true}}`
	s := mcpmount.Settings{Name: "a", Command: []string{"x"}}
	got := offer(t, s, raw)
	if got.Effect != tools.Write || !got.Destructive || got.Idempotent || got.Title != "X!" {
		t.Errorf("untrusted: %+v", got)
	}
	s.TrustHints, s.TrustResults = true, true
	if got = offer(t, s, raw); got.Effect != tools.Read || got.Destructive || !got.Idempotent || got.Taints || got.OpenWorld {
		t.Errorf("trusted: %+v", got)
	}
	if got = offer(t, s, `{"name":"x","annotations":{"readOnlyHint":true}}`); got.Destructive {
		t.Errorf("trusted to read only: %+v", got)
	}
	if got = offer(t, s, `{"name":"x"}`); got.Effect != tools.Write || !got.Destructive || got.Idempotent {
		t.Errorf("trusted and silent: %+v", got)
	}
	s.Effects = map[string]tools.Effect{"x": tools.Money}
	if got = offer(t, s, raw); got.Effect != tools.Money {
		t.Errorf("our word against a trusted hint: %+v", got)
	}
}

func offer(t *testing.T, s mcpmount.Settings, raw string) tools.Tool {
	t.Helper()
	tool, err := mcpmount.Offer(s, raw)
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

func TestHashIsOverWhatAModelActsOn(t *testing.T) {
	base := `{"name":"x","description":"d","inputSchema":{"a":1.0,"b":[1,2]}}`
	for _, same := range []string{
		`{ "inputSchema": {"b":[1, 2],"a":1.0}, "description":"\u0064", "name":"x" }`,
		`{"name":"x","description":"d","inputSchema":{"a":1.0,"b":[1,2]},"icons":[1],"_meta":{"v":2},"title":null}`,
	} {
		if hash(t, same) != hash(t, base) {
			t.Errorf("%s has another hash", same)
		}
	}
	for _, other := range []string{
		`{"name":"y","description":"d","inputSchema":{"a":1.0,"b":[1,2]}}`,
		`{"name":"x","description":"e","inputSchema":{"a":1.0,"b":[1,2]}}`,
		`{"name":"x","description":"d","inputSchema":{"a":1.0,"b":[2,1]}}`,
		`{"name":"x","description":"d","inputSchema":{"a":1.0,"b":[1,2]},"title":"t"}`,
		`{"name":"x","description":"d","inputSchema":{"a":1.0,"b":[1,2]},"outputSchema":{}}`,
		`{"name":"x","description":"d","inputSchema":{"a":1.0,"b":[1,2]},"annotations":{"readOnlyHint":true}}`,
	} {
		if hash(t, other) == hash(t, base) {
			t.Errorf("%s has the same hash", other)
		}
	}
	// A description under a name that only a careless reader takes for one.
	sly := `{"name":"x","Description":"d","inputSchema":{"a":1.0,"b":[1,2]}}`
	if tool := offer(t, mcpmount.Settings{Name: "a", Command: []string{"x"}}, sly); tool.Description != "" {
		t.Errorf("it shows %q, which is not hashed", tool.Description)
	}
}

func hash(t *testing.T, raw string) string {
	t.Helper()
	h, err := mcpmount.HashOf(raw)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var legalName = regexp.MustCompile(`^shop__[A-Za-z0-9_.-]{1,122}$`)

func TestOfferedNamesAreLegalAndTellToolsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z./ü _-]{1,200}`)).Filter(func(s string) bool { return s != "" })
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		x, y := mcpmount.OfferedName("shop", a), mcpmount.OfferedName("shop", b)
		if !legalName.MatchString(x) {
			t.Fatalf("%q became %q", a, x)
		}
		if a != b && x == y {
			t.Fatalf("%q and %q both became %q", a, b, x)
		}
		if legalName.MatchString("shop__"+a) && x != "shop__"+a {
			t.Fatalf("%q, which is legal, became %q", a, x)
		}
	})
}

func TestSecretsAndControlCharactersStayOutOfLogs(t *testing.T) {
	s := mcpmount.Settings{
		Env:     map[string]string{"KEY": "abcdefgh", "LONGER": "abcdefgh-ij", "FLAG": "true"},
		Headers: map[string]string{"Authorization": "Bearer tok-en-123"},
		URL:     "https://x/?key=query-secret",
	}
	got := mcpmount.Clean(s, "a abcdefgh-ij abcdefgh tok-en-123 query-secret true\x1b[31m\n\xff", 200)
	if want := "a [redacted] [redacted] [redacted] [redacted] true [31m \uFFFD"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := mcpmount.Clean(s, strings.Repeat("ü", 50), 5); got != "üü [cut]" {
		t.Errorf("cut to %q", got)
	}
	if got := mcpmount.Clean(s, "1234 abcdefgh", 9); strings.Contains(got, "abc") {
		t.Errorf("half a secret in %q", got)
	}
}

func TestRetriesGrowToAMinute(t *testing.T) {
	for failures, longest := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 7: time.Minute, 1000: time.Minute} {
		for range 100 {
			if got := mcpmount.RetryIn(failures); got < longest/2 || got > longest {
				t.Fatalf("after %d failures it waits %v", failures, got)
			}
		}
	}
}

func TestLinesAreBounded(t *testing.T) {
	for _, c := range []struct {
		text, want string
		err        bool
	}{
		{"short\r\nrest", "short", false},
		{strings.Repeat("x", 40) + "\n", strings.Repeat("x", 40), false},
		{strings.Repeat("x", 43), "", true},
		{"no end", "no end", true},
	} {
		got, err := mcpmount.ReadLine([]byte(c.text), 40)
		if got != c.want || (err != nil) != c.err {
			t.Errorf("%.10q: %q, %v", c.text, got, err)
		}
	}
}

func TestEventsAreReadAsTheStandardSays(t *testing.T) {
	var got []string
	text := "\n: comment\nevent: a\ndata: 1\ndata:  2\n\nid: 3\n\ndata\n\ndata: {\"x\":\"y:z\"}\r\n\r\nretry: 1\ndata: last"
	err := mcpmount.ReadEvents([]byte(text), 100, func(name, data string) { got = append(got, name+"="+data) })
	if want := "a=1\n 2|=|={\"x\":\"y:z\"}|=last"; strings.Join(got, "|") != want || err == nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	long := strings.Repeat("data: xxxxxxxxxx\n", 20)
	if err := mcpmount.ReadEvents([]byte(long), 100, func(string, string) { t.Error("it gave an event longer than the limit") }); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("too long an event: %v", err)
	}
}
