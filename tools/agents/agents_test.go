package agents_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/agents"
)

// desk may talk to some of the agents.
var desk = tools.Client{Name: "key:desk", Agents: []string{"support", "s*"}}

// script is a driver with one run, which stands as its steps say, one after another.
type script struct {
	steps   []agents.Run
	started []agents.Draft
	owner   string
}

func (s *script) Names() []string { return []string{"billing", "sales", "support"} }

func (s *script) Start(_ context.Context, owner string, draft agents.Draft) (string, error) {
	s.owner, s.started = owner, append(s.started, draft)
	return "run_1", nil
}

func (s *script) List(_ context.Context, owner string, most int) ([]agents.Run, error) {
	s.owner = owner
	return s.steps[:min(most, len(s.steps))], nil
}

func (s *script) Follow(ctx context.Context, owner, id string, tell func(agents.Run) bool) error {
	if owner != "key:desk" || id != "run_1" {
		return tools.Errorf(tools.NotFound, "id: you have started no run %q", id)
	}
	for _, run := range s.steps {
		if !tell(run) {
			return nil
		}
	}
	<-ctx.Done() // nothing more happens to it
	return nil
}

func call(ctx context.Context, s *script, name, arguments string) (string, error) {
	tool, _ := tools.NewCatalog(agents.Tools(s)).Lookup(name)
	out, err := tool.Call(ctx, json.RawMessage(arguments))
	return string(out), err
}

func TestRunIsStartedForItsCaller(t *testing.T) {
	s := &script{}
	out, err := call(tools.WithClient(t.Context(), desk), s, agents.StartTool, `{"agent":"sales","prompt":"Sell.","untrusted":true}`)
	if err != nil || out != `{"id":"run_1"}` {
		t.Fatalf("got %s, %v", out, err)
	}
	if diff := cmp.Diff([]agents.Draft{{Agent: "sales", Prompt: "Sell.", Untrusted: true}}, s.started); diff != "" || s.owner != "key:desk" {
		t.Errorf("owner %s, %s", s.owner, diff)
	}
}

func TestAgentThatTheCallerMayNotTalkToIsNotThere(t *testing.T) {
	for agent, client := range map[string]tools.Client{"billing": desk, "nobody": desk, "sales": {Name: "key:mute"}} {
		s := &script{}
		_, err := call(tools.WithClient(t.Context(), client), s, agents.StartTool, `{"agent":"`+agent+`","prompt":"Go."}`)
		if !isCode(err, tools.NotFound) || len(s.started) > 0 {
			t.Errorf("%s for %s: %v, started %v", agent, client.Name, err, s.started)
		}
		if client.Name == "key:desk" && (!strings.Contains(err.Error(), "sales, support") || strings.Contains(err.Error(), "billing,")) {
			t.Errorf("the error does not say whom to ask: %v", err)
		}
	}
}

func TestRunOfAnAgentMayNeitherStartNorSeeRuns(t *testing.T) {
	ctx := tools.WithCaller(t.Context(), tools.Caller{Agent: "sales", Run: "run_2"})
	for name, arguments := range map[string]string{agents.StartTool: `{"agent":"sales","prompt":"Go."}`, agents.GetTool: `{"id":"run_1"}`, agents.ListTool: `{}`} {
		if out, err := call(ctx, &script{}, name, arguments); !isCode(err, tools.Denied) {
			t.Errorf("%s gave %s, %v", name, out, err)
		}
	}
	for _, tool := range agents.Tools(&script{}) {
		if !tool.ForClients {
			t.Errorf("%s is offered to runs", tool.Name)
		}
	}
}

func TestRunIsFollowedToItsEndWithProgress(t *testing.T) {
	began := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	s := &script{steps: []agents.Run{
		{ID: "run_1", State: "queued", Created: began},
		{ID: "run_1", State: "running", Created: began, Steps: 3, Calls: []agents.Call{{Tool: "crm_get_customer", Status: "ok"}}},
		{ID: "run_1", State: "succeeded", Created: began, Steps: 9, Ended: true, Answer: "Done."},
	}}
	var heard []tools.Progress
	ctx := tools.WithProgress(tools.WithClient(t.Context(), desk), func(p tools.Progress) { heard = append(heard, p) })
	out, err := call(ctx, s, agents.GetTool, `{"id":"run_1","wait_seconds":30}`)
	if err != nil || !strings.Contains(out, `"state":"succeeded"`) || !strings.Contains(out, `"answer":"Done."`) {
		t.Fatalf("got %s, %v", out, err)
	}
	want := []tools.Progress{{Message: "queued"}, {Done: 3, Message: "running, 1 calls, the last of crm_get_customer: ok"}}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Error(diff)
	}
}

func TestWaitEndsWithTheRunAsItStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []agents.Run{{ID: "run_1", State: "running"}}}
		began := time.Now()
		out, err := call(tools.WithClient(t.Context(), desk), s, agents.GetTool, `{"id":"run_1","wait_seconds":20}`)
		if err != nil || !strings.Contains(out, `"state":"running"`) || !strings.Contains(out, `"ended":false`) || time.Since(began) != 20*time.Second {
			t.Errorf("after %s: %s, %v", time.Since(began), out, err)
		}
		if _, err := call(tools.WithClient(t.Context(), desk), s, agents.GetTool, `{"id":"run_1"}`); err != nil || time.Since(began) != 20*time.Second {
			t.Errorf("a look took until %s (%v)", time.Since(began), err)
		}
	})
}

func TestRunOfAnotherIsNotThere(t *testing.T) {
	_, err := call(tools.WithClient(t.Context(), tools.Client{Name: "key:other", Agents: []string{"*"}}), &script{}, agents.GetTool, `{"id":"run_1"}`)
	if !isCode(err, tools.NotFound) {
		t.Errorf("got %v", err)
	}
}

func isCode(err error, code tools.Code) bool {
	var e *tools.Error
	return errors.As(err, &e) && e.Code == code
}

func TestListHasTheCallersRuns(t *testing.T) {
	s := &script{steps: []agents.Run{{ID: "run_1", State: "running"}}}
	out, err := call(tools.WithClient(t.Context(), desk), s, agents.ListTool, `{}`)
	if err != nil || s.owner != "key:desk" || !strings.Contains(out, `"id":"run_1"`) || !strings.Contains(out, `"calls":[]`) {
		t.Errorf("for %q: %s, %v", s.owner, out, err)
	}
	if out, err := call(tools.WithClient(t.Context(), desk), &script{}, agents.ListTool, `{}`); err != nil || out != `{"runs":[]}` {
		t.Errorf("got %s, %v", out, err)
	}
}
