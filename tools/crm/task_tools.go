package crm

import (
	"context"

	"drawbridge/tools"
)

// CreateTask asks a colleague to do something.
func (c *CRM) CreateTask(ctx context.Context, in TaskDraft) (Task, error) {
	return write(ctx, c, CreateTaskTool, in, TaskRecords.CreateTask)
}

// ListTasks lists tasks by due time.
func (c *CRM) ListTasks(ctx context.Context, in TaskQuery) (TaskPage, error) {
	return read(ctx, c, ListTasksTool, in, Tasks.ListTasks)
}

// CompleteTask says that a task is done.
func (c *CRM) CompleteTask(ctx context.Context, in TaskCompletion) (Task, error) {
	return write(ctx, c, CompleteTaskTool, in, TaskRecords.CompleteTask)
}

func taskTools(c *CRM) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  CreateTaskTool,
			Title: "Create a task",
			Description: "Put something on a colleague's list: what to do, for which customer, by when. " +
				"Use it for what you cannot or may not do yourself. Look with crm_list_tasks first, so that the same thing is not asked twice. " +
				"A customer's own request belongs in crm_create_ticket.",
			Effect:     tools.Write,
			Idempotent: c.driver.HonoursKeys(CreateTaskTool),
		}, c.CreateTask),
		tools.Define(tools.Spec{
			Name:  ListTasksTool,
			Title: "List tasks",
			Description: "Tasks of colleagues, the most urgent first; open ones unless you ask for others. " +
				"Filter by customer, assignee or due time. For customers' requests use crm_search_tickets.",
			Effect: tools.Read,
			Taints: true,
		}, c.ListTasks),
		tools.Define(tools.Spec{
			Name:  CompleteTaskTool,
			Title: "Complete a task",
			Description: "Mark a task as done and note what came of it. Only for what has really been done: a completed task cannot be opened again. " +
				"Get the id from crm_list_tasks.",
			Effect:      tools.Write,
			Idempotent:  c.driver.HonoursKeys(CompleteTaskTool),
			Destructive: true,
			Taints:      true,
		}, c.CompleteTask),
	}
}
