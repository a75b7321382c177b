package email

import (
	"context"

	"drawbridge/tools"
)

// TemplateInfo is a template as a tool's caller sees it.
type TemplateInfo struct {
	Name        string   `json:"name" jsonschema:"The template's name, for email_send_template." example:"order_delayed"`
	Description string   `json:"description" jsonschema:"When to use it." example:"Tells a customer that an order will arrive late."`
	Variables   []string `json:"variables" jsonschema:"The names of the variables, all of which email_send_template needs." example:"customer_name"`
	Subject     string   `json:"subject" jsonschema:"The subject, with placeholders." example:"Your order {{ .order_number }} is delayed"`
	Text        string   `json:"text" jsonschema:"The plain text body, with placeholders." example:"Hello {{ .customer_name }},"`
	HasHTML     bool     `json:"has_html" jsonschema:"Whether it has an HTML body too."`
}

// TemplateList is one page of templates.
type TemplateList struct {
	Templates  []TemplateInfo `json:"templates" jsonschema:"The templates, by name."`
	NextCursor string         `json:"next_cursor,omitempty" jsonschema:"Pass as cursor to get the next page. Absent on the last page."`
}

// TemplatePage is the input of ListTemplates.
type TemplatePage struct {
	tools.Page
}

// TemplateMail is a template and what fills it.
type TemplateMail struct {
	Recipients
	Template  string            `json:"template" jsonschema:"The template's name, from email_list_templates." minLength:"1" maxLength:"64" example:"order_delayed"`
	Variables map[string]string `json:"variables,omitempty" jsonschema:"A value for each of the template's variables, as text of at most 4000 characters; no others. Values are escaped where they stand in HTML." example:"{\"customer_name\":\"Ada\",\"order_number\":\"1042\"}"`
}

// ListTemplates lists the templates by name.
func (e *Email) ListTemplates(ctx context.Context, in TemplatePage) (TemplateList, error) {
	templates, err := as[Templates](e, ToolListTemplates)
	if err != nil {
		return TemplateList{}, err
	}
	list, err := templates.ListTemplates(ctx, in.Page)
	return list, readError(ToolListTemplates, err)
}

// SendTemplate fills a template and sends the result now.
func (e *Email) SendTemplate(ctx context.Context, in TemplateMail) (Receipt, error) {
	templates, err := as[Templates](e, ToolSendTemplate)
	if err != nil {
		return Receipt{}, err
	}
	m, err := in.mail()
	if err != nil {
		return Receipt{}, err
	}
	if n := len(in.Variables); n > MaxVariables {
		return Receipt{}, tools.Errorf(tools.Invalid, "variables: has %d, at most %d are allowed", n, MaxVariables)
	}
	receipt, err := templates.SendTemplate(ctx, in.Template, in.Variables, m)
	return receipt, e.writeError(ctx, ToolSendTemplate, err)
}

// Info is t as a tool's caller sees it.
func (t Template) Info() (TemplateInfo, error) {
	names, err := t.Variables()
	if err != nil {
		return TemplateInfo{}, err
	}
	if names == nil {
		names = []string{}
	}
	return TemplateInfo{
		Name:        t.Name,
		Description: t.Description,
		Variables:   names,
		Subject:     t.Subject,
		Text:        t.Text,
		HasHTML:     t.HTML != "",
	}, nil
}

// NoTemplate is the answer to a name that no template has.
func NoTemplate(name string) error {
	return tools.Errorf(tools.NotFound, "template: there is no template %q. See %s for their names.", name, ToolListTemplates)
}

func (e *Email) listTemplatesTool() tools.Tool {
	return tools.Define(tools.Spec{
		Name:        ToolListTemplates,
		Title:       "List email templates",
		Description: "Lists the templates there are, what each is for, its text, and the variables it needs. Look here before writing a message of a common kind.",
		Effect:      tools.Read,
	}, e.ListTemplates)
}

func (e *Email) sendTemplateTool() tools.Tool {
	return tools.Define(tools.Spec{
		Name:  ToolSendTemplate,
		Title: "Send an email from a template",
		Description: "Fills a template with the variables given and sends it now. It cannot be called back. Find the template and its variables with email_list_templates. " +
			"Read delivery in the result before you say that anyone has received it.",
		Effect:     tools.Message,
		Idempotent: e.driver.Idempotent(),
		OpenWorld:  true,
	}, e.SendTemplate)
}
