package main

import (
	"encoding/json"
	"fmt"

	"drawbridge/bridge"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// lookUps tells runs how to find out whether a call of a tool took effect, as the
// catalog has it at that moment.
func lookUps(catalog *tools.Catalog) func(tool string, arguments json.RawMessage, key string) (bridge.LookUp, error) {
	return func(name string, arguments json.RawMessage, key string) (bridge.LookUp, error) {
		tool, known := catalog.Lookup(name)
		switch {
		case !known:
			return bridge.LookUp{}, fmt.Errorf("the tool %s is not there any more", name)
		case tool.LookUp == nil:
			return bridge.LookUp{}, fmt.Errorf("the tool %s has no look-up any more", name)
		}
		call := tools.MadeCall{Arguments: arguments, Key: key}
		asked, err := tool.LookUp.Arguments(call)
		if err != nil {
			return bridge.LookUp{}, err
		}
		return bridge.LookUp{Tool: tool.LookUp.Tool, Arguments: asked, After: tool.LookUp.After,
			Judge: func(content string) (bool, error) { return tool.LookUp.Found(call, content) }}, nil
	}
}

// reached is told of each point in the life of a call; nil but in the binary of the
// tests, which dies there (failpoints_test.go).
var reached func(bridge.Point)

// guardReached is told of the points of the guard, and of decisions about approvals.
func guardReached() func(guard.Point) {
	if reached == nil {
		return nil
	}
	return func(p guard.Point) { reached(bridge.Point(p)) }
}
