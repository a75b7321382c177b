package crmtest

import (
	"encoding/json"
	"sync"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// keyedWrite is one writing tool on a bench where everything it needs exists.
type keyedWrite struct {
	tool string
	in   any
	made int // how many records one call makes
}

// keyedWrites covers every tool that writes.
func keyedWrites(b *bench) []keyedWrite {
	ada := b.ada()
	b.order(ada, 2, nil)
	task := b.task(crm.TaskDraft{Title: "Call"})
	ticket := b.ticket(ada, "Late")
	deal := b.deal(crm.DealDraft{Customer: ada.ID, Title: "Plates", Currency: "EUR"})
	return []keyedWrite{
		{crm.CreateCustomerTool, crm.CustomerDraft{Name: "Chiara Rossi", Email: "chiara@example.com"}, 1},
		{crm.UpdateCustomerTool, crm.CustomerUpdate{Customer: ada.ID, Name: new("Ada L.")}, 0},
		{crm.LogInteractionTool, crm.InteractionDraft{Customer: ada.ID, Kind: crm.Call, Summary: "Called"}, 1},
		{crm.CreateTaskTool, crm.TaskDraft{Title: "Call again"}, 1},
		{crm.CompleteTaskTool, crm.TaskCompletion{Task: task.ID}, 0},
		{crm.UpdateOrderTool, crm.OrderUpdate{Order: "A-1002", Delayed: new(true)}, 0},
		{crm.CreateTicketTool, crm.TicketDraft{Customer: ada.ID, Subject: "Late again"}, 1},
		{crm.UpdateTicketTool, crm.TicketUpdate{Ticket: ticket.ID, Status: new(crm.TicketClosed)}, 0},
		{crm.CreateDealTool, crm.DealDraft{Customer: ada.ID, Title: "Bowls", Currency: "EUR"}, 1},
		{crm.UpdateDealTool, crm.DealUpdate{Deal: deal.ID, Stage: new(crm.DealWon)}, 0},
	}
}

var keyCases = map[string]func(*bench){
	"every writing tool says it is idempotent, and is tried here": func(b *bench) {
		tried := map[string]bool{}
		for _, w := range keyedWrites(b) {
			tried[w.tool] = true
		}
		for _, tool := range b.catalog.All() {
			if !tool.Idempotent {
				b.Errorf("%s is not idempotent", tool.Name)
			}
			if writes := tool.Effect != tools.Read; writes != tried[tool.Name] {
				b.Errorf("%s writes: %v, is tried: %v", tool.Name, writes, tried[tool.Name])
			}
		}
	},
	"a repeated key returns the first result and makes one record": func(b *bench) {
		for _, w := range keyedWrites(b) {
			key := "key of " + w.tool
			first := callKeyed[json.RawMessage](b, key, w.tool, w.in)
			second := callKeyed[json.RawMessage](b, key, w.tool, w.in)
			b.same(w.tool, string(second), string(first))
			b.same(w.tool+" records", b.Records(b.T, key), w.made)
		}
	},
	"a repeated key does not undo what happened since": func(b *bench) {
		ticket := b.ticket(b.ada(), "Late")
		closing := crm.TicketUpdate{Ticket: ticket.ID, Status: new(crm.TicketClosed)}
		callKeyed[crm.Ticket](b, "close", crm.UpdateTicketTool, closing)
		call[crm.Ticket](b, crm.UpdateTicketTool, crm.TicketUpdate{Ticket: ticket.ID, Status: new(crm.TicketOpen)})
		callKeyed[crm.Ticket](b, "close", crm.UpdateTicketTool, closing)
		b.same("status", b.tickets(crm.TicketSearch{}).Tickets[0].Status, crm.TicketOpen)
	},
	"a repeated key answers even when the reference no longer holds": func(b *bench) {
		b.ada()
		draft := crm.TicketDraft{Customer: "ada@example.com", Subject: "Late"}
		first := callKeyed[crm.Ticket](b, "k", crm.CreateTicketTool, draft)
		call[crm.Customer](b, crm.UpdateCustomerTool, crm.CustomerUpdate{Customer: "ada@example.com", Email: new("new@example.com")})
		b.same("second", callKeyed[crm.Ticket](b, "k", crm.CreateTicketTool, draft), first)
	},
	"a key used for another tool is a conflict": func(b *bench) {
		ada := b.ada()
		callKeyed[crm.Ticket](b, "k", crm.CreateTicketTool, crm.TicketDraft{Customer: ada.ID, Subject: "Late"})
		_, err := try[crm.Task](b, tools.WithKey(b.Context(), "k"), crm.CreateTaskTool, crm.TaskDraft{Title: "Call"})
		b.same("code", tools.CodeOf(err), tools.Conflict)
		b.same("records", b.Records(b.T, "k"), 1)
	},
	"a refused call leaves its key free": func(b *bench) {
		ctx := tools.WithKey(b.Context(), "k")
		_, err := try[crm.Ticket](b, ctx, crm.CreateTicketTool, crm.TicketDraft{Customer: "ada@example.com", Subject: "Late"})
		b.same("code", tools.CodeOf(err), tools.NotFound)
		b.ada()
		callKeyed[crm.Ticket](b, "k", crm.CreateTicketTool, crm.TicketDraft{Customer: "ada@example.com", Subject: "Late"})
		b.same("records", b.Records(b.T, "k"), 1)
	},
	"one key at the same moment from many sides makes one record": func(b *bench) {
		ada := b.ada()
		var wait sync.WaitGroup
		results := make([]crm.Ticket, 8)
		errs := make([]error, len(results))
		for i := range results {
			wait.Go(func() {
				results[i], errs[i] = try[crm.Ticket](b, tools.WithKey(b.Context(), "k"), crm.CreateTicketTool, crm.TicketDraft{Customer: ada.ID, Subject: "Late"})
			})
		}
		wait.Wait()
		for i := range results {
			if errs[i] != nil {
				b.Fatalf("call %d: %v", i, errs[i])
			}
			b.same("result", results[i], results[0])
		}
		b.same("records", b.Records(b.T, "k"), 1)
	},
	"calls without a key each take effect": func(b *bench) {
		ada := b.ada()
		b.ticket(ada, "Late")
		b.ticket(ada, "Late")
		b.same("tickets", len(b.tickets(crm.TicketSearch{}).Tickets), 2)
	},
}
