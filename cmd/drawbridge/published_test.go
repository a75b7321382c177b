//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// published is an MCP server from npm, as .ci/servers/servers.json describes it.
type published struct {
	Name    string            `json:"name"`
	Command []string          `json:"command"`
	Env     map[string]string `json:"env"`
	Node    int               `json:"node"` // the oldest major version of Node.js it starts on
	Try     *struct {
		Tool      string          `json:"tool"`
		Arguments json.RawMessage `json:"arguments"`
		Expect    string          `json:"expect"`
	} `json:"try"`
}

// publishedServers are those that .ci/servers installs. Without them the test is
// skipped aloud; CI installs them first.
func publishedServers(t *testing.T) []published {
	t.Helper()
	folder, err := filepath.Abs("../../.ci/servers")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the published MCP servers are not installed; .ci/run installs them")
		}
		t.Skip("SKIPPED: the published MCP servers are not installed; run `npm ci --ignore-scripts` in .ci/servers")
	}
	raw, err := os.ReadFile(filepath.Join(folder, "servers.json"))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	// Their texts may name a folder of ours, and their programs are given relative to theirs.
	raw = bytes.ReplaceAll(raw, []byte("{{dir}}"), []byte(filepath.ToSlash(work)))
	var servers []published
	if err := json.Unmarshal(raw, &servers); err != nil {
		t.Fatal(err)
	}
	node := nodeVersion(t)
	servers = slices.DeleteFunc(servers, func(s published) bool {
		if s.Node > node {
			t.Logf("SKIPPED: %s needs Node.js %d, this is %d", s.Name, s.Node, node)
		}
		return s.Node > node
	})
	for i := range servers {
		for j, part := range servers[i].Command {
			if strings.HasPrefix(part, "node_modules/") {
				servers[i].Command[j] = filepath.Join(folder, part)
			}
		}
	}
	return servers
}

func nodeVersion(t *testing.T) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "node", "--version").Output()
	if err != nil {
		t.Fatalf("node --version: %v", err)
	}
	var major int
	if _, err := fmt.Sscanf(string(out), "v%d.", &major); err != nil {
		t.Fatalf("node --version: %q", out)
	}
	return major
}

// children are the processes that a process has started, by their command lines.
func children(t *testing.T, pid int) map[int]string {
	t.Helper()
	found := map[int]string{}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range tasks {
		list, _ := os.ReadFile(file) // a thread may have ended
		for _, field := range strings.Fields(string(list)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
			found[child] = strings.ReplaceAll(string(line), "\x00", " ")
		}
	}
	return found
}

func childOf(t *testing.T, pid int, command []string) int {
	t.Helper()
	for child, line := range children(t, pid) {
		if strings.Contains(line, command[1]) {
			return child
		}
	}
	t.Fatalf("no child of %d runs %v", pid, command)
	return 0
}

// TestPublishedServersAreMountedTogether mounts real servers from npm, all at
// once and beside one that never answers. One of them is killed, one is stopped
// in the middle of its work, and none of the others is to notice.
func TestPublishedServersAreMountedTogether(t *testing.T) {
	servers := publishedServers(t)
	if len(servers) < 10 {
		t.Fatalf("%d servers, want 10 or more", len(servers))
	}
	var mounts []map[string]any
	for _, s := range servers {
		mounts = append(mounts, map[string]any{"name": s.Name, "command": s.Command, "env": s.Env, "start_timeout": "2m", "call_timeout": "20s"})
	}
	mounts = append(mounts, map[string]any{"name": "mute", "command": []string{"sleep", "600"}, "start_timeout": "5m"})
	folder := t.TempDir()
	settings, err := json.Marshal(map[string]any{ // JSON is YAML
		"store": map[string]any{"url": "sqlite://" + filepath.Join(folder, "drawbridge.db")}, "server": map[string]any{"listen": "127.0.0.1:0"},
		"log": map[string]any{"format": "json"}, "tools": map[string]any{"mcp": mounts},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "drawbridge.yaml")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}

	program := serve(t, file) // returns although one server never answers
	desk := connectDesk(t, program.base)
	eventually(t, "every server to list its tools", 3*time.Minute, func() bool {
		counts := desk.tools()
		return !slices.ContainsFunc(servers, func(s published) bool { return counts[s.Name] == 0 })
	})
	counts := desk.tools()
	t.Logf("%d servers: %v", len(servers), counts)
	if counts["mute"] != 0 {
		t.Error("a server that never answered has tools")
	}

	var tried []published
	for _, s := range servers {
		if s.Try != nil {
			tried = append(tried, s)
			desk.try(s)
		}
	}
	if len(tried) < 5 {
		t.Fatalf("%d servers can be called, want 5 or more", len(tried))
	}

	pid := program.cmd.Process.Pid
	killed, stopped := tried[0], tried[1]
	if err := syscall.Kill(childOf(t, pid, killed.Command), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	frozen := childOf(t, pid, stopped.Command)
	if err := syscall.Kill(frozen, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hanging, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan struct{})
	go func() {
		defer close(gaveUp)
		request := mcp.CallToolRequest{}
		request.Params.Name, request.Params.Arguments = stopped.Name+"__"+stopped.Try.Tool, stopped.Try.Arguments
		_, _ = desk.CallTool(hanging, request)
	}()
	for _, s := range tried[2:] {
		desk.try(s)
	}
	eventually(t, "the killed server to answer again", time.Minute, func() bool {
		text, wrong := desk.call(killed.Name+"__"+killed.Try.Tool, killed.Try.Arguments)
		return !wrong && strings.Contains(text, killed.Try.Expect)
	})
	if err := syscall.Kill(frozen, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-gaveUp
	eventually(t, "the stopped server to answer again", time.Minute, func() bool {
		text, wrong := desk.call(stopped.Name+"__"+stopped.Try.Tool, stopped.Try.Arguments)
		return !wrong && strings.Contains(text, stopped.Try.Expect)
	})

	left := children(t, pid)
	program.stop(t)
	for child := range left {
		if err := syscall.Kill(child, 0); err == nil {
			t.Errorf("a server's process outlived the program: %s", left[child])
		}
	}
}

func (d desk) try(s published) {
	d.t.Helper()
	if text, wrong := d.call(s.Name+"__"+s.Try.Tool, s.Try.Arguments); wrong || !strings.Contains(text, s.Try.Expect) {
		d.t.Errorf("%s of %s: got %q (error %v), want %q in it", s.Try.Tool, s.Name, text, wrong, s.Try.Expect)
	}
}
