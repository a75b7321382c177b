package emailtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

var templateTests = []test{
	{"TemplateListSaysWhatEachNeeds", templatesListed},
	{"TemplateListPages", templatesPaged},
	{"TemplateIsFilledAndSent", templateSent},
	{"WrongVariableIsNamed", templateVariables},
	{"VariableCannotAddAHeader", templateInjection},
}

var greeting = email.Template{
	Name:        "greeting",
	Description: "Greets a customer.",
	Subject:     "Hello {{ .name }}",
	Text:        "Dear {{ .name }},\nwelcome to {{.shop}}.",
	HTML:        `<p title="{{ .name }}">Dear {{ .name }}, welcome to {{ .shop }}.</p>`,
}

// greet are arguments that send greeting.
func greet(variables map[string]string) args {
	return args{"template": "greeting", "to": []string{"ada@example.com"}, "variables": variables}
}

func templatesListed(d *door) {
	d.AddTemplate(d.T, greeting)
	got := must[email.TemplateList](d, email.ToolListTemplates, args{})
	want := email.TemplateList{Templates: []email.TemplateInfo{{
		Name: "greeting", Description: "Greets a customer.", Variables: []string{"name", "shop"},
		Subject: greeting.Subject, Text: greeting.Text, HasHTML: true,
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		d.Errorf("templates (-want +got):\n%s", diff)
	}
}

func templatesPaged(d *door) {
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("template_%d", i)
		want = append(want, name)
		d.AddTemplate(d.T, email.Template{Name: name, Subject: "s", Text: "t"})
	}
	for limit := 1; limit <= 8; limit++ {
		var got []string
		for cursor := ""; ; {
			page := must[email.TemplateList](d, email.ToolListTemplates, paged(args{}, limit, cursor))
			for _, template := range page.Templates {
				got = append(got, template.Name)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			d.Errorf("pages of %d give %q, want %q", limit, got, want)
		}
	}
	d.refused(tools.Invalid, "cursor", email.ToolListTemplates, args{"cursor": "not a cursor"})
}

func templateSent(d *door) {
	d.AddTemplate(d.T, greeting)
	sent := must[email.Receipt](d, email.ToolSendTemplate, greet(map[string]string{"name": `Zoë <b> & "co"`, "shop": "Kettles"}))
	if sent.Status != email.Sent || sent.Delivery != d.Delivery {
		d.Errorf("receipt says %+v, want it sent", sent)
	}
	got := readBack(d, d.Wire(d.T, sent.ID).Raw)
	if want := `Hello Zoë <b> & "co"`; got.Header["Subject"] != want {
		d.Errorf("subject is %q, want %q", got.Header["Subject"], want)
	}
	if want := "Dear Zoë <b> & \"co\",\nwelcome to Kettles."; got.Text != want {
		d.Errorf("text is %q, want %q", got.Text, want)
	}
	if strings.Contains(got.HTML, "<b>") || !strings.Contains(got.HTML, "Dear Zoë &lt;b&gt; &amp;") {
		d.Errorf("html does not escape its variables: %q", got.HTML)
	}
}

func templateVariables(d *door) {
	d.AddTemplate(d.T, greeting)
	for words, variables := range map[string]map[string]string{
		"variables.shop: is missing":                  {"name": "Ada"},
		"variables.nmae: is not a variable":           {"name": "Ada", "shop": "Kettles", "nmae": "Ada"},
		"variables.name: has 4001 characters":         {"name": strings.Repeat("é", email.MaxVariableValue+1), "shop": "Kettles"},
		"subject: has 406 characters, at most 255":    {"name": strings.Repeat("a", 400), "shop": "Kettles"},
		"variables.name: is missing; template greeti": nil,
	} {
		d.refused(tools.Invalid, words, email.ToolSendTemplate, greet(variables))
	}
	d.refused(tools.NotFound, `no template "farewell"`, email.ToolSendTemplate, greet(nil).with(args{"template": "farewell"}))
}

func templateInjection(d *door) {
	d.AddTemplate(d.T, greeting)
	d.refused(tools.Invalid, "variables.name: holds a line break", email.ToolSendTemplate,
		greet(map[string]string{"name": "Ada\r\nBcc: victim@example.com", "shop": "Kettles"}))
	// In a body, a line break is only that.
	sent := must[email.Receipt](d, email.ToolSendTemplate, greet(map[string]string{"name": "Ada", "shop": "Kettles\r\n\r\nBcc: victim@example.com"}))
	if header := readBack(d, d.Wire(d.T, sent.ID).Raw).Header; header["Bcc"] != "" {
		d.Errorf("a variable in the body added a header: %q", header)
	}
}
