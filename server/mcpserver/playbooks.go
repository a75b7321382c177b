package mcpserver

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Playbook is a way of doing something that an operator wrote down; clients offer it to
// people as a prompt. It does nothing by itself: the client's model gets the text, and
// what it then calls passes the guard.
type Playbook struct {
	Name, Description string
	Arguments         []PlaybookArgument
	// Text is what the model is told; {{name}} stands for an argument.
	Text string
}

// PlaybookArgument is a blank in a playbook.
type PlaybookArgument struct {
	Name, Description string
	Required          bool
	Values            []string // to be offered
	Of                string   // the name of the Resource whose ids are to be offered
}

var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_-]+)\s*\}\}`)

// addPlaybooks offers the playbooks as prompts.
func (s *Server) addPlaybooks(books []Playbook) {
	for _, book := range books {
		prompt := mcp.NewPrompt(book.Name, mcp.WithPromptDescription(book.Description))
		for _, a := range book.Arguments {
			prompt.Arguments = append(prompt.Arguments, mcp.PromptArgument{Name: a.Name, Description: a.Description, Required: a.Required})
		}
		s.mcp.AddPrompt(prompt, func(_ context.Context, request mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			text, err := book.fill(request.Params.Arguments)
			if err != nil {
				return nil, err
			}
			return mcp.NewGetPromptResult(book.Description, []mcp.PromptMessage{mcp.NewPromptMessage(mcp.RoleUser, mcp.NewTextContent(text))}), nil
		})
	}
}

// fill puts the arguments into the text. What they hold is text as well, never another
// place to fill.
func (b Playbook) fill(arguments map[string]string) (string, error) {
	known := map[string]bool{}
	for _, a := range b.Arguments {
		known[a.Name] = true
		if a.Required && strings.TrimSpace(arguments[a.Name]) == "" {
			return "", fmt.Errorf("the argument %q of the prompt %q is missing: %s", a.Name, b.Name, a.Description)
		}
	}
	for name := range arguments {
		if !known[name] {
			return "", fmt.Errorf("the prompt %q has no argument %q", b.Name, cutName(name))
		}
	}
	return placeholder.ReplaceAllStringFunc(b.Text, func(match string) string {
		return arguments[placeholder.FindStringSubmatch(match)[1]]
	}), nil
}

// cutName bounds a name that the client chose.
func cutName(name string) string { return name[:min(len(name), 100)] }

// completions answer while a person fills in an argument.
type completions struct{ server *Server }

var (
	_ server.PromptCompletionProvider   = completions{}
	_ server.ResourceCompletionProvider = completions{}
)

// CompletePromptArgument offers what a playbook's argument may be.
func (c completions) CompletePromptArgument(ctx context.Context, prompt string, a mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	for _, book := range c.server.options.Playbooks {
		for _, argument := range book.Arguments {
			switch {
			case book.Name != prompt || argument.Name != a.Name:
			case argument.Of != "":
				return c.server.completeResource(ctx, func(r Resource) bool { return r.Name == argument.Of }, a.Value), nil
			default:
				return offering(argument.Values, a.Value), nil
			}
		}
	}
	return &mcp.Completion{Values: []string{}}, nil
}

// CompleteResourceArgument offers the ids that a template can have.
func (c completions) CompleteResourceArgument(ctx context.Context, uri string, a mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	return c.server.completeResource(ctx, func(r Resource) bool { return r.template() == uri && a.Name == "id" }, a.Value), nil
}

// maxOffered is how many values a completion has at most (MCP 2025-11-25, completion).
const maxOffered = 100

// offering are the values that begin as the person has begun.
func offering(values []string, begun string) *mcp.Completion {
	fitting := []string{}
	for _, value := range values {
		if strings.HasPrefix(strings.ToLower(value), strings.ToLower(begun)) {
			fitting = append(fitting, value)
		}
	}
	return &mcp.Completion{Values: fitting[:min(len(fitting), maxOffered)], Total: len(fitting), HasMore: len(fitting) > maxOffered}
}
