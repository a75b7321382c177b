package crm

import (
	"context"

	"drawbridge/tools"
)

// CreateTicket opens a ticket.
func (c *CRM) CreateTicket(ctx context.Context, in TicketDraft) (Ticket, error) {
	return write(ctx, c, CreateTicketTool, in, TicketRecords.CreateTicket)
}

// UpdateTicket changes the given fields of a ticket.
func (c *CRM) UpdateTicket(ctx context.Context, in TicketUpdate) (Ticket, error) {
	return write(ctx, c, UpdateTicketTool, in, TicketRecords.UpdateTicket)
}

// SearchTickets finds tickets.
func (c *CRM) SearchTickets(ctx context.Context, in TicketSearch) (TicketPage, error) {
	return read(ctx, c, SearchTicketsTool, in, Tickets.SearchTickets)
}

func ticketTools(c *CRM) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  CreateTicketTool,
			Title: "Create a ticket",
			Description: "Open a ticket for a customer's request or complaint that somebody must answer for. " +
				"Look with crm_get_customer first: if a ticket on the same matter is unresolved, update that one with crm_update_ticket. " +
				"For an internal to-do use crm_create_task.",
			Effect:     tools.Write,
			Idempotent: c.driver.HonoursKeys(CreateTicketTool),
			Taints:     true,
		}, c.CreateTicket),
		tools.Define(tools.Spec{
			Name:  UpdateTicketTool,
			Title: "Update a ticket",
			Description: "Change a ticket's status, priority, assignee or subject; fields left out stay as they are, the old values of the others are lost. " +
				"The customer is not told. Record what was said with crm_log_interaction.",
			Effect:      tools.Write,
			Idempotent:  c.driver.HonoursKeys(UpdateTicketTool),
			Destructive: true,
			Taints:      true,
		}, c.UpdateTicket),
		tools.Define(tools.Spec{
			Name:  SearchTicketsTool,
			Title: "Search tickets",
			Description: "Find tickets by words, customer, status, priority or assignee, newest first. " +
				"Set unresolved to see what still waits for an answer. The unresolved tickets of one customer are already in crm_get_customer.",
			Effect: tools.Read,
			Taints: true,
		}, c.SearchTickets),
	}
}
