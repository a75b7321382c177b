package tools_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"drawbridge/tools"
)

func TestMountedToolKeepsItsDefinitionAndPassesBytesOn(t *testing.T) {
	schema := json.RawMessage(`{ "type": "nonsense", `)
	tool := tools.Mounted(tools.Tool{Name: "x__Do.It-2", Effect: tools.Money, Input: schema, Destructive: true},
		func(_ context.Context, arguments json.RawMessage) (json.RawMessage, error) {
			return json.RawMessage(`{"content":[],"got":` + string(arguments) + `}`), nil
		})
	if !tool.Mounted || string(tool.Input) != string(schema) || !tool.Destructive || tool.Idempotent {
		t.Errorf("got %+v", tool)
	}
	got, err := tool.Call(t.Context(), json.RawMessage(`{"n": 1.0}`))
	if want := `{"content":[],"got":{"n": 1.0}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestMountedReadIsIdempotent(t *testing.T) {
	call := func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, nil }
	if !tools.Mounted(tools.Tool{Name: "a", Effect: tools.Read}, call).Idempotent {
		t.Error("a read may be repeated")
	}
	if tools.Mounted(tools.Tool{Name: "a", Effect: tools.Write}, call).Idempotent {
		t.Error("nobody said that the write may be repeated")
	}
}

func TestProgrammersMistakeInAMountedToolPanics(t *testing.T) {
	call := func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, nil }
	for _, tool := range []tools.Tool{
		{Effect: tools.Read},
		{Name: "with space", Effect: tools.Read},
		{Name: "slash/ed", Effect: tools.Read},
		{Name: "ü", Effect: tools.Read},
		{Name: strings.Repeat("a", 129), Effect: tools.Read},
		{Name: "a"},
		{Name: "a", Effect: "guess"},
	} {
		if !panics(func() { tools.Mounted(tool, call) }) {
			t.Errorf("%+v is taken", tool)
		}
	}
	if !panics(func() { tools.Mounted(tools.Tool{Name: "a", Effect: tools.Read}, nil) }) {
		t.Error("a tool that cannot be called is taken")
	}
	if panics(func() { tools.Mounted(tools.Tool{Name: strings.Repeat("a", 128), Effect: tools.Read}, call) }) {
		t.Error("128 characters are too many")
	}
}

func panics(fn func()) (did bool) {
	defer func() { did = recover() != nil }()
	fn()
	return false
}

func TestFailureIsNotRetryable(t *testing.T) {
	err := tools.Errorf(tools.Failed, "the repository is archived")
	if err.Retryable || tools.CodeOf(err) != "failed" || err.Error() != "failed: the repository is archived" {
		t.Errorf("got %+v", err)
	}
}
