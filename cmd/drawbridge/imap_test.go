//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/server/egress"
	"drawbridge/tools/email"
	"drawbridge/tools/email/imap/imaptest"
)

// A mailbox inside is reached because the settings name it, and believed by the authority
// that they name.
func TestMailboxOfTheSettingsIsReadByItsOwnAuthority(t *testing.T) {
	server := imaptest.New(t, imaptest.Options{Encrypted: true})
	server.Deliver("From: ada@example.com\r\nSubject: Late\r\n\r\nWhere is it?\r\n")
	roots, err := os.ReadFile(server.RootsFile)
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, roots, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct{ address, security string }{{server.Secure, "implicit"}, {server.Address, "starttls"}} {
		for _, trusted := range []bool{true, false} {
			authority := ""
			if trusted {
				authority = ", ca: " + ca
			}
			cfg, err := config.Parse("x.yaml", fmt.Appendf(nil, "tools: {email: {backend: smtp, from: orders@example.org, smtp: {address: 'smtp.example.com:587'}, imap: {address: %q, tls: %s, username: %s, password: %s%s}}}",
				way.address, way.security, imaptest.Username, imaptest.Password, authority), os.LookupEnv)
			if err != nil {
				t.Fatal(err)
			}
			box, err := newIMAP(cfg.Tools.Email, egress.New(egress.Settings{}, egress.Options{}), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			list, err := box.SearchMessages(t.Context(), email.Filter{})
			box.Close()
			if found := err == nil && len(list.Messages) == 1; found != trusted {
				t.Errorf("%s, trusted %t: found %+v, %v\n%s", way.security, trusted, list, err, server.Log())
			}
			if !trusted && (err == nil || !strings.Contains(err.Error(), "could not be encrypted")) {
				t.Errorf("%s, of an unknown authority, gives %v", way.security, err)
			}
		}
	}
	cfg := config.Default()
	cfg.Tools.Email.From, cfg.Tools.Email.IMAP = "orders@example.org", &config.IMAP{Address: server.Secure, Username: "a", Password: "secret-secret", CA: ca + ".gone"}
	if _, err := newIMAP(cfg.Tools.Email, egress.New(egress.Settings{}, egress.Options{}), time.Now); err == nil || !strings.Contains(err.Error(), "authorities of the mailbox's server") || strings.Contains(err.Error(), "secret-secret") {
		t.Errorf("an authority that is not there gives %v", err)
	}
}
