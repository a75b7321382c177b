package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"drawbridge/server/audit"
)

// TestEveryAnsweredReadIsInTheAuditOfAKilledServer: a read is answered once the operating
// system has its row, which need not be in the database by then.
func TestEveryAnsweredReadIsInTheAuditOfAKilledServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.db")
	file := wholeFile(t, fmt.Sprintf(`
store: {url: "sqlite://%s"}
server: {listen: 127.0.0.1:0, keys: [{name: front, key: %s, tools: ["crm_*"], effects: [read]}]}
log: {format: json}
guard: {limits: []}
`, path, frontKey))
	var answered atomic.Int64
	for range 6 {
		server := serve(t, file)
		enough := 20 + rand.Int64N(200)
		var callers sync.WaitGroup
		var once sync.Once
		var made atomic.Int64
		for range 8 {
			callers.Go(func() {
				c := mcpCaller{base: server.base, key: frontKey, modern: true}
				for {
					result, fault, err := c.ask(t.Context(), "tools/call", "crm_search_products", `"name":"crm_search_products","arguments":{"q":"mug"}`)
					if err != nil {
						return // it was killed
					}
					if fault != nil {
						t.Errorf("answered %s %s", result, fault)
						return
					}
					answered.Add(1)
					if made.Add(1) >= enough {
						once.Do(func() { server.kill(t) })
					}
				}
			})
		}
		callers.Wait()
	}
	server := serve(t, file)
	store := look(t, path)
	rows, err := store.Audit(t.Context(), "", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	// One that was under way may have been written and not answered.
	if got, want := int64(len(rows)), answered.Load(); got < want || got > want+6*8 {
		t.Errorf("%d rows of %d calls that were answered", got, want)
	}
	err = store.WholeAudit(t.Context(), func(whole audit.Source) error {
		report, err := audit.Verify(t.Context(), whole, nil, nil)
		if report.Break != nil {
			t.Errorf("the chain is broken: %+v", report.Break)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	server.stop(t)
}
