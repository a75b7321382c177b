package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scalars are the values of a file's lines, more or less: what stands behind a colon.
var scalars = regexp.MustCompile(`: +("[^"\n]*"|'[^'\n]*'|[^ \n{}\[\],"'#|>&*][^\n{}\[\],#]*)`)

// A reference may stand in any setting, by mistake too, and what is wrong with the
// setting is then said without its value.
func TestNoProblemShowsTheValueOfAReference(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files (%v)", err)
	}
	texts := []string{contract, located, string(withExamples())}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	tried, shown := 0, map[string]bool{}
	for _, text := range texts {
		for _, at := range scalars.FindAllStringSubmatchIndex(text, -1) {
			tried++
			c, err := Parse("f.yaml", []byte(text[:at[2]]+`"${SECRET}"`+text[at[3]:]), func(string) (string, bool) { return quiet, true })
			said := ""
			if err != nil {
				said = err.Error()
			} else {
				said = c.Warnings().Error()
			}
			for line := range strings.Lines(said) {
				if strings.Contains(line, quiet) && !shown[line] {
					shown[line] = true
					t.Errorf("with a reference in the place of %s: %s", text[at[2]:at[3]], line)
				}
			}
		}
	}
	if tried < 1000 {
		t.Errorf("tried %d only: is the pattern still right?", tried)
	}
}
