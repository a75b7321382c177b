package crm

import (
	"context"

	"drawbridge/tools"
)

// LogInteraction records what happened with a customer.
func (c *CRM) LogInteraction(ctx context.Context, in InteractionDraft) (Interaction, error) {
	return write(ctx, c, LogInteractionTool, in, InteractionRecords.LogInteraction)
}

// ListInteractions lists what happened, newest first.
func (c *CRM) ListInteractions(ctx context.Context, in InteractionQuery) (InteractionPage, error) {
	return read(ctx, c, ListInteractionsTool, in, Interactions.ListInteractions)
}

func interactionTools(c *CRM) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  LogInteractionTool,
			Title: "Log an interaction",
			Description: "Record a call, email, meeting, review or note in a customer's history, once it has happened. " +
				"It sends nothing to anybody. For something still to be done use crm_create_task; for a request that somebody must answer for, crm_create_ticket.",
			Effect:     tools.Write,
			Idempotent: c.driver.HonoursKeys(LogInteractionTool),
			Taints:     true,
		}, c.LogInteraction),
		tools.Define(tools.Spec{
			Name:  ListInteractionsTool,
			Title: "List interactions",
			Description: "What was said to, by and about customers, newest first, by customer, kind, sentiment and time. " +
				"The last ten of one customer are already in crm_get_customer; use this to go further back, or to look across customers, such as all negative reviews.",
			Effect: tools.Read,
			Taints: true,
		}, c.ListInteractions),
	}
}
