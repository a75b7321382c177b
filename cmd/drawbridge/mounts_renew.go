package main

import (
	"fmt"
	"strings"

	"drawbridge/config"
)

// renewal is how a secret of a mount takes effect; nil if it needs a start, as an address
// does, or a command.
func (m *mounts) renewal(next *config.Config, path string) (what string, do func() error) {
	for i, s := range next.Tools.MCP {
		at := fmt.Sprintf("tools.mcp[%d]", i)
		if strings.HasPrefix(path, at+".env.") || strings.HasPrefix(path, at+".headers.") {
			return "mount " + s.Name, func() error { return m.list[i].SetCredentials(revealed(s.Env), revealed(s.Headers)) }
		}
	}
	for i, s := range next.Tools.OpenAPI {
		at := fmt.Sprintf("tools.openapi[%d]", i)
		for _, secret := range []string{".headers.", ".fixed.", ".auth.bearer", ".auth.basic.password", ".auth.api_key.value", ".auth.client_credentials.client_secret"} {
			if strings.HasPrefix(path, at+secret) {
				return "mount " + s.Name, func() error { return m.apis[i].api.SetCredentials(apiSettings(s)) }
			}
		}
	}
	return "", nil
}
