package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
)

// made is a call that a model has made in a conversation, and what came of it.
type made struct {
	tool, arguments, result string
}

// madeIn are the calls of a conversation that have a result, in their order.
func madeIn(q openaitest.Request) (all []made) {
	at := map[string]int{}
	for _, m := range q.Messages {
		for _, call := range m.Calls {
			at[call.ID] = len(all)
			all = append(all, made{tool: call.Name, arguments: call.Arguments})
		}
		if i, known := at[m.CallID]; known && m.Role == "tool" {
			all[i].result = m.Text
		}
	}
	return all
}

// read reads the result of the first call of a tool whose arguments have a text in them.
// It reports whether there is one.
func read[T any](t testing.TB, calls []made, tool, having string) (out T, known bool) {
	t.Helper()
	for _, call := range calls {
		if call.tool != tool || !strings.Contains(call.arguments, having) {
			continue
		}
		if err := json.Unmarshal([]byte(call.result), &out); err != nil {
			t.Errorf("%s %s gave %q: %v", tool, call.arguments, call.result, err)
		}
		return out, true
	}
	return out, false
}

// asks is a reply that calls a function. Arguments are anything that becomes JSON.
func asks(tool string, arguments any) openaitest.Reply {
	raw, err := json.Marshal(arguments)
	if err != nil {
		panic(fmt.Sprintf("arguments of %s: %v", tool, err))
	}
	return openaitest.Call(tool, string(raw))
}

type arguments map[string]any

// storyPatience is how long anything may take: it bounds a test that would hang.
const storyPatience = 3 * time.Minute

// pausing is a moment at which a test does something: who comes to it waits until it has passed.
type pausing struct{ come, passed chan struct{} }

func newPause() pausing { return pausing{make(chan struct{}, 1), make(chan struct{})} }

// comes says that it is there.
func (m pausing) comes(t *testing.T) {
	select {
	case m.come <- struct{}{}:
	default: // somebody said so before
	}
	select {
	case <-m.passed:
	case <-t.Context().Done():
	}
}

// await waits for it.
func (m pausing) await(t *testing.T) {
	t.Helper()
	select {
	case <-m.come:
	case <-time.After(storyPatience):
		t.Fatal("the moment never came")
	}
}

func (m pausing) passes() { close(m.passed) }

// died waits until the process has killed itself.
func (p *program) died(t *testing.T) {
	t.Helper()
	dead := make(chan struct{})
	go func() {
		p.logs.Wait()
		close(dead)
	}()
	select {
	case <-dead:
		_ = p.cmd.Wait() // it reports the kill
	case <-time.After(storyPatience):
		t.Fatal("the program does not die")
	}
}
