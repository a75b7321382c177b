package crmtest

import (
	"drawbridge/tools"
	"drawbridge/tools/crm"
)

var taskCases = map[string]func(*bench){
	"created task is kept as given": func(b *bench) {
		ada := b.ada()
		made := b.task(crm.TaskDraft{Title: "Call Ada", Customer: "ada@example.com", Detail: "About A-1002.", Assignee: "support@example.com", DueAt: day})
		want := crm.Task{
			ID: made.ID, CustomerID: ada.ID, Title: "Call Ada", Detail: "About A-1002.", Assignee: "support@example.com",
			Status: crm.OpenTask, DueAt: day, CreatedAt: made.CreatedAt,
		}
		b.same("made", made, want)
		b.same("listed", b.tasks(crm.TaskQuery{}).Tasks, []crm.Task{want})
	},
	"task needs no customer": func(b *bench) {
		made := b.task(crm.TaskDraft{Title: "Reorder plates"})
		b.same("customer_id", made.CustomerID, "")
	},
	"list is by due time, open tasks unless asked otherwise": func(b *bench) {
		ada := b.ada()
		b.task(crm.TaskDraft{Title: "whenever"})
		b.task(crm.TaskDraft{Title: "later", DueAt: day.AddDate(0, 0, 5), Assignee: "bo"})
		done := b.task(crm.TaskDraft{Title: "done", DueAt: day.AddDate(0, 0, 1)})
		b.task(crm.TaskDraft{Title: "soon", DueAt: day, Customer: ada.ID})
		call[crm.Task](b, crm.CompleteTaskTool, crm.TaskCompletion{Task: done.ID})
		for _, c := range []struct {
			query crm.TaskQuery
			want  []string
		}{
			{crm.TaskQuery{}, []string{"soon", "later", "whenever"}},
			{crm.TaskQuery{Status: crm.DoneTask}, []string{"done"}},
			{crm.TaskQuery{Status: crm.AnyTask}, []string{"soon", "done", "later", "whenever"}},
			{crm.TaskQuery{Customer: ada.ID}, []string{"soon"}},
			{crm.TaskQuery{Assignee: "bo"}, []string{"later"}},
			{crm.TaskQuery{DueBefore: day.AddDate(0, 0, 5)}, []string{"soon"}},
		} {
			b.same(string(encode(b, c.query)), titlesOf(b.tasks(c.query)), c.want)
		}
	},
	"completed task says when and what came of it": func(b *bench) {
		made := b.task(crm.TaskDraft{Title: "Call Ada"})
		done := call[crm.Task](b, crm.CompleteTaskTool, crm.TaskCompletion{Task: made.ID, Outcome: "She accepts Friday."})
		if done.CompletedAt.IsZero() {
			b.Error("completed_at is missing")
		}
		made.Status, made.Outcome, made.CompletedAt = crm.DoneTask, "She accepts Friday.", done.CompletedAt
		b.same("done", done, made)
		b.same("listed", b.tasks(crm.TaskQuery{Status: crm.DoneTask}).Tasks, []crm.Task{made})
	},
	"completing a task twice is a conflict and keeps the first outcome": func(b *bench) {
		made := b.task(crm.TaskDraft{Title: "Call Ada"})
		call[crm.Task](b, crm.CompleteTaskTool, crm.TaskCompletion{Task: made.ID, Outcome: "first"})
		refused(b, crm.CompleteTaskTool, crm.TaskCompletion{Task: made.ID, Outcome: "second"}, tools.Conflict, made.ID)
		b.same("outcome", b.tasks(crm.TaskQuery{Status: crm.DoneTask}).Tasks[0].Outcome, "first")
	},
}

func (b *bench) task(draft crm.TaskDraft) crm.Task {
	b.Helper()
	return call[crm.Task](b, crm.CreateTaskTool, draft)
}

func (b *bench) tasks(q crm.TaskQuery) crm.TaskPage {
	b.Helper()
	return call[crm.TaskPage](b, crm.ListTasksTool, q)
}
