package mcpserver

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// Resource is a kind of things that clients can read by their ids. To read one is to
// call a tool that reads: the same guard, the same rules, a row in the audit.
type Resource struct {
	// Name is the plural: "customers". The address of one is drawbridge://NAME/ID.
	Name, Title, Description string
	// Tool reads one, which Argument names to it.
	Tool, Argument string
	// Search finds those that begin somehow: a tool that reads, and gives a List of
	// objects of which ID is what names each. Query is the argument that gets what the
	// person has typed, "" if the tool lists all there are.
	Search, Query, List, ID string
}

func (r Resource) template() string { return "drawbridge://" + r.Name + "/{id}" }

func (r Resource) prefix() string { return "drawbridge://" + r.Name + "/" }

// addResources offers the templates.
func (s *Server) addResources(list []Resource) {
	for _, r := range list {
		template := mcp.NewResourceTemplate(r.template(), r.Name, mcp.WithTemplateDescription(r.Description), mcp.WithTemplateMIMEType("application/json"))
		template.Title = r.Title
		s.mcp.AddResourceTemplate(template, func(ctx context.Context, request mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			ctx, end := heeding(ctx)
			defer end()
			id, _ := strings.CutPrefix(request.Params.URI, r.prefix())
			result := s.call(ctx, r.Tool, map[string]any{r.Argument: id})
			if result.Err != nil {
				return nil, result.Err
			}
			return []mcp.ResourceContents{mcp.TextResourceContents{URI: request.Params.URI, MIMEType: "application/json", Text: string(result.Output)}}, nil
		})
	}
}

// hideResources leaves out of a list what the principal may not read.
func (s *Server) hideResources(hooks *server.Hooks) {
	hooks.AddAfterListResourceTemplates(func(ctx context.Context, _ any, _ *mcp.ListResourceTemplatesRequest, result *mcp.ListResourceTemplatesResult) {
		principal, _ := auth.From(ctx)
		result.ResourceTemplates = slices.DeleteFunc(result.ResourceTemplates, func(template mcp.ResourceTemplate) bool {
			return slices.ContainsFunc(s.options.Resources, func(r Resource) bool {
				return r.Name == template.Name && !s.guard.Visible(principal, r.Tool)
			})
		})
	})
}

// call makes a call for whoever sent the request.
func (s *Server) call(ctx context.Context, tool string, arguments map[string]any) guard.Result {
	principal, _ := auth.From(ctx)
	raw, err := json.Marshal(arguments)
	if err != nil {
		return guard.Result{Err: tools.Hide(err)}
	}
	result := s.guard.Call(ctx, guard.Call{Principal: principal, Door: auth.Door(ctx), Tool: tool, Arguments: raw, Run: principal.Run})
	noteLack(ctx, result.Scopes)
	return result
}

// completeResource finds the ids of a resource that fit what was typed. Whoever may not
// search is offered nothing.
func (s *Server) completeResource(ctx context.Context, which func(Resource) bool, typed string) *mcp.Completion {
	i := slices.IndexFunc(s.options.Resources, which)
	principal, _ := auth.From(ctx)
	if i < 0 || !s.guard.Visible(principal, s.options.Resources[i].Search) {
		return &mcp.Completion{Values: []string{}}
	}
	r, arguments := s.options.Resources[i], map[string]any{}
	if r.Query != "" && typed != "" {
		arguments[r.Query] = typed
	}
	result := s.call(ctx, r.Search, arguments)
	var found map[string]json.RawMessage
	var list []map[string]any
	if result.Err != nil || json.Unmarshal(result.Output, &found) != nil || json.Unmarshal(found[r.List], &list) != nil {
		return &mcp.Completion{Values: []string{}}
	}
	values := []string{}
	for _, one := range list {
		if id, ok := one[r.ID].(string); ok && id != "" {
			values = append(values, id)
		}
	}
	if r.Query != "" {
		typed = "" // it was found by whatever it holds
	}
	return offering(values, typed)
}
