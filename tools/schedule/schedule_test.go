package schedule_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/schedule"
)

// recorder is a driver that notes what it is asked.
type recorder struct {
	caller tools.Caller
	plan   schedule.Plan
	id     string
	asked  int
}

func (r *recorder) AddFollowUp(_ context.Context, caller tools.Caller, plan schedule.Plan) (schedule.FollowUp, error) {
	r.caller, r.plan = caller, plan
	r.asked++
	return schedule.FollowUp{ID: "followup_1", Status: schedule.Open}, nil
}

func (r *recorder) FollowUps(_ context.Context, caller tools.Caller) ([]schedule.FollowUp, error) {
	r.caller = caller
	r.asked++
	return nil, nil
}

func (r *recorder) CancelFollowUp(_ context.Context, caller tools.Caller, id string) (schedule.FollowUp, error) {
	r.caller, r.id = caller, id
	r.asked++
	return schedule.FollowUp{ID: id, Status: schedule.Cancelled}, nil
}

// call calls a tool as the guard does, with arguments as a model writes them.
func call(t *testing.T, r *recorder, ctx context.Context, name, arguments string) (string, error) {
	t.Helper()
	tool, ok := tools.NewCatalog(schedule.Tools(schedule.New(r))).Lookup(name)
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	out, err := tool.Call(ctx, json.RawMessage(arguments))
	return string(out), err
}

var caller = tools.Caller{Agent: "billing", Run: "run_1", Tainted: true}

func TestOnlyAnAgentsRunMayScheduleFollowUps(t *testing.T) {
	for name, arguments := range map[string]string{
		schedule.RunTool: `{"prompt":"Look.","in_minutes":5}`, schedule.ListTool: `{}`, schedule.CancelTool: `{"id":"followup_1"}`,
	} {
		r := &recorder{}
		_, err := call(t, r, t.Context(), name, arguments)
		if tools.CodeOf(err) != tools.Denied || !strings.Contains(err.Error(), "only a run of an agent can schedule follow-ups") || r.asked != 0 {
			t.Errorf("%s for nobody: %v", name, err)
		}
		if _, err := call(t, r, tools.WithCaller(t.Context(), caller), name, arguments); err != nil || r.asked != 1 || r.caller != caller {
			t.Errorf("%s for a run: %v, as %+v", name, err, r.caller)
		}
	}
}

func TestFollowUpIsPlannedAsItWasAsked(t *testing.T) {
	ctx := tools.WithCaller(t.Context(), caller)
	for name, c := range map[string]struct {
		arguments string
		want      schedule.Plan
	}{
		"at":         {`{"prompt":" Look.\n","at":"2027-01-15T09:00:00+01:00"}`, schedule.Plan{Prompt: "Look.", At: time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)}},
		"in minutes": {`{"prompt":"Look.","in_minutes":1440}`, schedule.Plan{Prompt: "Look.", In: 24 * time.Hour}},
	} {
		r := &recorder{}
		if _, err := call(t, r, ctx, schedule.RunTool, c.arguments); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !r.plan.At.Equal(c.want.At) || r.plan.In != c.want.In || r.plan.Prompt != c.want.Prompt {
			t.Errorf("%s: planned %+v, want %+v", name, r.plan, c.want)
		}
	}
	out, err := call(t, &recorder{}, ctx, schedule.ListTool, `{}`)
	if diff := cmp.Diff(`{"follow_ups":[]}`, out); diff != "" || err != nil {
		t.Errorf("%v; none (-want +got):\n%s", err, diff)
	}
}

func TestWrongFollowUpIsRefusedWithWhatToDo(t *testing.T) {
	ctx := tools.WithCaller(t.Context(), caller)
	for arguments, want := range map[string]string{
		`{"prompt":"  ","in_minutes":5}`:                                "prompt: must not be empty",
		`{"prompt":"Look."}`:                                            "give either at or in_minutes",
		`{"prompt":"Look.","in_minutes":5,"at":"2027-01-15T09:00:00Z"}`: "give either at or in_minutes",
		`{"prompt":"Look.","in_minutes":-5}`:                            "in_minutes: want 1 to 527040",
		`{"prompt":"Look.","in_minutes":600000}`:                        "in_minutes: want 1 to 527040",
		`{"prompt":"a\u0000b","in_minutes":5}`:                          "U+0000",
		`{"prompt":"` + strings.Repeat("x", 8001) + `","in_minutes":5}`: "prompt: has 8001 characters, at most 8000",
	} {
		r := &recorder{}
		_, err := call(t, r, ctx, schedule.RunTool, arguments)
		if tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), want) || r.asked != 0 {
			t.Errorf("%.60s: %v, want %s", arguments, err, want)
		}
	}
	if _, err := call(t, &recorder{}, ctx, schedule.CancelTool, `{"id":" "}`); tools.CodeOf(err) != tools.NotFound {
		t.Errorf("cancelling nothing: %v", err)
	}
}

func TestTimeHasToBeAheadAndNotTooFar(t *testing.T) {
	now := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		plan schedule.Plan
		says string
	}{
		"passed":     {schedule.Plan{At: now.Add(-time.Second)}, "at: 2027-01-15T07:59:59Z has passed; it is 2027-01-15T08:00:00Z now"},
		"now":        {schedule.Plan{At: now}, "has passed"},
		"soon":       {schedule.Plan{At: now.Add(time.Second)}, ""},
		"in minutes": {schedule.Plan{In: time.Minute}, ""},
		"a year":     {schedule.Plan{At: now.Add(schedule.MaxAhead)}, ""},
		"more":       {schedule.Plan{At: now.Add(schedule.MaxAhead + time.Second)}, "is more than a year ahead"},
	} {
		err := c.plan.Check(now)
		if c.says == "" && err != nil || c.says != "" && (tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
