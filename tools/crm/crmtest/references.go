package crmtest

import (
	"drawbridge/tools"
	"drawbridge/tools/crm"
)

var referenceCases = map[string]func(*bench){
	"what does not exist is not found, and the error says where to look": func(b *bench) {
		const nobody = "nobody@example.com"
		for _, c := range []struct {
			tool string
			in   any
			look string
		}{
			{crm.GetCustomerTool, crm.CustomerRef{Customer: nobody}, crm.SearchCustomersTool},
			{crm.UpdateCustomerTool, crm.CustomerUpdate{Customer: nobody, Name: new("N")}, crm.SearchCustomersTool},
			{crm.LogInteractionTool, crm.InteractionDraft{Customer: nobody, Kind: crm.Call, Summary: "s"}, crm.SearchCustomersTool},
			{crm.ListInteractionsTool, crm.InteractionQuery{Customer: nobody}, crm.SearchCustomersTool},
			{crm.CreateTaskTool, crm.TaskDraft{Title: "t", Customer: nobody}, crm.SearchCustomersTool},
			{crm.ListTasksTool, crm.TaskQuery{Customer: nobody}, crm.SearchCustomersTool},
			{crm.CompleteTaskTool, crm.TaskCompletion{Task: "tsk_none"}, crm.ListTasksTool},
			{crm.SearchOrdersTool, crm.OrderSearch{Customer: nobody}, crm.SearchCustomersTool},
			{crm.GetOrderTool, crm.OrderRef{Order: "A-0"}, crm.SearchOrdersTool},
			{crm.UpdateOrderTool, crm.OrderUpdate{Order: "A-0", Delayed: new(true)}, crm.SearchOrdersTool},
			{crm.CreateTicketTool, crm.TicketDraft{Customer: nobody, Subject: "s"}, crm.SearchCustomersTool},
			{crm.UpdateTicketTool, crm.TicketUpdate{Ticket: "tck_none", Assignee: new("bo")}, crm.SearchTicketsTool},
			{crm.SearchTicketsTool, crm.TicketSearch{Customer: nobody}, crm.SearchCustomersTool},
			{crm.GetProductTool, crm.ProductRef{Product: "NONE"}, crm.SearchProductsTool},
			{crm.CreateDealTool, crm.DealDraft{Customer: nobody, Title: "t", Currency: "EUR"}, crm.SearchCustomersTool},
			{crm.UpdateDealTool, crm.DealUpdate{Deal: "deal_none", Owner: new("bo")}, crm.SearchDealsTool},
			{crm.SearchDealsTool, crm.DealSearch{Customer: nobody}, crm.SearchCustomersTool},
		} {
			if !b.offers(c.tool) {
				b.Logf("left out: this backend does not offer %s", c.tool)
				continue
			}
			refused(b, c.tool, c.in, tools.NotFound, c.look)
		}
	},
	"references are found around stray white space": func(b *bench) {
		ada := b.ada()
		b.same("customer", b.profile(" ada@example.com\n"), ada)
	},
}
