package email

import (
	"context"
	"errors"
	"fmt"

	"drawbridge/tools"
)

// Email is the mail family over one backend. Its methods are the tools: they
// check and default what the caller wrote, call the driver, and map its errors.
// Each returns a *tools.Error for what a model can act on.
type Email struct{ driver Sender }

// New makes the family of a driver, with whatever else the driver fulfils.
func New(driver Sender) *Email { return &Email{driver: driver} }

// The names of the tools. A driver binds idempotency keys to them.
const (
	ToolSend            = "email_send"
	ToolCreateDraft     = "email_create_draft"
	ToolSendDraft       = "email_send_draft"
	ToolSchedule        = "email_schedule"
	ToolCancelScheduled = "email_cancel_scheduled"
	ToolListTemplates   = "email_list_templates"
	ToolSendTemplate    = "email_send_template"
	ToolSearch          = "email_search_messages"
	ToolGet             = "email_get_message"
)

// Tools lists what the backend of e can do.
func Tools(e *Email) []tools.Tool {
	list := []tools.Tool{e.sendTool()}
	if _, ok := e.driver.(Drafts); ok {
		list = append(list, e.createDraftTool(), e.sendDraftTool())
	}
	if _, ok := e.driver.(Scheduler); ok {
		list = append(list, e.scheduleTool(), e.cancelScheduledTool())
	}
	if _, ok := e.driver.(Templates); ok {
		list = append(list, e.listTemplatesTool(), e.sendTemplateTool())
	}
	if _, ok := e.driver.(Mailbox); ok {
		list = append(list, e.searchTool(), e.getTool())
	}
	return list
}

// as gives the driver as one of its optional interfaces.
func as[T any](e *Email, tool string) (T, error) {
	driver, ok := e.driver.(T)
	if !ok {
		return driver, tools.Errorf(tools.Denied, "the mail system configured here does not do %s", tool)
	}
	return driver, nil
}

// readError maps an error of a driver's read.
func readError(tool string, err error) error {
	if !interrupted(err) {
		return driverError(tool, err)
	}
	return tools.Errorf(tools.Unavailable, "the mail system did not answer in time; try again")
}

// writeError maps an error of a driver's write. A write cut short may have taken
// effect, whatever the driver would say if asked.
func (e *Email) writeError(ctx context.Context, tool string, err error) error {
	if !interrupted(err) {
		return driverError(tool, err)
	}
	unknown := tools.Errorf(tools.OutcomeUnknown, "the mail system was cut off before it answered; the message may have gone out. Look for it before sending it again.")
	unknown.Retryable = e.driver.Idempotent() && tools.Key(ctx) != ""
	return unknown
}

func driverError(tool string, err error) error {
	var told *tools.Error
	if err == nil || errors.As(err, &told) {
		return err
	}
	return fmt.Errorf("%s: %w", tool, err)
}

// interrupted reports whether err is the end of a context, which says nothing of
// what the driver did. An error the driver wrote for the model stands as it is.
func interrupted(err error) bool {
	var told *tools.Error
	return !errors.As(err, &told) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}
