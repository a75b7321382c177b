package webhook_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// delicate are words for what must be compared in a time that does not depend on it.
var delicate = regexp.MustCompile(`(?i)(secret|signature|\bmac\b|token|password|bearer|\bkey\b|apikey|sum|digest|hash)`)

// allowed are comparisons that only look like one of these, or that nobody outside can
// time, and why.
var allowed = map[string]string{
	"engine.go: strings.TrimSpace(secret) != secret":       "of the settings, before anything is served",
	"../auth/keys.go: other.hash == hash":                  "of the settings, before anything is served",
	"../auth/keys.go: other.principal.Name == key.Name":    "names",
	"explain.go: t.check == stepSignature":                 "the name of a check",
	`../auth/keys.go: strings.EqualFold(scheme, "Bearer")`: "the word before the key",
	"../auth/limits.go: p.Kind != Key":                     "the kind of a principal",
	"../auth/made.go: key.Name != name":                    "names",
	"../auth/secret.go: sumOf(key[:end]) != key[end:]":     "a checksum that anybody can work out, of the key that was sent",
}

// TestING17_SecretsAreComparedInConstantTime looks for == and != (and for
// bytes.Equal, strings.EqualFold and the like) on whatever is called a secret. A
// comparison with "", nil or a number tells whether something is there, and nothing
// of it.
func TestING17_SecretsAreComparedInConstantTime(t *testing.T) {
	compared := 0
	for _, dir := range []string{".", "../auth"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range comparisons(t, file, text) {
				compared++
				if delicate.MatchString(found) && allowed[filepath.ToSlash(file)+": "+found] == "" {
					t.Errorf("%s compares %s; use hmac.Equal or subtle.ConstantTimeCompare", file, found)
				}
			}
		}
	}
	if compared < 30 {
		t.Errorf("only %d comparisons found: the test looks at nothing", compared)
	}
	const leak = "package p\nfunc f(secret, got string) bool { return got == secret || bytes.Equal(x, mac) }"
	if n := len(comparisons(t, "leak.go", []byte(leak))); n != 2 {
		t.Errorf("%d of 2 leaks found", n)
	}
}

// comparisons lists those of a file whose sides are both unknown beforehand.
func comparisons(t *testing.T, name string, text []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	source := func(n ast.Node) string {
		return string(text[files.Position(n.Pos()).Offset:files.Position(n.End()).Offset])
	}
	var found []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch e := n.(type) {
		case *ast.BinaryExpr:
			if (e.Op == token.EQL || e.Op == token.NEQ) && !known(e.X) && !known(e.Y) {
				found = append(found, source(e))
			}
		case *ast.CallExpr:
			switch source(e.Fun) {
			case "bytes.Equal", "bytes.Compare", "strings.EqualFold", "strings.Compare", "slices.Equal", "reflect.DeepEqual":
				found = append(found, source(e))
			}
		}
		return true
	})
	return found
}

// known tells what is in the program's text: a literal, nil, a length.
func known(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false"
	case *ast.CallExpr:
		f, ok := e.Fun.(*ast.Ident)
		return ok && f.Name == "len"
	}
	return false
}
