//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"drawbridge/tools/crm"
	"drawbridge/tools/crm/hubspot/hubspotfake"
)

// The program itself, with a file of settings, a session of a client over HTTP, and a token
// that is read anew while it runs.
func TestProgramWorksOnAHubSpotAccount(t *testing.T) {
	fake := hubspotfake.New(t, time.Now)
	ada := fake.Add("contacts", map[string]string{"firstname": "Ada", "lastname": "Lindqvist", "email": "ada@example.com"})
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("pat-eu1-was-revoked-0000"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "drawbridge.yaml")
	settings := `
server: {listen: "127.0.0.1:0"}
log: {format: json}
store: {url: "sqlite://` + filepath.Join(dir, "drawbridge.db") + `"}
tools:
  crm:
    backend: hubspot
    hubspot: {token: "${file:` + token + `}", currency: EUR, base_url: "` + fake.URL + `", requests_per_second: 25}
`
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	renewed := make(chan struct{}, 1)
	server := serveHeard(t, file, func(line string) {
		if strings.Contains(line, "read the secrets anew") {
			renewed <- struct{}{}
		}
	})
	line := sessionLine(t, server.base)
	call := func(id int, tool, arguments string) string {
		t.Helper()
		line.send(t, id, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, tool, arguments))
		answer, _ := line.answer(t, id)
		return answer
	}
	if answer := call(1, crm.GetCustomerTool, `{"customer": "ada@example.com"}`); !strings.Contains(answer, "tools.crm.hubspot.token") || strings.Contains(answer, "pat-eu1") {
		t.Errorf("with a token that was revoked: %s", answer)
	}
	if err := os.WriteFile(token, []byte(hubspotfake.Token), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-renewed
	for i, step := range []struct{ tool, arguments, says string }{
		{crm.CreateTicketTool, `{"customer": "ada@example.com", "subject": "Order A-1 is late"}`, `"customer_id":"` + ada + `"`},
		{crm.SearchTicketsTool, `{"q": "lindqvist late", "unresolved": true}`, "Order A-1 is late"},
		{crm.GetCustomerTool, `{"customer": "` + ada + `"}`, "Order A-1 is late"},
		{crm.CreateCustomerTool, `{"name": "Ada", "email": "ADA@example.com"}`, "is taken by customer " + ada},
	} {
		if answer := call(10+i, step.tool, step.arguments); !strings.Contains(strings.ReplaceAll(answer, `\"`, `"`), step.says) {
			t.Errorf("%s with %s: %s", step.tool, step.arguments, answer)
		}
	}
	if n := fake.Count("tickets"); n != 1 {
		t.Errorf("the account has %d tickets", n)
	}
}
