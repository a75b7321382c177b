package crm

import (
	"strings"
	"time"

	"drawbridge/tools"
)

// TaskStatus says whether a task is done.
type TaskStatus string

// The statuses of a task. AnyTask is only for asking.
const (
	OpenTask TaskStatus = "open"
	DoneTask TaskStatus = "done"
	AnyTask  TaskStatus = "any"
)

// TaskFilters lists what can be asked for.
var TaskFilters = []TaskStatus{OpenTask, DoneTask, AnyTask}

// Task is something a colleague is to do.
type Task struct {
	ID          string     `json:"id" jsonschema:"The task's id." example:"tsk_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	CustomerID  string     `json:"customer_id,omitempty" jsonschema:"The customer it is about, if any." example:"cus_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	Title       string     `json:"title" jsonschema:"What is to be done, in one line." example:"Call Ada about the late order"`
	Detail      string     `json:"detail,omitempty" jsonschema:"What one needs to know to do it." example:"Order A-1002 is a week late; offer free shipping."`
	Assignee    string     `json:"assignee,omitempty" jsonschema:"Who is to do it." example:"support@example.com"`
	Status      TaskStatus `json:"status" jsonschema:"Whether it is done." enum:"open,done"`
	DueAt       time.Time  `json:"due_at,omitzero" jsonschema:"By when, RFC 3339 in UTC; absent if there is no hurry." format:"date-time"`
	Outcome     string     `json:"outcome,omitempty" jsonschema:"What came of it, once done." example:"Ada accepts delivery on Friday."`
	CreatedAt   time.Time  `json:"created_at" jsonschema:"When it was created, RFC 3339 in UTC." format:"date-time"`
	CompletedAt time.Time  `json:"completed_at,omitzero" jsonschema:"When it was done, RFC 3339 in UTC; absent while open." format:"date-time"`
}

// TaskDraft is a task to be created.
type TaskDraft struct {
	Title    string    `json:"title" jsonschema:"What is to be done, in one line that makes sense by itself." minLength:"1" maxLength:"200" example:"Call Ada about the late order"`
	Customer string    `json:"customer,omitempty" jsonschema:"The customer it is about: id, email address, or external reference." maxLength:"254" example:"ada@example.com"`
	Detail   string    `json:"detail,omitempty" jsonschema:"What one needs to know to do it." maxLength:"20000" example:"Order A-1002 is a week late; offer free shipping."`
	Assignee string    `json:"assignee,omitempty" jsonschema:"Who is to do it: a name, a team or an address. Leave out if nobody in particular." maxLength:"200" example:"support@example.com"`
	DueAt    time.Time `json:"due_at,omitzero" jsonschema:"By when, RFC 3339. Leave out if there is no hurry." format:"date-time" example:"2026-03-06T16:00:00Z"`
}

// TaskQuery lists tasks.
type TaskQuery struct {
	Status    TaskStatus `json:"status,omitempty" jsonschema:"open, done, or any for both." enum:"open,done,any" default:"open"`
	Customer  string     `json:"customer,omitempty" jsonschema:"Only those about this customer: id, email address, or external reference." maxLength:"254" example:"ada@example.com"`
	Assignee  string     `json:"assignee,omitempty" jsonschema:"Only those of this assignee, written exactly as in the task." maxLength:"200" example:"support@example.com"`
	DueBefore time.Time  `json:"due_before,omitzero" jsonschema:"Only those due before this time, RFC 3339. Give the present time to find what is overdue." format:"date-time" example:"2026-03-06T00:00:00Z"`
	tools.Page
}

// TaskPage is one page of tasks by due time.
type TaskPage struct {
	Tasks      []Task `json:"tasks" jsonschema:"The tasks found, the most urgent first; those without a due time come last."`
	NextCursor string `json:"next_cursor,omitempty" jsonschema:"Pass as cursor to get the next page. Absent on the last page."`
}

// TaskCompletion says that a task is done.
type TaskCompletion struct {
	Task    string `json:"task" jsonschema:"The task's id." minLength:"1" maxLength:"254" example:"tsk_0190c2a45b7d7c1e8f00aa11bb22cc33"`
	Outcome string `json:"outcome,omitempty" jsonschema:"What came of it, for whoever reads the task later." maxLength:"1000" example:"Ada accepts delivery on Friday."`
}

func (d TaskDraft) normal() (TaskDraft, error) {
	var f findings
	d.Title, d.Customer = oneLine(d.Title), strings.TrimSpace(d.Customer)
	d.Detail, d.Assignee = strings.TrimSpace(d.Detail), oneLine(d.Assignee)
	f.text("title", d.Title, 1, maxLine)
	f.text("customer", d.Customer, 0, maxRef)
	f.text("detail", d.Detail, 0, maxBody)
	f.text("assignee", d.Assignee, 0, maxLine)
	return d, f.err()
}

func (q TaskQuery) normal() (TaskQuery, error) {
	var f findings
	q.Customer, q.Assignee, q.Page = strings.TrimSpace(q.Customer), oneLine(q.Assignee), paged(q.Page)
	if q.Status == "" {
		q.Status = OpenTask
	}
	f.text("customer", q.Customer, 0, maxRef)
	f.text("assignee", q.Assignee, 0, maxLine)
	oneOf(&f, "status", q.Status, TaskFilters)
	return q, f.err()
}

func (c TaskCompletion) normal() (TaskCompletion, error) {
	var f findings
	c.Task, c.Outcome = strings.TrimSpace(c.Task), strings.TrimSpace(c.Outcome)
	f.text("task", c.Task, 1, maxRef)
	f.text("outcome", c.Outcome, 0, maxShort)
	return c, f.err()
}
