package email

import "drawbridge/tools"

// Status is where a message stands:
//
//	draft ----> sent
//	scheduled -> sent | cancelled
//	received
type Status string

const (
	Draft     Status = "draft"
	Scheduled Status = "scheduled"
	Sent      Status = "sent"
	Cancelled Status = "cancelled"
	Received  Status = "received"
)

// NoMessage is the answer to an id that names no message.
func NoMessage(field, id string) error {
	return tools.Errorf(tools.NotFound, "%s: there is no message %q. Find its id with %s.", field, id, ToolSearch)
}

// WrongStatus is the answer to an act that a message's status does not allow.
func WrongStatus(id string, is, needs Status) error {
	const text = "id: message %s is %s, not %s; nothing was done. %s"
	var next string
	switch is {
	case Sent:
		next = "It has already gone out: do not send it again unless you were asked to."
	case Cancelled:
		next = "To send it after all, write it anew."
	case Draft:
		next = "It goes nowhere unless " + ToolSendDraft + " is called."
	case Scheduled:
		next = "It goes out by itself at its time, unless " + ToolCancelScheduled + " is called."
	default:
		next = "It came from outside; answer it with " + ToolSend + " and in_reply_to."
	}
	return tools.Errorf(tools.Conflict, text, id, is, needs, next)
}
