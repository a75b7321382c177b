package crmtest

import (
	"encoding/json"
	"sync"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// keyedWrite is one writing tool and what it is called with.
type keyedWrite struct {
	tool string
	// in makes what the call needs, and gives its arguments.
	in   func(b *bench) any
	made int // how many records one call makes
}

// keyedWrites are all tools that write.
var keyedWrites = []keyedWrite{
	{crm.CreateCustomerTool, func(*bench) any { return crm.CustomerDraft{Name: "Chiara Rossi", Email: "chiara@example.com"} }, 1},
	{crm.UpdateCustomerTool, func(b *bench) any { return crm.CustomerUpdate{Customer: b.ada().ID, Name: new("Ada L.")} }, 0},
	{crm.LogInteractionTool, func(b *bench) any {
		return crm.InteractionDraft{Customer: b.ada().ID, Kind: crm.Call, Summary: "Called"}
	}, 1},
	{crm.CreateTaskTool, func(*bench) any { return crm.TaskDraft{Title: "Call again"} }, 1},
	{crm.CompleteTaskTool, func(b *bench) any { return crm.TaskCompletion{Task: b.task(crm.TaskDraft{Title: "Call"}).ID} }, 0},
	{crm.UpdateOrderTool, func(b *bench) any {
		b.order(b.ada(), 2, nil)
		return crm.OrderUpdate{Order: "A-1002", Delayed: new(true)}
	}, 0},
	{crm.CreateTicketTool, func(b *bench) any { return crm.TicketDraft{Customer: b.ada().ID, Subject: "Late again"} }, 1},
	{crm.UpdateTicketTool, func(b *bench) any {
		return crm.TicketUpdate{Ticket: b.ticket(b.ada(), "Late").ID, Status: new(crm.TicketClosed)}
	}, 0},
	{crm.CreateDealTool, func(b *bench) any { return crm.DealDraft{Customer: b.ada().ID, Title: "Bowls", Currency: "EUR"} }, 1},
	{crm.UpdateDealTool, func(b *bench) any {
		deal := b.deal(crm.DealDraft{Customer: b.ada().ID, Title: "Plates", Currency: "EUR"})
		return crm.DealUpdate{Deal: deal.ID, Stage: new(crm.DealWon)}
	}, 0},
}

// honours skips the case where the backend does not honour keys of a write.
func (b *bench) honours(names ...string) {
	b.Helper()
	b.needs(names...)
	for _, name := range names {
		if !b.Driver().HonoursKeys(name) {
			b.Skipf("left out: this backend does not honour keys of %s", name)
		}
	}
}

// repeats is the case of one write whose key is repeated.
func (w keyedWrite) repeats(b *bench) {
	b.honours(w.tool)
	in, key := w.in(b), "key of "+w.tool
	first := callKeyed[json.RawMessage](b, key, w.tool, in)
	second := callKeyed[json.RawMessage](b, key, w.tool, in)
	b.same("result", string(second), string(first))
	b.same("records", b.Records(b.T, key), w.made)
}

func init() {
	for _, w := range keyedWrites {
		keyCases["a repeated key returns the first result and makes one record: "+w.tool] = w.repeats
	}
}

var keyCases = map[string]func(*bench){
	"a writing tool is idempotent where its keys are honoured, and is tried here": func(b *bench) {
		tried := map[string]bool{}
		for _, w := range keyedWrites {
			tried[w.tool] = true
		}
		for _, tool := range b.catalog.All() {
			writes := tool.Effect != tools.Read
			if want := !writes || b.Driver().HonoursKeys(tool.Name); tool.Idempotent != want {
				b.Errorf("%s is idempotent: %v, want %v", tool.Name, tool.Idempotent, want)
			}
			if writes != tried[tool.Name] {
				b.Errorf("%s writes: %v, is tried: %v", tool.Name, writes, tried[tool.Name])
			}
		}
	},
	"a repeated key does not undo what happened since": func(b *bench) {
		b.honours(crm.UpdateTicketTool)
		ticket := b.ticket(b.ada(), "Late")
		closing := crm.TicketUpdate{Ticket: ticket.ID, Status: new(crm.TicketClosed)}
		callKeyed[crm.Ticket](b, "close", crm.UpdateTicketTool, closing)
		call[crm.Ticket](b, crm.UpdateTicketTool, crm.TicketUpdate{Ticket: ticket.ID, Status: new(crm.TicketOpen)})
		callKeyed[crm.Ticket](b, "close", crm.UpdateTicketTool, closing)
		b.same("status", b.tickets(crm.TicketSearch{}).Tickets[0].Status, crm.TicketOpen)
	},
	"a repeated key answers even when the reference no longer holds": func(b *bench) {
		b.honours(crm.CreateTicketTool)
		b.ada()
		draft := crm.TicketDraft{Customer: "ada@example.com", Subject: "Late"}
		first := callKeyed[crm.Ticket](b, "k", crm.CreateTicketTool, draft)
		call[crm.Customer](b, crm.UpdateCustomerTool, crm.CustomerUpdate{Customer: "ada@example.com", Email: new("new@example.com")})
		b.same("second", callKeyed[crm.Ticket](b, "k", crm.CreateTicketTool, draft), first)
	},
	"a key used for another tool is a conflict": func(b *bench) {
		b.honours(crm.CreateTicketTool, crm.CreateTaskTool)
		ada := b.ada()
		callKeyed[crm.Ticket](b, "k", crm.CreateTicketTool, crm.TicketDraft{Customer: ada.ID, Subject: "Late"})
		_, err := try[crm.Task](b, tools.WithKey(b.Context(), "k"), crm.CreateTaskTool, crm.TaskDraft{Title: "Call"})
		b.same("code", tools.CodeOf(err), tools.Conflict)
		b.same("records", b.Records(b.T, "k"), 1)
	},
	"a refused call leaves its key free": func(b *bench) {
		b.honours(crm.CreateTicketTool)
		ctx := tools.WithKey(b.Context(), "k")
		_, err := try[crm.Ticket](b, ctx, crm.CreateTicketTool, crm.TicketDraft{Customer: "ada@example.com", Subject: "Late"})
		b.same("code", tools.CodeOf(err), tools.NotFound)
		b.ada()
		callKeyed[crm.Ticket](b, "k", crm.CreateTicketTool, crm.TicketDraft{Customer: "ada@example.com", Subject: "Late"})
		b.same("records", b.Records(b.T, "k"), 1)
	},
	"one key at the same moment from many sides makes one record": func(b *bench) {
		b.honours(crm.CreateTicketTool)
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
