package config

import (
	"strings"
	"testing"
)

func TestExplainSaysWhichMailboxIsWatched(t *testing.T) {
	c, err := Parse("drawbridge.yaml", []byte(`agents: {desk: {tools: ["crm_*"]}}
webhooks:
  support: {scheme: imap, folder: Orders, poll: 5m, dedupe_for: 7d, agent: desk, prompt: p}
  closed: {scheme: imap, disabled: true, agent: desk, prompt: p}
tools:
  email:
    backend: smtp
    smtp: {address: "smtp.example.com:587"}
    imap: {address: "imap.example.com:993", username: desk, password: hunter2-hunter2, folders: [INBOX, Orders]}
`), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	text := explain(c)
	for _, want := range []string{
		"Mail support\n    each new message in folder Orders of imap.example.com:993, told of or looked for every 5m\n    is the same event again for 7d\n    is handled by agent desk",
		"Mail closed\n    each new message in folder INBOX of imap.example.com:993, told of or looked for every 1m\n    is disabled: nothing is fetched",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say\n%s\nbut\n%s", want, text)
		}
	}
	for _, not := range []string{"hunter2", "/webhooks/support"} {
		if strings.Contains(text, not) {
			t.Errorf("it says %q", not)
		}
	}
}
