package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	// drainTimeout is how long a node that is to stop waits for what is under way.
	drainTimeout = 5 * time.Second
	// places is how many runs of the bounded source may have begun and not ended.
	places = 12
)

// settings writes what a node is configured with. All have the same but for their
// address, and the addresses by which the far side and the model tell them apart.
func writeSettings(n *node, store, farURL string) error {
	var effects, unknown []string
	for _, t := range append(slices.Clone(farTools), lookUp) {
		effects = append(effects, t.name+": "+t.effect)
		switch t.unknown {
		case "":
		case "check":
			unknown = append(unknown, fmt.Sprintf(`%s: {do: check, tool: %s, arguments: {event: arguments.event, step: arguments.step}, found: 'text == "done: true"', after: %s}`, t.name, lookUp.name, settled))
		default:
			unknown = append(unknown, fmt.Sprintf("%s: {do: %s}", t.name, t.unknown))
		}
	}
	callback := fmt.Sprintf("callback: {url: %q, secret: %s, concurrency: 16, schedule: [0s, 1s, 1s, 2s, 2s, 5s, 5s, 10s, 10s, 30s, 30s, 1m, 1m]}", farURL+"/done", secret)
	text := fmt.Sprintf(`store: {url: %q, min_free: 0, min_free_percent: 0}
server: {listen: %q, drain_timeout: %s}
model: {base_url: %q, name: chaos, timeout: 30s}
log: {format: json}
workers: {runs: 32, callbacks: 32}
tools:
  mcp:
    - name: %s
      url: %q
      headers: {%s: %s}
      trust: [hints, results, changes]
      effects: {%s}
      unknown: {%s}
      call_timeout: %s
guard: {limits: []}
policy:
  rules: [{name: the far side, when: 'tool.startsWith("%s__")', then: allow}]
agents:
  clerk:
    instructions: Do what the event asks for.
    tools: ["%s__*"]
    effects: [read, write, message, money]
    budget: {turns: 30, calls: 60, wall: 1h}
webhooks:
  %s:
    scheme: standard
    secrets: [%s]
    agent: clerk
    prompt: "Handle {{ .event.id }}."
    order_by: event.customer
    %s
  %s:
    scheme: standard
    secrets: [%s]
    agent: clerk
    prompt: "Handle {{ .event.id }}."
    concurrency: %d
    %s
`, store, n.address(), drainTimeout, farURL+"/model/"+n.name+"/v1", mount, farURL+"/mcp", nodeHeader, n.name, strings.Join(effects, ", "), strings.Join(unknown, ", "), callTimeout, mount, mount,
		ordered, secret, callback, bounded, secret, places, callback)
	return os.WriteFile(n.settings, []byte(text), 0o600)
}
