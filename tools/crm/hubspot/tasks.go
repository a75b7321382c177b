package hubspot

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

const taskDone = "COMPLETED"

// HubSpot keeps no task without a time by which it is due. One without any hurry is due a
// hundred years after it was made: behind all others, and no two at one moment.
const noHurry = 100

// without reports whether a due time stands for none.
func without(due time.Time) bool { return due.Year() >= 2100 }

// outcomeLine begins the last paragraph of a task that was completed here.
const outcomeLine = "\n\nOutcome: "

var taskProperties = []string{"hs_task_subject", "hs_task_body", "hs_task_status", "hs_timestamp", "hs_task_completion_date", ownerProperty, "hs_createdate", "hs_lastmodifieddate"}

func taskOf(r row, assignee string) crm.Task {
	t := crm.Task{ID: r.ID, CustomerID: r.contact, Title: r.is("hs_task_subject"), Detail: plain(r.is("hs_task_body")), Assignee: assignee,
		Status: crm.OpenTask, DueAt: r.time("hs_timestamp"), CreatedAt: r.created()}
	if without(t.DueAt) {
		t.DueAt = time.Time{}
	}
	if done(r) {
		t.Status = crm.DoneTask
		if t.CompletedAt = r.time("hs_task_completion_date"); t.CompletedAt.IsZero() {
			t.CompletedAt = r.updated()
		}
		if i := strings.LastIndex("\n\n"+t.Detail, outcomeLine); i >= 0 {
			t.Outcome = ("\n\n" + t.Detail)[i+len(outcomeLine):]
			t.Detail = strings.TrimSpace(("\n\n" + t.Detail)[:i])
		}
	}
	t.Detail = cut(t.Detail, maxText)
	return t
}

func done(r row) bool { return r.is("hs_task_status") == taskDone }

// CreateTask makes a task.
func (b *Backend) CreateTask(ctx context.Context, in crm.TaskDraft) (crm.Task, error) {
	customer, err := b.personID(ctx, in.Customer)
	if err != nil {
		return crm.Task{}, err
	}
	assignee, err := b.assigned(ctx, "assignee", in.Assignee)
	if err != nil {
		return crm.Task{}, err
	}
	if without(in.DueAt) {
		return crm.Task{}, tools.Errorf(tools.Invalid, "due_at: HubSpot keeps no time after 2099 here; leave it out if there is no hurry")
	}
	if in.DueAt.IsZero() {
		in.DueAt = b.now().AddDate(noHurry, 0, 0)
	}
	written := map[string]string{"hs_task_subject": in.Title, "hs_task_status": "NOT_STARTED", "hs_timestamp": stamp(in.DueAt)}
	if in.Detail != "" {
		written["hs_task_body"] = markup(in.Detail)
	}
	if assignee != "" {
		written[ownerProperty] = assignee
	}
	made, err := b.create(ctx, taskType, customer, written)
	if err != nil {
		return crm.Task{}, err
	}
	return b.writtenTask(ctx, row{record: merged(made, written), object: taskType, contact: customer}), nil
}

func (b *Backend) writtenTask(ctx context.Context, r row) crm.Task {
	return taskOf(r, b.ownerOf(ctx, r))
}

// ListTasks lists tasks, the most urgent first.
func (b *Backend) ListTasks(ctx context.Context, in crm.TaskQuery) (crm.TaskPage, error) {
	customer, err := b.personID(ctx, in.Customer)
	if err != nil {
		return crm.TaskPage{}, err
	}
	assignee, none, err := b.assignee(ctx, in.Assignee)
	if err != nil || none {
		return crm.TaskPage{Tasks: []crm.Task{}}, err
	}
	var group []filter
	switch in.Status {
	case crm.OpenTask:
		group = append(group, filter{Property: "hs_task_status", Operator: "NEQ", Value: taskDone})
	case crm.DoneTask:
		group = append(group, filter{Property: "hs_task_status", Operator: "EQ", Value: taskDone})
	}
	if assignee != "" {
		group = append(group, filter{Property: ownerProperty, Operator: "EQ", Value: assignee})
	}
	if !in.DueBefore.IsZero() {
		group = append(group, filter{Property: "hs_timestamp", Operator: "LT", Value: milliseconds(in.DueBefore)})
	}
	s := source{object: taskType, properties: taskProperties, sort: "hs_timestamp", exact: true}
	if len(group) > 0 {
		s.groups = [][]filter{group}
	}
	l := listing[crm.Task]{
		name: "tasks", page: in.Page, contact: customer, rising: true, sources: []source{s}, look: b.whose(false),
		fits: func(r row) bool {
			due := r.time("hs_timestamp")
			return (in.Status == crm.AnyTask || done(r) == (in.Status == crm.DoneTask)) && (assignee == "" || r.is(ownerProperty) == assignee) &&
				(in.DueBefore.IsZero() || due.Before(in.DueBefore) && !due.IsZero() && !without(due))
		},
		show: func(ctx context.Context, rows []row) ([]crm.Task, error) {
			names, err := b.ownersOf(ctx, rows)
			list := []crm.Task{}
			for _, r := range rows {
				list = append(list, taskOf(r, names[r.is(ownerProperty)]))
			}
			return list, err
		},
	}
	list, next, err := l.run(ctx, b)
	return crm.TaskPage{Tasks: list, NextCursor: next}, err
}

// assignee is the number of whose records are asked for. none: nobody is called that, and
// so nothing is theirs.
func (b *Backend) assignee(ctx context.Context, called string) (id string, none bool, err error) {
	if called == "" {
		return "", false, nil
	}
	id, err = b.ownerNumber(ctx, called)
	return id, err == nil && id == "", err
}

// CompleteTask marks a task as done, and writes what came of it behind its text.
func (b *Backend) CompleteTask(ctx context.Context, in crm.TaskCompletion) (crm.Task, error) {
	before, err := b.one(ctx, taskType, in.Task, taskProperties, "task", crm.ListTasksTool)
	if err != nil {
		return crm.Task{}, err
	}
	if done(before) {
		return crm.Task{}, tools.Errorf(tools.Conflict, "task %s is done already; nothing was changed", before.ID)
	}
	written := map[string]string{"hs_task_status": taskDone}
	if in.Outcome != "" {
		written["hs_task_body"] = strings.TrimPrefix(before.is("hs_task_body")+markup(outcomeLine+in.Outcome), markup("\n\n"))
	}
	changed, err := b.update(ctx, taskType, before.ID, written)
	if err != nil {
		return crm.Task{}, err
	}
	after := before
	after.record = merged(changed, before.values(), written)
	return b.writtenTask(ctx, after), nil
}
