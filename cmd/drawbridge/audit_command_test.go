package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/config"
	"drawbridge/server/audit"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

// TestAuditIsProvedAtTheDoor: beside a serving process and over an export; and what somebody
// does to the file is named.
func TestAuditIsProvedAtTheDoor(t *testing.T) {
	folder := t.TempDir()
	path, settings := filepath.Join(folder, "d.db"), filepath.Join(folder, "drawbridge.yaml")
	if err := os.WriteFile(settings, []byte("store: {url: \"sqlite://"+path+"\"}\nserver: {listen: 127.0.0.1:0}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(settings, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	a, err := newToolApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			if err := a.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}
	defer stop()
	principal := auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"crm_*"}, Effects: []string{"read"}}
	for _, tool := range []string{"crm_search_products", "payment_create_refund", "nothing"} {
		a.guard.Call(t.Context(), guard.Call{Principal: principal, Door: auth.DoorHTTP, Tool: tool, Arguments: []byte(`{ "q": "<mug>" }`)})
	}
	if err := audit.NewKeeper(a.store, a.log).Pass(t.Context()); err != nil { // what a second would do
		t.Fatal(err)
	}
	a.guard.Call(t.Context(), guard.Call{Principal: principal, Door: auth.DoorHTTP, Tool: "crm_search_products", Arguments: []byte(`{}`)})
	command := func(args ...string) (string, error) {
		t.Helper()
		var out bytes.Buffer
		c := &console{in: strings.NewReader(""), out: &out, err: &bytes.Buffer{}, lookup: func(string) (string, bool) { return "", false }}
		cmd := newRoot(c)
		cmd.SetArgs(append(args, "--config", settings))
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	if out, err := command("audit", "verify"); err != nil || !strings.Contains(out, "4 rows in order, 1 to 4\n1 heads fit, 1 of them signed; 1 rows behind") {
		t.Fatalf("beside the process: %v\n%s", err, out)
	}
	if out, err := command("audit", "search", "--decision", "refused", "--tool", "payment_*", "--json"); err != nil || strings.Count(out, `"id"`) != 1 {
		t.Errorf("searching: %v\n%s", err, out)
	}
	stop() // signs the last head
	info, err := os.Stat(path + ".audit-key")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key: %v %v", info, err)
	}
	whole := filepath.Join(folder, "whole.jsonl")
	if _, err := command("audit", "export", "--out", whole); err != nil {
		t.Fatal(err)
	}
	key := ownKeys(cfg)[0]
	out, err := command("audit", "verify", "--file", whole, "--key", key, "--json")
	var report audit.Report
	if json.Unmarshal([]byte(out), &report) != nil || err != nil || report.Rows != 4 || report.Signed != 2 || report.Behind != 0 {
		t.Fatalf("over the export: %v\n%s", err, out)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), `UPDATE audit SET principal = 'key:other' WHERE id = 2`); err != nil {
		t.Fatal(err)
	}
	if out, err := command("audit", "verify"); err == nil || !strings.HasPrefix(out, "row 2: changed") {
		t.Errorf("a row was changed: %v\n%s", err, out)
	}
	if _, err := db.ExecContext(t.Context(), `DELETE FROM audit WHERE id >= 2`); err != nil {
		t.Fatal(err)
	}
	if out, err := command("audit", "verify"); err == nil || !strings.HasPrefix(out, "row 1: truncated") {
		t.Errorf("the end was cut off: %v\n%s", err, out)
	}
	if _, err := db.ExecContext(t.Context(), `DELETE FROM audit_heads`); err != nil {
		t.Fatal(err)
	}
	if out, err := command("audit", "verify", "--heads", whole); err == nil || !strings.HasPrefix(out, "row 1: truncated") {
		t.Errorf("the heads as well, and they are in the export: %v\n%s", err, out)
	}
}
