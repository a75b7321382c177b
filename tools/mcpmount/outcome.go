package mcpmount

import (
	"errors"
	"net/http"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/tools"
)

// explain turns what went wrong with a call into an error for its model.
func (m *Mount) explain(err error, name string, effect tools.Effect) error {
	var ours *tools.Error
	var said *rpcError
	var lost *lostError
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &said):
		return m.answered(said, name)
	case errors.As(err, &lost):
		return m.lost(lost, name, effect)
	}
	return tools.Hide(err)
}

// answered is for a server that answered with an error.
func (m *Mount) answered(said *rpcError, name string) error {
	text := m.clean.text(said.Message, maxText)
	switch said.Code {
	case mcp.INVALID_PARAMS:
		if unknownTool(said.Message) {
			return tools.Errorf(tools.NotFound, "%s: the server does not know this tool: %s", name, text)
		}
		return tools.Errorf(tools.Invalid, "%s: %s", name, text)
	case mcp.METHOD_NOT_FOUND, mcp.INVALID_REQUEST, mcp.PARSE_ERROR:
		return tools.Errorf(tools.Failed, "%s: the server did not understand the call: %s", name, text)
	}
	return tools.Errorf(tools.Failed, "%s: %s", name, text)
}

// unknownTool: the protocol has one code for bad arguments and unknown tools.
func unknownTool(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "unknown tool") || strings.Contains(text, "tool") && strings.Contains(text, "not found")
}

// lost is for a call without an answer.
func (m *Mount) lost(lost *lostError, name string, effect tools.Effect) error {
	var status *statusError
	switch {
	case lost.unsent:
		return tools.Errorf(tools.Unavailable, "%s: the call did not reach the server (%s); nothing was changed.", name, m.why(lost))
	case errors.Is(lost, errSessionGone):
		return tools.Errorf(tools.Unavailable, "%s: the server did not take the call: its session was gone; nothing was changed.", name)
	case !errors.As(lost, &status) || status.code >= 500:
		return m.unanswered(name, effect, m.why(lost))
	case status.code == http.StatusTooManyRequests:
		return tools.Errorf(tools.RateLimited, "%s: the server takes no more calls for now; nothing was changed. Try again later.", name)
	case status.code == http.StatusForbidden:
		return tools.Errorf(tools.Denied, "%s: our credentials do not allow this call on the server (status 403); nothing was changed. Go on without it, or have a person look.", name)
	case status.code == http.StatusRequestTimeout:
		return m.unanswered(name, effect, m.why(lost))
	}
	return tools.Errorf(tools.Unavailable, "%s: the server turned the call away (%s); nothing was changed.", name, m.why(lost))
}

// unanswered says what is known of a call that was sent: a read changed nothing
// whatever became of it, of anything else nobody knows.
func (m *Mount) unanswered(name string, effect tools.Effect, why string) error {
	if effect == tools.Read {
		return tools.Errorf(tools.Unavailable, "%s: no answer came (%s); it only reads, so nothing was changed.", name, why)
	}
	return tools.Errorf(tools.OutcomeUnknown, "%s: the call was sent and no answer came (%s). It may have taken effect: do not repeat it blindly, look first.", name, why)
}

func (m *Mount) why(err error) string { return m.clean.line(err.Error(), 300) }
