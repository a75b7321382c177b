package email

import (
	"context"
	"time"

	"drawbridge/tools"
)

// Sender is what every backend fulfils. Whether it also fulfils [Drafts],
// [Scheduler], [Templates] and [Mailbox] decides which tools there are.
//
// A driver gets mail that was checked. It answers what a model can act on with
// a *tools.Error (see [NoMessage] and [WrongStatus]), anything else with a plain
// error, which the model does not get to read. Where the call carries an
// idempotency key ([tools.Key]), an idempotent driver binds it to the tool's
// name: ToolSend for Send, and so on.
type Sender interface {
	// Send puts a message on its way now.
	Send(ctx context.Context, m Mail) (Receipt, error)
	// Idempotent reports whether all writes of this driver honour the call's
	// idempotency key: a repeated key returns the first result.
	Idempotent() bool
}

// Drafts keeps messages for a person, or a later call, to send.
type Drafts interface {
	CreateDraft(ctx context.Context, m Mail) (Receipt, error)
	// SendDraft sends a draft once; a second time is a conflict.
	SendDraft(ctx context.Context, id string) (Receipt, error)
}

// Scheduler keeps messages until they are due.
type Scheduler interface {
	// Schedule keeps a message until at. It calls [CheckDue] itself, and not
	// before it knows that the key is new: a repeated call returns the first
	// result even when at has passed.
	Schedule(ctx context.Context, m Mail, at time.Time) (Receipt, error)
	// CancelScheduled ends a message that is not yet due; afterwards is a conflict.
	CancelScheduled(ctx context.Context, id string) (Receipt, error)
}

// Templates keeps texts with placeholders.
type Templates interface {
	ListTemplates(ctx context.Context, page tools.Page) (TemplateList, error)
	// SendTemplate fills the template named and sends the result. m has
	// recipients only.
	SendTemplate(ctx context.Context, name string, variables map[string]string, m Mail) (Receipt, error)
}

// Mailbox reads what was sent, received and kept.
type Mailbox interface {
	// SearchMessages lists the newest first, by the time they were made.
	SearchMessages(ctx context.Context, f Filter) (MessageList, error)
	GetMessage(ctx context.Context, id string) (Message, error)
}

// Inbox is a mailbox at a mail server, whose folders are searched by what such servers know.
type Inbox interface {
	Mailbox
	// Folders are those that are searched, by their names.
	Folders() []string
}

// Filter narrows a search. A zero field does not narrow.
type Filter struct {
	Text    string // part of subject, body, a name or an address; case is ignored
	Status  Status
	Address string // whole address of the sender or any recipient; case is ignored
	// Since (inclusive) and Until (exclusive) bound the time a message was made.
	Since, Until time.Time
	// These are for an [Inbox] alone.

	From, Subject string // parts of them; case is ignored
	Unread        bool
	Folder        string // one of its folders
	tools.Page
}
