package guard

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// Keys of _meta that Drawbridge and its clients exchange.
const (
	// MetaKey is the client's idempotency key, in a tools/call request.
	MetaKey = "drawbridge/idempotency-key"
	// MetaRepeated is true in a result that is an earlier call's.
	MetaRepeated = "drawbridge/repeated"
	// MetaDryRun is true in a tools/call request that is to say what it would do and to
	// change nothing, and in the answer to one that was in dry run, for whatever reason.
	MetaDryRun = "drawbridge/dry_run"
	// MetaApproval is the approval that a call needed: id, expires_at and state.
	MetaApproval = "drawbridge/approval"
	// MetaRedacted is true in a result out of which something was taken.
	MetaRedacted = "drawbridge/redacted"
	// MetaCached is there in a result that is what an earlier read gave: age_seconds, whole
	// seconds since that began.
	MetaCached = "drawbridge/cached"
	// MetaError is the error of a failed call: code, message, retryable and, where it is
	// known, retry_after in seconds, or the scopes that a token needs for it; inconclusive is
	// true where it tells nothing of an earlier call under the same key. It is not in
	// structuredContent, which has to fit the tool's output schema.
	MetaError = "error"

	metaTool         = "drawbridge/tool"
	metaScopes       = "scopes"
	metaInconclusive = "inconclusive"
)

// Unlisted is the name of the tool that stands for all unknown ones. mcp-go
// answers a call of a tool that it does not know before any handler runs: nobody
// would see, or audit, the attempt. So such calls are renamed to this one, which
// is registered but never listed. No catalog can hold the name.
//
// Calls of mounted tools are renamed too: one may go away between mcp-go's look
// and ours.
const Unlisted = "drawbridge/unlisted"

// Handle is the handler of every tool, [Unlisted] included. There is no other: a
// tool is not registered with a handler of its own that could be reached around
// the guard.
func (g *Guard) Handle(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return answer(g.carry(ctx, g.asked(ctx, request))), nil
}

// asked is the attempt that a request is. Its frame is gone when the call is made.
//
//go:noinline
func (g *Guard) asked(ctx context.Context, request mcp.CallToolRequest) *attempt {
	call := callOf(ctx, request)
	a := newAttempt(call, g.lookup(call.Tool))
	a.ender = enderOf(ctx)
	return a
}

// Hooks make every attempt reach Handle, and every list show a principal its own
// tools only. The list is filtered here rather than with mcp-go's tool filter,
// because that would also refuse calls before the guard sees them.
func (g *Guard) Hooks() *server.Hooks {
	hooks := &server.Hooks{}
	hooks.AddBeforeCallTool(func(_ context.Context, _ any, request *mcp.CallToolRequest) {
		if tool := g.lookup(request.Params.Name); tool != nil && !tool.Mounted {
			return
		}
		if request.Params.Meta == nil {
			request.Params.Meta = &mcp.Meta{}
		}
		request.Params.Meta.SetMetaField(metaTool, request.Params.Name)
		request.Params.Name = Unlisted
	})
	hooks.AddAfterListTools(func(ctx context.Context, _ any, _ *mcp.ListToolsRequest, result *mcp.ListToolsResult) {
		principal, _ := auth.From(ctx)
		result.Tools = slices.DeleteFunc(result.Tools, func(tool mcp.Tool) bool {
			return !g.Visible(principal, tool.Name)
		})
	})
	hooks.AddOnError(func(ctx context.Context, _ any, method mcp.MCPMethod, _ any, err error) {
		var unreadable *server.UnparsableMessageError
		if method == mcp.MethodToolsCall && errors.As(err, &unreadable) {
			// mcp-go has answered it. The guard refuses it as well, for the audit.
			call := callOf(ctx, mcp.CallToolRequest{})
			call.Defect = "the request's params are not those of tools/call"
			g.Call(ctx, call)
		}
	})
	return hooks
}

// NameOf is the name of the tool that the client called, in a request that the hooks
// have seen.
func NameOf(request mcp.CallToolRequest) string {
	if request.Params.Name != Unlisted {
		return request.Params.Name
	}
	name, _ := request.Params.Meta.GetMetaField(metaTool).(string)
	return name
}

// callOf reads a request as a call.
func callOf(ctx context.Context, request mcp.CallToolRequest) Call {
	principal, _ := auth.From(ctx)
	call := Call{
		Principal: principal,
		Door:      auth.Door(ctx),
		Tool:      NameOf(request),
		Arguments: request.Params.RawArguments,
		Run:       principal.Run,
	}
	if request.Params.RequestState != "" {
		// Whoever waits for such a request has kept it from here.
		call.Defect = "no question of this call waits for an answer under that requestState, or no longer: call again without it"
	}
	switch key := request.Params.Meta.GetMetaField(MetaKey).(type) {
	case nil:
	case string:
		call.Key = key
		if key == "" {
			call.Defect = "_meta " + MetaKey + " is empty: leave it out, or give a key of your own"
		}
	default:
		// Ignoring it would leave the caller believing in a protection it has not got.
		call.Defect = "_meta " + MetaKey + " must be a string"
	}
	switch dry := request.Params.Meta.GetMetaField(MetaDryRun).(type) {
	case nil:
	case bool:
		call.DryRun = dry
	default:
		// Taking it for false would do what the caller wanted to see only.
		call.Defect = "_meta " + MetaDryRun + " must be true or false"
	}
	return call
}

// answer gives a result in MCP's words. Output goes out as the tool encoded it,
// as structured content and as text for clients that know no other.
func answer(r Result) *mcp.CallToolResult {
	switch {
	case r.Err != nil:
		return refusal(r)
	case r.Mounted:
		return withApproval(passOn(r), r)
	}
	result := &mcp.CallToolResult{
		Content:              []mcp.Content{mcp.NewTextContent(string(r.Output))},
		RawStructuredContent: r.Output,
	}
	return remarked(result, r)
}

// withApproval says how the approval stands that the call needed.
func withApproval(result *mcp.CallToolResult, r Result) *mcp.CallToolResult {
	if r.Approval != "" {
		result.EnsureResultMeta().SetMetaField(MetaApproval, map[string]any{"id": r.Approval, "expires_at": stamp(r.ApprovalExpires), "state": r.ApprovalState})
	}
	return result
}

// refusal is a tool error, never a protocol error: only that reaches the model,
// which can then correct itself (MCP 2025-11-25, SEP-1303).
func refusal(r Result) *mcp.CallToolResult {
	result := mcp.NewToolResultError(r.Err.Error())
	meta := result.EnsureResultMeta()
	said := errorMeta(r.Err)
	if r.Scopes != nil {
		said[metaScopes] = r.Scopes
	}
	if r.Inconclusive {
		said[metaInconclusive] = true
	}
	meta.SetMetaField(MetaError, said)
	if r.Err.Code == tools.DryRun {
		meta.SetMetaField(MetaDryRun, true)
	}
	return remarked(result, r)
}

// remarked adds what is to be said about a result, to the client and to the model.
func remarked(result *mcp.CallToolResult, r Result) *mcp.CallToolResult {
	if r.Repeated {
		result.EnsureResultMeta().SetMetaField(MetaRepeated, true)
	}
	if r.Redacted {
		result.EnsureResultMeta().SetMetaField(MetaRedacted, true)
	}
	if r.Cached {
		result.EnsureResultMeta().SetMetaField(MetaCached, r.CachedMeta())
	}
	if r.Note != "" {
		result.Content = append(result.Content, mcp.NewTextContent(r.Note))
	}
	return withApproval(result, r)
}

// CachedMeta is what is said in _meta of a result that is Cached.
func (r Result) CachedMeta() map[string]any {
	return map[string]any{"age_seconds": int64(r.CachedAge.Seconds())}
}

// MissingScopes are those that a token needs for the call that was answered so, nil if that
// is not what is wrong with it.
func MissingScopes(result *mcp.CallToolResult) []string {
	if result == nil || !result.IsError || result.Meta == nil {
		return nil
	}
	said, _ := result.Meta.GetMetaField(MetaError).(map[string]any)
	scopes, _ := said[metaScopes].([]string)
	return scopes
}

func errorMeta(err *tools.Error) map[string]any {
	meta := map[string]any{"code": err.Code, "message": err.Message, "retryable": err.Retryable}
	if err.RetryAfter > 0 {
		meta["retry_after"] = int64(math.Ceil(err.RetryAfter.Seconds()))
	}
	return meta
}
