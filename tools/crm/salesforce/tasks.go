package salesforce

import (
	"context"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// A task is one of Salesforce's; so is an interaction, one that is completed. Of the
// completed ones those with the type of an interaction are no tasks.

func (b *Backend) taskFields() []string {
	return selecting(append([]string{"Id", "WhoId", "AccountId", "Subject", "Description", "IsClosed", "ActivityDate", "CreatedDate", "CompletedDateTime",
		b.fields["task_due_at"], b.fields["task_outcome"]}, b.ownerFields("task_assignee", true)...)...)
}

func (b *Backend) task(ctx context.Context) func(r record) crm.Task {
	return func(r record) crm.Task {
		t := crm.Task{
			ID: r.text("Id"), CustomerID: taskCustomer(r), Title: r.text("Subject"), Detail: r.text("Description"), Assignee: b.assignee(ctx, r, "task_assignee"),
			Status: crm.OpenTask, DueAt: r.moment(b.field("task_due_at", "ActivityDate")), Outcome: r.text(b.fields["task_outcome"]), CreatedAt: r.moment("CreatedDate"),
		}
		if r.flag("IsClosed") {
			t.Status, t.CompletedAt = crm.DoneTask, r.moment("CompletedDateTime")
		}
		return t
	}
}

// taskCustomer is whom a task is about; a lead is nobody that we know.
func taskCustomer(r record) string {
	if id := r.text("WhoId"); isID(id, ofContact) {
		return id
	}
	return r.text("AccountId")
}

// ListTasks lists tasks by due time; those without one come last.
func (b *Backend) ListTasks(ctx context.Context, in crm.TaskQuery) (crm.TaskPage, error) {
	none := crm.TaskPage{Tasks: []crm.Task{}}
	var where conditions
	if err := b.ofCustomer(ctx, &where, in.Customer, "WhoId", "AccountId"); err != nil {
		return none, err
	}
	due := b.timeOf("task_due_at", "ActivityDate")
	done := both("IsClosed = true", either("TaskSubtype = null", "TaskSubtype NOT IN ('Call', 'Email')"), either("Type = null", noneOf("Type", b.known(interaction))))
	switch in.Status {
	case crm.OpenTask:
		where.and("IsClosed = false")
	case crm.DoneTask:
		where.and(done)
	case crm.AnyTask:
		where.and(either("IsClosed = false", done))
	}
	if known, err := b.ofAssignee(ctx, &where, "task_assignee", "assignee", in.Assignee, true); err != nil || !known {
		return none, err
	}
	if !in.DueBefore.IsZero() {
		where.and(due.name + " < " + due.from(in.DueBefore))
	}
	list := listing[crm.Task]{name: "tasks", object: "Task", fields: b.taskFields(), key: due.name, kind: due.kind(), absent: true, scan: b.task(ctx)}
	found, next, err := list.page(ctx, b, where, in.Page)
	return crm.TaskPage{Tasks: found, NextCursor: next}, err
}

// CreateTask makes a task.
func (b *Backend) CreateTask(ctx context.Context, in crm.TaskDraft) (crm.Task, error) {
	if made, err := b.before(ctx, crm.CreateTaskTool, b.taskFields()); made != nil || err != nil {
		return shown(made, err, b.task(ctx))
	}
	body := map[string]any{"Subject": in.Title}
	if in.Customer != "" {
		who, err := b.owner(ctx, in.Customer)
		if err != nil {
			return crm.Task{}, err
		}
		who.about(body)
	}
	put(body, "Description", in.Detail)
	var err error
	if body["Status"], err = b.picked(taskStatus, "status", string(crm.OpenTask)); err != nil {
		return crm.Task{}, err
	}
	if !in.DueAt.IsZero() {
		body["ActivityDate"] = date(in.DueAt)
		if field := b.fields["task_due_at"]; field != "" {
			body[field] = instant(in.DueAt)
		}
	}
	if in.Assignee != "" {
		if err := b.assigned(ctx, body, "task_assignee", "assignee", in.Assignee, true); err != nil {
			return crm.Task{}, err
		}
	}
	made, err := b.create(ctx, crm.CreateTaskTool, nil, body, b.taskFields())
	return shown(made, err, b.task(ctx))
}

// about puts whom an activity is about into it: a person is its Who, a company its What.
func (o owner) about(body map[string]any) {
	if o.contact != "" {
		body["WhoId"] = o.contact
		return
	}
	body["WhatId"] = o.account
}

// CompleteTask says that a task is done.
func (b *Backend) CompleteTask(ctx context.Context, in crm.TaskCompletion) (crm.Task, error) {
	if !isID(in.Task, ofTask) {
		return crm.Task{}, missing("task", in.Task, crm.ListTasksTool)
	}
	found, err := b.query(ctx, one("Task", b.taskFields(), idIs(in.Task)))
	if err != nil {
		return crm.Task{}, err
	}
	if len(found) == 0 {
		return crm.Task{}, missing("task", in.Task, crm.ListTasksTool)
	}
	if found[0].flag("IsClosed") {
		return crm.Task{}, tools.Errorf(tools.Conflict, "task %s is done already", found[0].text("Id"))
	}
	body := map[string]any{}
	if body["Status"], err = b.picked(taskStatus, "status", string(crm.DoneTask)); err != nil {
		return crm.Task{}, err
	}
	if field := b.fields["task_outcome"]; field != "" {
		put(body, field, in.Outcome)
	} else if in.Outcome != "" {
		body["Description"] = strings.TrimSpace(found[0].text("Description") + "\n\nOutcome: " + in.Outcome)
	}
	changed, err := b.update(ctx, "Task", in.Task, nil, body, b.taskFields())
	return shown(changed, err, b.task(ctx))
}
