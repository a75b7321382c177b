package mcpmount

import (
	"encoding/json"
	"time"

	"drawbridge/tools"
)

// anyObject stands for a schema that the server did not send.
var anyObject = json.RawMessage(`{"type":"object"}`)

// grace is what the guard leaves a call beyond its own limits, so that it ends with
// what the mount has to say of it.
const grace = 2 * time.Second

// offer makes a tool of a definition, as far as the settings trust it.
func (m *Mount) offer(t listed) tools.Tool {
	names := m.namesOf(t)
	effect, named := settingOfAny(m.settings.Effects, names)
	tool := tools.Tool{
		Name:        offeredName(m.settings.Name, t.name),
		Title:       t.title,
		Description: t.description,
		Effect:      effect,
		Destructive: true,
		Taints:      !m.settings.TrustResults,
		OpenWorld:   !m.settings.TrustResults,
		Input:       t.input,
		Output:      t.output,
		Definition:  t.hash,
		// To wait for a connection, to be called, and to say what came of it.
		Timeout: 2*m.settings.CallTimeout + grace,
	}
	if tool.Title == "" {
		tool.Title = t.hints.title
	}
	if tool.Input == nil {
		tool.Input = anyObject
	}
	if !named {
		tool.Effect = tools.Write
	}
	if m.settings.TrustHints {
		if !named && t.hints.readOnly {
			tool.Effect = tools.Read
		}
		tool.Destructive, tool.Idempotent = t.hints.destructive, t.hints.idempotent
	}
	tool.Destructive = tool.Destructive && tool.Effect != tools.Read
	if rule, ok := settingOfAny(m.unknown, names); ok && tool.Effect != tools.Read {
		tool.Unknown, tool.LookUp = rule.do, rule.lookUp
		tool.Idempotent = tool.Idempotent || rule.do == tools.Retry
	}
	return tools.Mounted(tool, m.caller(t.name, tool.Name, tool.Effect))
}
