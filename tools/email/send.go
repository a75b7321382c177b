package email

import (
	"context"
	"time"

	"drawbridge/tools"
)

// DeliveryOutbox is the [Receipt.Delivery] of a message that is kept as it would
// go on the wire, and goes no further.
const DeliveryOutbox = "outbox"

// DeliverySMTP is the [Receipt.Delivery] of a message that a mail server has taken on. It
// may still come back.
const DeliverySMTP = "smtp"

// Receipt says what became of a message.
type Receipt struct {
	ID           string    `json:"id" jsonschema:"The message's id, for email_get_message." example:"msg_0190a1b2c3d47e8f9a0b1c2d3e4f5a6b"`
	Status       Status    `json:"status" jsonschema:"Where the message stands now." enum:"draft,scheduled,sent,cancelled"`
	Delivery     string    `json:"delivery,omitempty" jsonschema:"How far the message goes. outbox: it is kept here as it would go on the wire and is never handed to a mail server, so nobody has received it. smtp: a mail server has taken it on and delivers it; that it arrived is not known. Absent for a draft or a cancelled message." example:"outbox"`
	Note         string    `json:"note,omitempty" jsonschema:"The same for people, in one sentence. Tell it to whoever asked for the message." example:"Kept in the outbox; not sent to the network."`
	Subject      string    `json:"subject" jsonschema:"The message's subject." example:"Your order 1042"`
	Recipients   []string  `json:"recipients" jsonschema:"Every address it goes to: to, cc and bcc, each once." example:"ada@example.com"`
	MessageID    string    `json:"message_id,omitempty" jsonschema:"The Message-ID header, once the message has one." example:"<9f86d081884c7d659a2feaa0c55ad015@example.org>"`
	ScheduledFor time.Time `json:"scheduled_for,omitzero" jsonschema:"When it goes out, RFC 3339 in UTC. For scheduled messages." format:"date-time" example:"2026-03-02T09:30:00Z"`
	SentAt       time.Time `json:"sent_at,omitzero" jsonschema:"When it went out, RFC 3339 in UTC. For sent messages." format:"date-time" example:"2026-03-02T09:30:00Z"`
}

// MessageRef names a message.
type MessageRef struct {
	ID string `json:"id" jsonschema:"The message's id, from the call that made it or from email_search_messages." minLength:"1" maxLength:"200" example:"msg_0190a1b2c3d47e8f9a0b1c2d3e4f5a6b"`
}

// Send sends a message now.
func (e *Email) Send(ctx context.Context, in Content) (Receipt, error) {
	m, err := in.mail()
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := e.driver.Send(ctx, m)
	return receipt, e.writeError(ctx, ToolSend, err)
}

// CreateDraft keeps a message without sending it.
func (e *Email) CreateDraft(ctx context.Context, in Content) (Receipt, error) {
	drafts, err := as[Drafts](e, ToolCreateDraft)
	if err != nil {
		return Receipt{}, err
	}
	m, err := in.mail()
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := drafts.CreateDraft(ctx, m)
	return receipt, e.writeError(ctx, ToolCreateDraft, err)
}

// SendDraft sends a draft now, once.
func (e *Email) SendDraft(ctx context.Context, in MessageRef) (Receipt, error) {
	drafts, err := as[Drafts](e, ToolSendDraft)
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := drafts.SendDraft(ctx, in.ID)
	return receipt, e.writeError(ctx, ToolSendDraft, err)
}

func (e *Email) sendTool() tools.Tool {
	return tools.Define(tools.Spec{
		Name:  ToolSend,
		Title: "Send an email",
		Description: "Sends an email now. It cannot be called back. Use email_create_draft when a person should read it first, " +
			"email_schedule to send it later, and email_send_template when a template fits. " +
			"Read delivery in the result before you say that anyone has received it.",
		Effect:     tools.Message,
		Idempotent: e.driver.Idempotent(),
		OpenWorld:  true,
	}, e.Send)
}

func (e *Email) createDraftTool() tools.Tool {
	return tools.Define(tools.Spec{
		Name:        ToolCreateDraft,
		Title:       "Draft an email",
		Description: "Keeps an email as a draft, complete and ready to send, without sending it. Send it later with email_send_draft.",
		Effect:      tools.Write,
		Idempotent:  e.driver.Idempotent(),
	}, e.CreateDraft)
}

func (e *Email) sendDraftTool() tools.Tool {
	return tools.Define(tools.Spec{
		Name:  ToolSendDraft,
		Title: "Send a draft",
		Description: "Sends a draft now, exactly as it was kept. It cannot be called back, and a draft is sent only once. " +
			"Read delivery in the result before you say that anyone has received it.",
		Effect:     tools.Message,
		Idempotent: e.driver.Idempotent(),
		OpenWorld:  true,
	}, e.SendDraft)
}
