package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// settingsFile writes settings with a store of their own.
func settingsFile(t testing.TB, text string) string {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "drawbridge.yaml")
	text = "store: {url: \"sqlite://" + filepath.Join(folder, "drawbridge.db") + "\"}\n" + text
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPatternMayBeAboutAMount(t *testing.T) {
	for pattern, want := range map[string]bool{
		"*": true, "shop__*": true, "shop__buy": true, "shop*": true, "s*": true, "*__buy": true, "*_get_*": true,
		"shop": false, "shop__": true, "shops*": false, "shopping__*": false, "crm_*": false, "": false,
	} {
		if got := mayBeAbout(pattern, "shop"); got != want {
			t.Errorf("%q: %v, want %v", pattern, got, want)
		}
	}
}

// TestInterruptedListIsNotShownAsWhole: somebody who does not wait for a server gets
// no list that looks as if it were all there is.
func TestInterruptedListIsNotShownAsWhole(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	over := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		interrupt()
		<-over
	}))
	defer hanging.Close()
	defer close(over)
	file := settingsFile(t, "tools: {mcp: [{name: hanging, url: "+hanging.URL+"}]}\n")
	var out, errs bytes.Buffer
	code := execute(ctx, &console{in: strings.NewReader(""), out: &out, err: &errs, lookup: noEnvironment}, []string{"tools", "-c", file})
	if code != exitFailed || out.Len() > 0 || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit %d, %q, %q", code, out.String(), errs.String())
	}
}

const missing = "MCP server missing: waiting, 0 tools offered; starting the program: "

func TestListStartsOnlyServersThatAPatternMayBeAbout(t *testing.T) {
	file := settingsFile(t, "tools: {mcp: [{name: missing, command: [/no/such/program]}]}\n")
	if out, _, code := command(t, "tools", "-c", file, "missing__*"); code != exitDone || !strings.Contains(out, missing) {
		t.Errorf("a pattern about the server: exit %d\n%s", code, out)
	}
	if out, _, code := command(t, "tools", "-c", file, "crm_list_*"); code != exitDone || strings.Contains(out, "missing") {
		t.Errorf("a pattern about others: exit %d\n%s", code, out)
	}
}

func TestListForProgramsStillSaysWhichServersAreMissing(t *testing.T) {
	file := settingsFile(t, "tools: {mcp: [{name: missing, command: [/no/such/program]}]}\n")
	out, stderr, code := command(t, "tools", "-c", file, "--json", "missing__*")
	if code != exitDone || out != "[]\n" || !strings.Contains(stderr, missing) {
		t.Errorf("exit %d, %q, %q", code, out, stderr)
	}
}

func TestRunSaysWhichServersAreMissing(t *testing.T) {
	file := settingsFile(t, "agents: {helper: {tools: [\"*\"]}}\ntools: {mcp: [{name: missing, command: [/no/such/program]}]}\n")
	if _, stderr, _ := command(t, "run", "-c", file, "hello"); !strings.Contains(stderr, missing) {
		t.Errorf("it said:\n%s", stderr)
	}
}

func TestListWarnsOfTheSettingsOnce(t *testing.T) {
	file := settingsFile(t, "tools: {mcp: [{name: far, url: \"http://far.example.com/mcp\"}]}\n")
	if _, stderr, _ := command(t, "tools", "-c", file, "crm_list_*"); strings.Count(stderr, "unencrypted") != 1 {
		t.Errorf("it said:\n%s", stderr)
	}
}

// TestLookUpIsCheckedBeforeAnythingStarts: a mistake in an expression has its place in the file.
func TestLookUpIsCheckedBeforeAnythingStarts(t *testing.T) {
	file := settingsFile(t, `tools:
  mcp:
    - name: far
      command: [/no/such/program]
      unknown:
        put: {do: check, tool: look, arguments: {id: argument.id}, found: text ==}
        "*": {do: ask}
`)
	_, stderr, code := command(t, "check", "-c", file)
	for _, want := range []string{
		`:7:54: tools.mcp[0].unknown.put.arguments.id: undeclared reference to 'argument'`,
		`:7:82: tools.mcp[0].unknown.put.found: Syntax error`,
	} {
		if code != exitWrong || !strings.Contains(stderr, want) {
			t.Errorf("exit %d, it lacks %q:\n%s", code, want, stderr)
		}
	}
}
