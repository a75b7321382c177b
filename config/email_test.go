package config

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// dkimKey is a private key that signs nothing.
var dkimKey = func() string {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}()

func TestMailServerIsExplainedWithoutItsPassword(t *testing.T) {
	for settings, want := range map[string]string{
		"{address: 'smtp.example.com:587', username: desk, password: hunter2-hunter2}":                "from drawbridge@example.com; by smtp.example.com:587, encrypted by STARTTLS, as desk (plain)",
		"{address: 'smtp.example.com:465', tls: implicit}":                                            "encrypted from the start, without a login",
		"{address: '127.0.0.1:25', tls: none, dkim: {selector: mail, key: \"${KEY}\"}}":               "NOT encrypted, without a login, signed by mail._domainkey.example.com",
		"{address: 'smtp.example.com:587', auth: xoauth2, username: desk, password: hunter2-hunter2}": "as desk (xoauth2)",
	} {
		text := "tools: {email: {backend: smtp, smtp: " + settings + "}}"
		c, err := Parse("x.yaml", []byte(text), lookupIn(map[string]string{"KEY": dkimKey}))
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		c.Explain(&out)
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "PRIVATE") {
			t.Errorf("%s is explained as\n%s\nwant %q in it, and no secret", text, out.String(), want)
		}
	}
}

func TestMailboxIsExplainedWithoutItsPassword(t *testing.T) {
	for settings, want := range map[string]string{
		"{address: 'imap.example.com:993', username: desk, password: hunter2-hunter2}":                                                         "; mailbox INBOX at imap.example.com:993, encrypted from the start, as desk (plain)",
		"{address: 'imap.example.com:143', tls: starttls, auth: xoauth2, username: desk, password: hunter2-hunter2, folders: [A, B], sent: S}": "; mailbox A, B at imap.example.com:143, encrypted by STARTTLS, as desk (xoauth2), copies of what was sent in S",
		"{address: '127.0.0.1:143', tls: none, auth: login, username: desk, password: hunter2-hunter2}":                                        "NOT encrypted, as desk (login)",
	} {
		text := "tools: {email: {backend: smtp, smtp: {address: 'smtp.example.com:587'}, imap: " + settings + "}}"
		c, err := Parse("x.yaml", []byte(text), lookupIn(nil))
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		c.Explain(&out)
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "hunter2") {
			t.Errorf("%s is explained as\n%s\nwant %q in it, and no secret", text, out.String(), want)
		}
	}
}

func TestSignatureOfAnotherDomainIsWarnedOf(t *testing.T) {
	for domain, warned := range map[string]bool{"example.com": false, "example.org": true} {
		text := "tools: {email: {backend: smtp, from: a@mail.example.com, smtp: {address: 'smtp.example.com:587', dkim: {domain: " + domain + ", selector: mail, key: \"${KEY}\"}}}}"
		c, err := Parse("x.yaml", []byte(text), lookupIn(map[string]string{"KEY": dkimKey}))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Warnings(); (len(got) > 0) != warned {
			t.Errorf("signing as %s warns of %v", domain, got)
		}
	}
}

func TestSigningKeyThatIsNotReadIsOneOfNobody(t *testing.T) {
	from := Sources{Lookup: lookupIn(nil), Read: func(string, string, string) (Value, error) {
		return Value{Value: "0123456789abcdef", StandIn: true}, nil
	}}
	const smtp = "tools: {email: {backend: smtp, smtp: {address: 'smtp.example.com:587', dkim: {selector: mail, key: \"${file:/run/secrets/dkim.pem}\"}}}}"
	c, err := ParseFrom("drawbridge.yaml", []byte(smtp), from)
	if err != nil || !signingKey(c.Tools.Email.SMTP.DKIM.Key.Reveal()) {
		t.Errorf("settings whose key is not read: %v; want a key that the rest can be wired with", err)
	}
}
