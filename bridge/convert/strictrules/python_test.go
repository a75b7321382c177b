package strictrules

import "testing"

// What Python 3.11's re says of each of these was asked of it once; what is said
// here to be refused although re takes it is marked.
func TestPatternsCompileAsInPython(t *testing.T) {
	for _, pattern := range []string{
		``, `a`, `a|b|`, `|`, `^a$`, `^`, `$`, `.`, `a*`, `a+?`, `a??`, `a{2}`, `a{2,}`, `a{,3}`, `a{,}`, `a{2,3}?`, `a{`, `a{}`, `a{x}`, `a{1`, `{`, `{}`, `}`, `]`, `a{1,2`,
		`[a]`, `[]a]`, `[^]a]`, `[^a-z]`, `[a-]`, `[-a]`, `[\]]`, `[\w-]`, `[-\w]`, `[\b]`, `[\-\/\.]`, `[a\-z]`, `[é-ü]`, `[.]`, `[$^]`, `[\x41-\x5a]`, `[\0-\37]`, `[\101]`,
		`\d\D\w\W\s\S`, `\A\Z`, `\b\B`, `\.\/\-\_\ \@\"`, `\x41`, `\u0041`, `\U0001F600`, `\0`, `\07`, `\012`, `\101`, `\é`, `\n\r\t\f\v\a`,
		`(a)`, `(a)\1`, `((a)\2)`, `(?:a)`, `(?:a*)*`, `(a*)*`, `(?=a)*`, `(?P<n>a)`, `(?i)a`, `(?i:a)`, `(?im-s:a)`, `(?-i:a)`, `(?=a)`, `(?!a)b`, `(?<=ab)c`, `(?<!a|b)c`, `(?<=a{2})`, `(?<=(?:ab|cd))`,
		`^(?:[a-z0-9]+\.)*[a-z]{2,}$`, `^#[0-9a-fA-F]{6}$`, `()`, `(|a)`, `a{0}`,
	} {
		if _, err := parsePython(pattern); err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	for _, pattern := range []string{
		`(`, `)`, `a)`, `(a`, `[`, `[]`, `[^]`, `[a`, `[z-a]`, `[\w-a]`, `[a-\d]`, `[a-`, `*`, `+a`, `?`, `{2}`, `{,2}`, `a**`, `a*{2}`, `a{2}{3}`, `^*`, `$+`, `\b*`, `|*`, `(*)`,
		`a{3,2}`, `a{4294967295}`, `a{99999999999999999999}`, `\`, `a\`, `\p{L}`, `\P{L}`, `\pL`, `\cA`, `\e`, `\g`, `\h`, `\k<n>`, `\z`, `\i`, `\u{41}`, `\u41`, `\x4`, `\x{41}`, `\U00110000`, `\400`,
		`[\p{L}]`, `[\8]`, `[\A]`, `[\z]`, `[\400]`, `(?<n>a)`, `(?P<n>a)(?P<n>b)`, `(?P<1>a)`, `(?P<>a)`, `(?P<n`, `(?P>n)`, `(?P=n)`, `(?`, `(?z)`, `(?i`, `a(?i)`, `(?i-:a)`, `(?i-i:a)`, `(?<=a*)b`, `(?<=a|bc)d`, `(?#x`,
		`\1`, `(a)\2`, `(\1)`, `(a)(?<=\1)`, `(?|a)`,
		// Python takes these, or some versions do.
		`a*+`, `a++`, `(?>a)`, `(?x)a b`, `(a)(?(1)b|c)`, `(?P<n>a)(?P=n)`, `\N{DIGIT ONE}`, `(?a:b)`, `(?#x)`,
	} {
		if _, err := parsePython(pattern); err == nil {
			t.Errorf("%s compiles", pattern)
		}
	}
}

func TestReferencesAreReadAsTheRFCSays(t *testing.T) {
	for _, s := range []string{``, `#`, `a`, `/a/b?c=d#e`, `#/$defs/a`, `#/a%20b`, `http://example.com/a`, `urn:uuid:1`, `//host/x`, `http://[::1]:80/x`, `./a:b`, `?a:b`, `a.json#`} {
		if !isReference(s) {
			t.Errorf("refuses %q", s)
		}
	}
	for _, s := range []string{`a b`, `#a#b`, `%zz`, `#%4`, `%4g`, `%g4`, `a<b>`, `"`, `1:b`, `:a`, `a_b:c`, `[a]`, `é`, `a\b`, `{id}`, `^`, "a\n", `http://a[b]/`, `http://[::1]/[x]`} {
		if isReference(s) {
			t.Errorf("takes %q", s)
		}
	}
}

func TestWholeNumbersAreKnownHoweverSpelt(t *testing.T) {
	for _, s := range []string{`0`, `-0`, `0.0`, `1`, `1.0`, `1e2`, `1.5e1`, `100e-2`, `0e-999999999`, `1e999999999999999999999`, `120.00e-1`} {
		if !isInteger(s) {
			t.Errorf("%s is not whole", s)
		}
	}
	for _, s := range []string{`0.1`, `1e-1`, `1.55e1`, `1e-999999999999999999999`, `105e-1`} {
		if isInteger(s) {
			t.Errorf("%s is whole", s)
		}
	}
}
