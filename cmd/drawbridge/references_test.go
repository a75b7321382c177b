package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckWithNoResolveReadsNoReferences(t *testing.T) {
	folder := t.TempDir()
	file, ran := filepath.Join(folder, "drawbridge.yaml"), filepath.Join(folder, "ran")
	text := fmt.Sprintf(`
store: {url: "sqlite://%s/x.db"}
server:
  listen: 127.0.0.1:0
  keys: [{name: desk, key: ${file:%s/none}, tools: ["*"]}, {name: two, key: ${vault:secret/data/x#two}, tools: ["*"]}]
model: {name: m, api_key: ${exec:touch %s}}
agents: {a: {instructions: x}}
webhooks:
  mail: {scheme: sendgrid, secrets: ["${file:none}"], agent: a, prompt: x}
  pay: {scheme: standard, secrets: ["${exec:touch %s}"], agent: a, prompt: x, callback: {url: "${file:none}", secret: "${file:none}"}}
`, folder, folder, ran, ran)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string) {
		var out strings.Builder
		c := &console{in: strings.NewReader(""), out: &out, err: &out, lookup: func(string) (string, bool) { return "", false }}
		return execute(t.Context(), c, append(args, "-c", file)), out.String()
	}
	code, said := run("check", "--no-resolve")
	if code != exitDone || !strings.Contains(said, "Not read, and so not checked: model.api_key, server.keys[0].key, server.keys[1].key, ") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if code, said = run("events", "list"); code != exitDone || !strings.Contains(said, "no events") {
		t.Errorf("a command that needs the store only: exit code %d: %s", code, said)
	}
	for _, args := range [][]string{{"check", "--help"}, {"version"}} {
		if code, said = run(args...); code != exitDone {
			t.Errorf("%v: exit code %d: %s", args, code, said)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a command of a reference was run")
	}
	code, said = run("check")
	if code != exitWrong || !strings.Contains(said, file+":5:28: server.keys[0].key: reading ${file:"+folder+"/none}: no such file or directory") ||
		!strings.Contains(said, "set VAULT_ADDR") {
		t.Errorf("exit code %d: %s", code, said)
	}
}
