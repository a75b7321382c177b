package builtin

import (
	"context"
	"database/sql"
	"math"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
)

const selectTasks = `SELECT id, COALESCE(customer_id, ''), title, detail, assignee, due_at, outcome, created_at, completed_at FROM crm_tasks`

var taskList = list[crm.Task, int64]{
	name:  "tasks",
	query: selectTasks,
	key:   "due_at",
	scan:  scanTask,
	at:    func(t crm.Task) (int64, string) { return dueKey(t.DueAt), t.ID },
}

// noHurry is the due_at of a task without a due time. A NULL would need an
// expression to be sorted last, and SQLite does not seek by keyset in those.
const noHurry = math.MaxInt64

func dueKey(due time.Time) int64 {
	if due.IsZero() {
		return noHurry
	}
	return due.UnixMilli()
}

func scanTask(row scanner) (t crm.Task, err error) {
	var due, created, completed sql.NullInt64
	err = row.Scan(&t.ID, &t.CustomerID, &t.Title, &t.Detail, &t.Assignee, &due, &t.Outcome, &created, &completed)
	if due.Int64 == noHurry {
		due.Valid = false
	}
	t.DueAt, t.CreatedAt, t.CompletedAt = moment(due), moment(created), moment(completed)
	t.Status = crm.OpenTask
	if completed.Valid {
		t.Status = crm.DoneTask
	}
	return t, err
}

// CreateTask puts a task on the list.
func (b *Backend) CreateTask(ctx context.Context, in crm.TaskDraft) (crm.Task, error) {
	return once(ctx, b, crm.CreateTaskTool, func(tx sqldb.Tx, at time.Time) (crm.Task, error) {
		owner, err := customerID(ctx, tx, in.Customer)
		if err != nil {
			return crm.Task{}, err
		}
		id, err := newID("tsk")
		if err != nil {
			return crm.Task{}, err
		}
		t := crm.Task{
			ID: id, CustomerID: owner, Title: in.Title, Detail: in.Detail, Assignee: in.Assignee,
			Status: crm.OpenTask, DueAt: stored(in.DueAt), CreatedAt: at,
		}
		return t, insertTask(ctx, tx, t, "")
	})
}

func insertTask(ctx context.Context, tx sqldb.Tx, t crm.Task, onConflict string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO crm_tasks
		(id, customer_id, title, detail, assignee, due_at, outcome, created_at, completed_at, idempotency_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`+onConflict,
		t.ID, orNull(t.CustomerID), t.Title, t.Detail, t.Assignee, dueKey(t.DueAt), t.Outcome,
		millis(t.CreatedAt), orNull(millis(t.CompletedAt)), orNull(tools.Key(ctx)))
	return err
}

// ListTasks lists tasks by due time.
func (b *Backend) ListTasks(ctx context.Context, in crm.TaskQuery) (crm.TaskPage, error) {
	var where filter
	if err := where.ofCustomer(ctx, b.db.Read(), in.Customer); err != nil {
		return crm.TaskPage{}, err
	}
	switch in.Status {
	case crm.OpenTask:
		where.and("completed_at IS NULL")
	case crm.DoneTask:
		where.and("completed_at IS NOT NULL")
	}
	equal(&where, "assignee", in.Assignee)
	where.during("due_at", time.Time{}, in.DueBefore)
	rows, next, err := taskList.page(ctx, b.db.Read(), where, in.Page)
	return crm.TaskPage{Tasks: rows, NextCursor: next}, err
}

// CompleteTask ends a task.
func (b *Backend) CompleteTask(ctx context.Context, in crm.TaskCompletion) (crm.Task, error) {
	return once(ctx, b, crm.CompleteTaskTool, func(tx sqldb.Tx, at time.Time) (crm.Task, error) {
		t, err := one(tx.QueryRowContext(ctx, selectTasks+` WHERE id = ?`, in.Task), scanTask,
			tools.Errorf(tools.NotFound, "no task %q; list them with %s", in.Task, crm.ListTasksTool))
		switch {
		case err != nil:
			return t, err
		case t.Status == crm.DoneTask:
			return t, tools.Errorf(tools.Conflict, "task %s was completed at %s already; there is nothing left to do",
				t.ID, t.CompletedAt.Format(time.RFC3339))
		}
		t.Status, t.Outcome, t.CompletedAt = crm.DoneTask, in.Outcome, at
		_, err = tx.ExecContext(ctx, `UPDATE crm_tasks SET outcome = ?, completed_at = ? WHERE id = ?`, t.Outcome, millis(at), t.ID)
		return t, err
	})
}
