package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad finds files on which reading panics, reports something that is not
// Problems, or points outside of the file. A variable's value never shows, except
// where it is a name.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(contract))
	f.Add([]byte(located))
	f.Add(withExamples())
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("f.yaml", text, func(name string) (string, bool) { return quiet, !strings.HasPrefix(name, "NOT") })
		problems, ok := err.(Problems)
		if err != nil && (!ok || len(problems) == 0) {
			t.Fatalf("got %T %v, want Problems", err, err)
		}
		if err == nil && c.Validate() != nil {
			t.Fatal("loaded, and not valid")
		}
		lines := strings.Split(plainText(text), "\n")
		for _, p := range problems {
			if strings.Contains(p.String(), "\n") {
				t.Errorf("takes more than one line: %q", p)
			}
			if !strings.Contains(string(text), quiet) && strings.Contains(p.String(), quiet) {
				t.Errorf("shows the value of a variable: %v", p)
			}
			if p.Line < 0 || p.Line > len(lines) || p.Line > 0 && p.Column < 1 {
				t.Errorf("points outside of the file: %v", p)
			}
		}
		if c != nil {
			c.Warnings()
			c.Explain(new(strings.Builder))
			for path := range c.source.marks {
				c.ProblemAt(path, 1, 3, "odd")
				c.ProblemAt(path, 2, 1, "odd")
			}
		}
	})
}

func FuzzUnits(f *testing.F) {
	for _, text := range []string{"90s", "1d12h", "10MiB", "1.5GB", "25.00 EUR", "JPY 500", "0", "-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := ParseDuration(text); err == nil && d < 0 {
			t.Errorf("duration %q is %v", text, d)
		}
		if s, err := ParseSize(text); err == nil && s < 0 {
			t.Errorf("size %q is %v", text, s)
		}
		if m, err := ParseMoney(text); err == nil && (m.AmountMinor < 0 || len(m.Currency) != 3) {
			t.Errorf("money %q is %v", text, m)
		}
	})
}
