package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/server/guard"
)

// oneAtATime has a far side whose calls are made one at a time, so that a call that kept
// its place would be in the way of the next.
const oneAtATime = `guard: {limits: [{name: one, tool: "far__*", concurrent: 1}]}
server: {listen: 127.0.0.1:0}
log: {format: json}
`

// cancelDoors are the doors, with what _meta a request has there.
var cancelDoors = []struct {
	name, meta string
	open       func(t *testing.T, settings string) *doorLine
}{
	{"stdio", "", func(t *testing.T, settings string) *doorLine { l, _ := stdioLine(t, settings, "far__put"); return l }},
	{"stdio 2026-07-28", modernMeta, func(t *testing.T, settings string) *doorLine { l, _ := stdioLine(t, settings, "far__put"); return l }},
	{"SSE", "", ofServer(streamLine)},
	{"HTTP session", "", ofServer(sessionLine)},
	{"HTTP 2026-07-28", modernMeta, ofServer(statelessLine)},
}

// ofServer opens a door of a program that serves.
func ofServer(line func(*testing.T, string) *doorLine) func(*testing.T, string) *doorLine {
	return func(t *testing.T, settings string) *doorLine {
		file := settingsFile(t, settings)
		server := serve(t, file)
		awaitMount(t, server, "far")
		l := line(t, server.base)
		l.store = filepath.Join(filepath.Dir(file), "drawbridge.db")
		return l
	}
}

// awaitRow waits for the row of the only call so far.
func awaitRow(t *testing.T, path string) (row guard.Row) {
	t.Helper()
	store := look(t, path)
	eventually(t, "the call's row in the audit", time.Minute, func() bool {
		rows, err := store.Audit(t.Context(), "", 10)
		if err != nil || len(rows) > 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if len(rows) == 1 {
			row = rows[0]
		}
		return len(rows) == 1
	})
	return row
}

func TestCancelledCallIsCancelledBehindEveryDoor(t *testing.T) {
	for _, door := range cancelDoors {
		for _, call := range [][2]string{{"look", "cancelled"}, {"put", "outcome_unknown"}} {
			tool, outcome := call[0], call[1]
			t.Run(door.name+" "+tool, func(t *testing.T) {
				far := newFarSide(t)
				l := door.open(t, oneAtATime+far.settings())
				arrived, letGo := far.held()
				t.Cleanup(func() { close(letGo) })
				l.call(t, 1, "far__"+tool, "slow", door.meta)
				<-arrived
				l.cancel(t, 1)
				if cancelled := <-far.cancelled; cancelled != tool {
					t.Errorf("the far side was told that a call of %q is cancelled", cancelled)
				}
				row := awaitRow(t, l.store)
				if row.Outcome != outcome || row.Rule != "invoke: cancelled by the caller" || row.Decision != guard.Allowed {
					t.Errorf("row %+v", row)
				}
				far.around(nil, nil)
				l.call(t, 2, "far__look", "next", door.meta)
				answer, before := l.answer(t, 2)
				if !strings.Contains(answer, `"count":0`) {
					t.Errorf("the next call: %s", answer)
				}
				answered := slices.ContainsFunc(before, func(m string) bool { return strings.Contains(m, `"id":1,`) })
				if l.silent && answered {
					t.Errorf("the cancelled call was answered: %q", before)
				}
				for _, m := range before {
					if tool == "put" && strings.Contains(m, "nothing was changed") {
						t.Errorf("nobody knows that: %s", m)
					}
				}
			})
		}
	}
}

// TestCancelledPaymentGoesOn: what became of money has to be known.
func TestCancelledPaymentGoesOn(t *testing.T) {
	for _, door := range cancelDoors {
		t.Run(door.name, func(t *testing.T) {
			far := newFarSide(t)
			l := door.open(t, oneAtATime+strings.Replace(far.settings(), "effects: {look: read}", "effects: {look: read, put: money}", 1))
			arrived, letGo := far.held()
			l.call(t, 1, "far__put", "slow", door.meta)
			<-arrived
			l.cancel(t, 1)
			close(letGo)
			if row := awaitRow(t, l.store); row.Outcome != "ok" {
				t.Errorf("row %+v", row)
			}
			if all, _, _ := far.took(); all != 1 || len(far.cancelled) > 0 {
				t.Errorf("%d effects, %d cancelled", all, len(far.cancelled))
			}
		})
	}
}
