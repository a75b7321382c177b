package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
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

// id is what names a thing, of its address; false if that is of no such thing. Templates
// write some of its characters as %40 does an @ (RFC 6570, section 3.2.2), and clients that
// put what was completed into an address do not.
func (r Resource) id(address string) (id string, is bool) {
	rest, is := strings.CutPrefix(address, r.prefix())
	if id, err := url.PathUnescape(rest); err == nil {
		return id, is
	}
	return rest, is
}

// address is that of a thing, as the template writes it.
func (r Resource) address(id string) string {
	return r.prefix() + strings.ReplaceAll(url.QueryEscape(id), "+", "%20")
}

// metaRead holds what was read, between the hook that reads and the handler that answers.
const metaRead = "drawbridge/read"

// readResource is what stands there.
type readResource struct {
	guard.Result
	asked string // the address, as the client wrote it
}

// addResources offers the templates. By the time that a handler is asked, readBefore has
// read.
func (s *Server) addResources(list []Resource) {
	for _, r := range list {
		template := mcp.NewResourceTemplate(r.template(), r.Name, mcp.WithTemplateDescription(r.Description), mcp.WithTemplateMIMEType("application/json"))
		template.Title = r.Title
		s.mcp.AddResourceTemplate(template, func(_ context.Context, request mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			result, read := request.Params.Meta.GetMetaField(metaRead).(*readResource)
			switch {
			case !read:
				return nil, tools.Hide(errors.New("the resource was not read"))
			case result.Err != nil:
				return nil, result.Err
			}
			contents := mcp.TextResourceContents{URI: result.asked, MIMEType: "application/json", Text: string(result.Output)}
			if result.Cached {
				contents.Meta = map[string]any{guard.MetaCached: result.CachedMeta()}
			}
			return []mcp.ResourceContents{contents}, nil
		})
	}
}

// readBefore reads a resource before mcp-go looks who has it. What is not there, or not for
// this principal, gets an address that nobody has, so that mcp-go answers as a missing resource
// has to be answered in the client's era (-32002, and -32602 since 2026-07-28): whatever
// a handler's error is, mcp-go takes it for a fault of the server's (-32603).
func (s *Server) readBefore(hooks *server.Hooks) {
	hooks.AddBeforeReadResource(func(ctx context.Context, _ any, request *mcp.ReadResourceRequest) {
		for _, r := range s.options.Resources {
			id, is := r.id(request.Params.URI)
			if !is {
				continue
			}
			ctx, end := heeding(ctx)
			defer end()
			result := s.call(ctx, r.Tool, map[string]any{r.Argument: id})
			if s.absent(ctx, r, result) {
				request.Params.URI += " " // no template has a blank
				return
			}
			if request.Params.Meta == nil {
				request.Params.Meta = &mcp.Meta{}
			}
			request.Params.Meta.SetMetaField(metaRead, &readResource{result, request.Params.URI})
			request.Params.URI = r.address(id) // what the template knows
			return
		}
	})
}

// absent reports whether there is no such resource, as far as the principal may know.
func (s *Server) absent(ctx context.Context, r Resource, result guard.Result) bool {
	if result.Err == nil {
		return false
	}
	principal, _ := auth.From(ctx)
	return result.Err.Code == tools.NotFound || result.Err.Code == tools.Invalid || !s.guard.Visible(principal, r.Tool)
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
