package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func addResources(s *server.MCPServer) {
	fixed := func(uri, mimeType string, contents mcp.ResourceContents) {
		s.AddResource(mcp.NewResource(uri, uri, mcp.WithMIMEType(mimeType), mcp.WithResourceDescription("Of the conformance suite.")),
			func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
				return []mcp.ResourceContents{contents}, nil
			})
	}
	text := func(uri, said string) mcp.ResourceContents {
		return mcp.TextResourceContents{URI: uri, MIMEType: "text/plain", Text: said}
	}
	fixed("test://static-text", "text/plain", text("test://static-text", "This is the content of the static text resource."))
	fixed("test://watched-resource", "text/plain", text("test://watched-resource", "Watched resource content"))
	fixed("test://static-binary", "image/png", mcp.BlobResourceContents{URI: "test://static-binary", MIMEType: "image/png", Blob: dot})
	s.AddResourceTemplate(mcp.NewResourceTemplate("test://template/{id}/data", "template", mcp.WithTemplateMIMEType("application/json"),
		mcp.WithTemplateDescription("Of the conformance suite.")),
		func(_ context.Context, request mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			id := strings.TrimSuffix(strings.TrimPrefix(request.Params.URI, "test://template/"), "/data")
			said, err := json.Marshal(object{"id": id, "templateTest": true, "data": "Data for ID: " + id})
			return []mcp.ResourceContents{mcp.TextResourceContents{URI: request.Params.URI, MIMEType: "application/json", Text: string(said)}}, err
		})
}

func addPrompts(s *server.MCPServer) {
	required := func(name string) mcp.PromptOption {
		return mcp.WithArgument(name, mcp.RequiredArgument(), mcp.ArgumentDescription("Of the conformance suite."))
	}
	add := func(name string, of func(arguments map[string]string) []mcp.Content, options ...mcp.PromptOption) {
		s.AddPrompt(mcp.NewPrompt(name, append(options, mcp.WithPromptDescription("Of the conformance suite."))...),
			func(_ context.Context, request mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
				result := &mcp.GetPromptResult{}
				for _, content := range of(request.Params.Arguments) {
					result.Messages = append(result.Messages, mcp.NewPromptMessage(mcp.RoleUser, content))
				}
				return result, nil
			})
	}
	add("test_simple_prompt", func(map[string]string) []mcp.Content {
		return []mcp.Content{mcp.NewTextContent("This is a simple prompt for testing.")}
	})
	add("test_prompt_with_arguments", func(a map[string]string) []mcp.Content {
		return []mcp.Content{mcp.NewTextContent("Prompt with arguments: arg1='" + a["arg1"] + "', arg2='" + a["arg2"] + "'")}
	}, required("arg1"), required("arg2"))
	add("test_prompt_with_embedded_resource", func(a map[string]string) []mcp.Content {
		resource := mcp.TextResourceContents{URI: a["resourceUri"], MIMEType: "text/plain", Text: "Embedded resource content for testing."}
		return []mcp.Content{mcp.NewEmbeddedResource(resource), mcp.NewTextContent("Please process the embedded resource above.")}
	}, required("resourceUri"))
	add("test_prompt_with_image", func(map[string]string) []mcp.Content {
		return []mcp.Content{mcp.NewImageContent(dot, "image/png"), mcp.NewTextContent("Please analyze the image above.")}
	})
	s.AddPrompt(mcp.NewPrompt("test_input_required_result_prompt", mcp.WithPromptDescription("Of the conformance suite.")), askingPrompt)
}

func askingPrompt(_ context.Context, request mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
	r := &round{answers: request.Params.InputResponses}
	said := r.filled("user_context", "context")
	if said == "" {
		return server.NewInputRequestBuilder("").Elicit("user_context", form("What context should the prompt use?", "context", "string")).PromptResult(), nil
	}
	return &mcp.GetPromptResult{Messages: []mcp.PromptMessage{mcp.NewPromptMessage(mcp.RoleUser, mcp.NewTextContent("Use the context "+said))}}, nil
}

const missingCapability = "test_missing_capability"

// Front answers calls of a tool that needs a model of the client's and says so in the
// protocol's words (MCP 2026-07-28, MissingRequiredClientCapability). mcp-go gives an
// error of a handler another code, and Drawbridge's own tools need nothing of a client
// that they cannot do without.
func Front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(mcp.HeaderName) != missingCapability {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		var call struct{ ID any }
		if err != nil || json.Unmarshal(body, &call) != nil {
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(object{"jsonrpc": "2.0", "id": call.ID, "error": object{"code": mcp.MISSING_REQUIRED_CLIENT_CAPABILITY,
			"message": "this tool needs the client's capability sampling", "data": object{"requiredCapabilities": object{"sampling": object{}}}}})
	})
}
