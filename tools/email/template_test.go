package email

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
)

func TestTemplateKnowsItsVariables(t *testing.T) {
	template := Template{Name: "t", Subject: "{{ .b }} {{- .a -}}", Text: "{{.b}}{{/* no */}}", HTML: "<p>{{ .c }}</p>"}
	got, err := template.Variables()
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); err != nil || diff != "" {
		t.Errorf("variables: %v (-want +got):\n%s", err, diff)
	}
}

func TestTemplateIsOnlyPlaceholders(t *testing.T) {
	for _, text := range []string{
		"{{ if .a }}x{{ end }}", "{{ range .a }}x{{ end }}", `{{ template "x" }}`, "{{ .a.b }}", "{{ . }}", "{{ $x := .a }}",
		`{{ printf "%s" .a }}`, "{{ .a | html }}", `{{ "a" }}`, "{{ .a", "{{ with .a }}x{{ end }}", `{{ block "x" . }}y{{ end }}`,
	} {
		for name, template := range map[string]Template{
			"subject": {Name: "t", Subject: text, Text: "t"},
			"text":    {Name: "t", Subject: "s", Text: text},
			"html":    {Name: "t", Subject: "s", Text: "t", HTML: text},
		} {
			if err := template.Check(); err == nil || !strings.Contains(err.Error(), name+":") {
				t.Errorf("template with %s %q gives %v, want it refused", name, text, err)
			}
		}
	}
}

func TestUnusableTemplateIsRefused(t *testing.T) {
	for words, template := range map[string]Template{
		"name is not":          {Name: "Not a name", Subject: "s", Text: "t"},
		"a subject and a text": {Name: "t", Subject: "s"},
		"needs a subject":      {Name: "t", Text: "t"},
		"html: html/template:": {Name: "t", Subject: "s", Text: "t", HTML: `<a href="{{ .a }}`},
	} {
		if err := template.Check(); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("template %+v gives %v, want it to say %q", template, err, words)
		}
	}
}

func TestFillingEscapesInHTMLAlone(t *testing.T) {
	template := Template{Name: "t", Subject: "{{ .a }}", Text: "{{ .a }}\r\n\n", HTML: `<a href="{{ .url }}">{{ .a }}</a>`}
	var m Mail
	if err := template.Fill(map[string]string{"a": "<b> & c", "url": "javascript:alert(1)"}, &m); err != nil {
		t.Fatal(err)
	}
	want := Mail{Subject: "<b> & c", Text: "<b> & c", HTML: `<a href="#ZgotmplZ">&lt;b&gt; &amp; c</a>`}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("filled (-want +got):\n%s", diff)
	}
}

func TestTemplateWithoutVariablesSaysSo(t *testing.T) {
	err := Template{Name: "plain", Subject: "s", Text: "t"}.Fill(map[string]string{"a": "x"}, &Mail{})
	if tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), "has no variables") {
		t.Errorf("got %v", err)
	}
}

// FuzzFill holds that a value cannot reach the header, nor be taken for more of
// the template.
func FuzzFill(f *testing.F) {
	f.Add("Ada", "Kettles")
	f.Add("a\r\nBcc: x@example.com", "{{ .name }}")
	f.Add("<script>", "</p><script>")
	template := Template{Name: "t", Subject: "Hello {{ .name }}", Text: "[{{ .shop }}]", HTML: "<p>{{ .shop }}</p>"}
	f.Fuzz(func(t *testing.T, name, shop string) {
		var m Mail
		if err := template.Fill(map[string]string{"name": name, "shop": shop}, &m); err != nil {
			if tools.CodeOf(err) != tools.Invalid {
				t.Fatalf("refused with %v, want invalid", err)
			}
			return
		}
		if strings.ContainsAny(m.Subject, "\r\n") || m.Subject != strings.TrimSpace("Hello "+name) {
			t.Errorf("subject is %q of %q", m.Subject, name)
		}
		if want := canonicalText("[" + shop + "]"); m.Text != want {
			t.Errorf("text is %q, want %q", m.Text, want)
		}
		if strings.Count(m.HTML, "<") != 2 {
			t.Errorf("html has a tag of the value's: %q", m.HTML)
		}
	})
}
