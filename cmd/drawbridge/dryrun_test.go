package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/store/state"
	"drawbridge/tools"
)

// everyEffect is somebody who may do everything.
var everyEffect = []string{string(tools.Read), string(tools.Write), string(tools.Message), string(tools.Money)}

// dryRule wants all calls in dry run.
type dryRule struct{}

func (dryRule) Version() string { return "test" }

func (dryRule) Judge(context.Context, guard.Question) guard.Verdict {
	return guard.Verdict{Action: guard.DryRun, Rule: "all"}
}

// TestDryRunChangesNothing: over the whole catalog, whoever wants the dry run, the store
// is the same afterwards but for the audit.
func TestDryRunChangesNothing(t *testing.T) {
	cfg := config.Default()
	cfg.Policy.Defaults = config.PolicyDefaultsOff // they deny what they cannot look up, such as the recipients of a draft that is none
	a, err := newToolApp(t.Context(), temporary(t, cfg), appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(t.Context()) })
	if err := a.backends.seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	arguments := fittingArguments(t, a)
	ruled := guard.New(a.catalog, a.store, guard.Options{Policy: dryRule{}})
	before := contents(t, a.store)
	desk := auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}, Effects: everyEffect, Agents: []string{"*"}}
	trial, agent := desk, auth.Principal{Kind: auth.Agent, Name: "billing", Run: "run_1", Tools: []string{"*"}, Effects: everyEffect, DryRun: true}
	trial.DryRun = true
	for _, tool := range a.catalog.All() {
		for _, key := range []string{"", "k1"} {
			call := guard.Call{Principal: desk, Door: auth.DoorHTTP, Tool: tool.Name, Arguments: arguments[tool.Name], Key: key}
			ofOne, ofKey, ofAgent := call, call, call
			ofOne.DryRun, ofKey.Principal, ofAgent.Principal = true, trial, agent
			for who, result := range map[string]guard.Result{"a call": a.guard.Call(t.Context(), ofOne), "a key": a.guard.Call(t.Context(), ofKey),
				"an agent": a.guard.Call(t.Context(), ofAgent), "a rule": ruled.Call(t.Context(), call)} {
				if tool.ForClients && who == "an agent" {
					continue // no agent has it
				}
				if tool.Effect != tools.Read && (result.Err == nil || result.Err.Code != tools.DryRun) {
					t.Errorf("%s in dry run of %s: got %+v", tool.Name, who, result)
				}
			}
		}
	}
	if diff := cmp.Diff(before, contents(t, a.store)); diff != "" {
		t.Errorf("a dry run changed the store (-before +after):\n%s", diff)
	}
	// The same without one would have shown.
	a.guard.Call(t.Context(), guard.Call{Principal: desk, Tool: "crm_create_customer", Arguments: arguments["crm_create_customer"]})
	if cmp.Equal(before, contents(t, a.store)) {
		t.Error("a call that is made does not change what is compared")
	}
}

var anExample = regexp.MustCompile(`An example that fits: (\{.*\})$`)

// fittingArguments are arguments for each tool, by what the guard itself proposes.
func fittingArguments(t *testing.T, a *app) map[string]json.RawMessage {
	t.Helper()
	fitting := map[string]json.RawMessage{}
	for _, tool := range a.catalog.All() {
		fitting[tool.Name] = json.RawMessage(`{}`)
		result := a.guard.Call(t.Context(), guard.Call{Principal: auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}, Effects: everyEffect, Agents: []string{"*"}},
			Tool: tool.Name, Arguments: fitting[tool.Name], DryRun: true})
		if result.Err == nil || result.Err.Code != tools.Invalid {
			continue
		}
		example := anExample.FindStringSubmatch(result.Err.Message)
		if example == nil {
			t.Fatalf("%s: no example in %q", tool.Name, result.Err.Message)
		}
		fitting[tool.Name] = json.RawMessage(example[1])
	}
	return fitting
}

// contents are all rows of a store but those of the audit.
func contents(t *testing.T, s *state.Store) map[string][]string {
	t.Helper()
	rows, err := s.Read().QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'audit%' AND name NOT LIKE 'sqlite%' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	kept := map[string][]string{}
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		kept[table] = rowsOf(t, s, table)
	}
	if err := rows.Err(); err != nil || len(kept) < 10 {
		t.Fatalf("%d tables: %v", len(kept), err)
	}
	return kept
}

func rowsOf(t *testing.T, s *state.Store, table string) (lines []string) {
	t.Helper()
	rows, err := s.Read().QueryContext(t.Context(), fmt.Sprintf(`SELECT * FROM %q`, table))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		for i, value := range values {
			fmt.Fprintf(&line, "%s=%v ", columns[i], *value.(*any))
		}
		lines = append(lines, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
