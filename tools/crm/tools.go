package crm

import (
	"slices"

	"drawbridge/tools"
)

// Tools makes the family's tools over one backend.
//
// Whether a write is idempotent is the driver's claim. A tool that creates only
// adds, so it is not destructive; every update overwrites values that are kept
// nowhere else, and a completed task cannot be opened again, so these are.
func Tools(c *CRM) []tools.Tool {
	return slices.Concat(
		customerTools(c),
		interactionTools(c),
		taskTools(c),
		orderTools(c),
		ticketTools(c),
		productTools(c),
		dealTools(c),
	)
}
