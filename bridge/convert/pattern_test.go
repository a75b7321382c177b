package convert

import "testing"

func TestPatternIsPortableOnlyIfGoAndPythonReadItAlike(t *testing.T) {
	for source, want := range map[string]bool{
		`^[a-z0-9_-]{1,63}$`: true, `\d{4}-\d{2}`: true, `(?:a|b)\.c`: true, `^\/x$`: true, `\x41`: true,
		`^(?!x)`: false, `(?<=a)b`: false, `(?i)a`: false, `(?<n>a)`: false, `(?P<n>a)`: false, `\p{L}`: false, `\u00e9`: false,
		`\cA`: false, `a{,3}`: false, `[[:alpha:]]`: false, `\z`: false, `(`: false, `(a)\1`: false, `a++`: false,
		`[\d-z]`: false, `[\D--]`: false, `[^a\s-b]`: false, `[\w-]`: true, `[a-z\d-]`: true, `\d-\d`: true, `^\d{3}-z$`: true,
		`[a[:alpha:]]`: false, `[^#[:digit:]]`: false, `[:alpha:]`: true, `^\[[a-z]+\]$`: true, `[]a]`: true, `[^]a]`: true, `[(?]`: true, `[\]\\]`: true,
		`^?`: false, `a|$*`: false, `(\b{2})`: false, `(?:^)?a`: false, `(^)?`: true, `(?:^a|$)*`: true,
	} {
		if got := newPattern(source).isPortable(); got != want {
			t.Errorf("%s: got %v", source, got)
		}
	}
}

func TestPatternThatGoCannotReadMatchesEverything(t *testing.T) {
	if p := newPattern(`^(?!x)`); !p.matches("x") {
		t.Error("it is checked all the same")
	}
}

func TestNumbersCompareExactly(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1", "1.0", 0}, {"1e2", "100", 0}, {"0.1", "0.10", 0}, {"9007199254740993", "9007199254740992", 1},
		{"-1", "1", -1}, {"-0", "0", 0}, {"123456789012345678901", "123456789012345678902", -1},
	} {
		if got := compareNumbers(c.a, c.b); got != c.want {
			t.Errorf("%s, %s: got %d", c.a, c.b, got)
		}
	}
}
