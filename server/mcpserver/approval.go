package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// Approvals is where it is noted what people decide about calls.
type Approvals interface {
	// Approval gives one as it stands now.
	Approval(ctx context.Context, id string) (guard.Approval, error)
	// DecideApproval notes what somebody says of one, if they may.
	DecideApproval(ctx context.Context, id string, by guard.Decider, v guard.ApprovalVerdict) (guard.Approval, error)
}

// confirm has the person in front of a client decide about a call of that client which
// needs an approval: where the rule's terms let them, and the client shows questions. All
// others get the error as it is, with the approval's id and the way to go on; nobody is
// kept waiting for a person who cannot be asked.
//
// Before protocol 2026-07-28 the person is asked while the call goes on; since then the
// question is the answer to the call, and what holds it together is a state that is
// signed (see ticket). Either way the guard has refused the call by then, and gets it
// again once the person has spoken: it finds the decision, or the denial, by itself.
func (s *Server) confirm(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	if s.options.Approvals == nil {
		return next
	}
	return func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if isTicket(request.Params.RequestState) {
			return s.confirmed(ctx, request, next)
		}
		result, err := next(ctx, request)
		shows, modern := elicitation(ctx)
		if err != nil || shows == nil {
			return result, err
		}
		a, asks := s.asks(ctx, result)
		if !asks {
			return result, nil
		}
		params, err := elicit(questionOf(a), *shows)
		switch {
		case err != nil: // the client shows pages only
			return result, nil
		case modern:
			return s.inputRequired(ctx, request, a, params)
		}
		asking, stop := context.WithDeadline(ctx, a.Expires)
		defer stop()
		reply, err := s.asker(ctx, *shows)(asking, questionOf(a))
		if err != nil {
			return result, nil // whatever is wrong with the client: the way to go on stands there
		}
		if noted, err := s.note(ctx, a.ID, reply); err != nil || !noted {
			return result, err
		}
		return next(ctx, request)
	}
}

// asks gives the approval that a call waits for, if the person in front of the client may
// decide about it.
func (s *Server) asks(ctx context.Context, result *mcp.CallToolResult) (guard.Approval, bool) {
	if result == nil || !result.IsError || result.Meta == nil {
		return guard.Approval{}, false
	}
	said, _ := result.Meta.GetMetaField(guard.MetaApproval).(map[string]any)
	id, _ := said["id"].(string)
	if id == "" {
		return guard.Approval{}, false
	}
	a, err := s.options.Approvals.Approval(ctx, id)
	if err != nil {
		s.options.Log.Error("looking for an approval", "approval", id, "error", err)
		return a, false
	}
	return a, a.State == guard.ApprovalPending && a.MayDecide(inFrontOf(ctx)) == nil
}

// inFrontOf is the person in front of the client that makes a call.
func inFrontOf(ctx context.Context) guard.Decider {
	principal, _ := auth.From(ctx)
	return guard.Decider{Name: guard.DeciderClient + principal.String(), How: "client"}
}

// note notes what the person has said. It reports false if that was nothing: the approval
// waits as before. That somebody else was quicker is told by the next call.
func (s *Server) note(ctx context.Context, id string, reply tools.Reply) (noted bool, err error) {
	verdict, chosen := verdictOf(reply)
	if !chosen {
		return false, nil
	}
	verdict.At = s.options.Now()
	by := inFrontOf(ctx)
	_, err = s.options.Approvals.DecideApproval(context.WithoutCancel(ctx), id, by, verdict)
	switch {
	case errors.Is(err, guard.ErrDecided), errors.Is(err, guard.ErrMayNotDecide):
		s.options.Log.Info("a client's word about an approval came too late", "approval", id, "by", by.Name)
		return true, nil
	case err != nil:
		return false, fmt.Errorf("noting what was decided about approval %s: %w", id, err)
	}
	s.options.Log.Info("approval decided about", "approval", id, "by", by.Name, "approved", verdict.Approve)
	return true, nil
}

// verdictOf reads a reply. To accept a form that was left empty is no choice: some clients
// accept whatever they are asked.
func verdictOf(reply tools.Reply) (v guard.ApprovalVerdict, chosen bool) {
	switch reply.Action {
	case tools.Decline:
		return guard.ApprovalVerdict{Note: "declined in the client"}, true
	case tools.Accept:
		var said struct {
			Approve *bool  `json:"approve"`
			Reason  string `json:"reason"`
		}
		if json.Unmarshal(reply.Content, &said) == nil && said.Approve != nil {
			return guard.ApprovalVerdict{Approve: *said.Approve, Note: said.Reason}, true
		}
	}
	return guard.ApprovalVerdict{}, false
}

// approvalForm is what the person fills in. It has no default: nobody agrees by pressing
// enter.
const approvalForm = `{"type":"object","properties":{
	"approve":{"type":"boolean","title":"Make this call","description":"true to have it made, false to forbid it"},
	"reason":{"type":"string","title":"Reason","description":"if you forbid it: why, for the model","maxLength":1000}},"required":["approve"]}`

// mostShown is how much of a call's arguments the person is shown, in bytes.
const mostShown = 4000

func questionOf(a guard.Approval) tools.Question {
	arguments := string(a.Arguments)
	if len(arguments) > mostShown {
		arguments = arguments[:mostShown] + fmt.Sprintf(" ... [%d bytes]", len(a.Arguments))
	}
	text := fmt.Sprintf("Shall %s be called (%s)? Arguments: %s", a.Tool, a.Effect, arguments)
	if a.Reason != "" {
		text += "\nWhy you are asked: " + a.Reason
	}
	text += fmt.Sprintf("\nApproval %s, until %s.", a.ID, a.Expires.UTC().Format(time.RFC3339))
	return tools.Question{Message: text, Schema: json.RawMessage(approvalForm)}
}
