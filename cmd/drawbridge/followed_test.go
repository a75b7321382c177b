package main

import (
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"drawbridge/config"
)

func TestRenewedCertificateIsServedWithoutARestart(t *testing.T) {
	authority := newAuthority(t)
	write := func(file, kind string, der []byte) {
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	issue := func(name string) (cert, key []byte) {
		c := authority.issue(t, name, x509.ExtKeyUsageServerAuth)
		der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		return c.Certificate[0], der
	}
	cert, key := issue("old.example.com")
	file, keyFile := pemFile(t, "cert.pem", "CERTIFICATE", cert), pemFile(t, "key.pem", "PRIVATE KEY", key)
	now := time.Now()
	var log strings.Builder
	own, err := ownCertificate(&config.TLS{Certificate: file, Key: keyFile}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	own.now = func() time.Time { return now }
	serves := func(want string) {
		t.Helper()
		now = now.Add(followedEvery)
		leaf, err := x509.ParseCertificate(own.get().Certificate[0])
		if err != nil || leaf.Subject.CommonName != want {
			t.Errorf("serves %q (%v), want %q", leaf.Subject.CommonName, err, want)
		}
	}
	serves("old.example.com")
	cert, key = issue("a-new-name.example.com")
	write(file, "CERTIFICATE", cert) // its key is not there yet
	serves("old.example.com")
	serves("old.example.com")
	if n := strings.Count(log.String(), "cannot be used"); n != 1 {
		t.Errorf("said %d times\n%s", n, log.String())
	}
	write(keyFile, "PRIVATE KEY", key)
	// A file system may not tell two writes of one moment apart.
	if err := os.Chtimes(keyFile, now.Add(time.Minute), now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	serves("a-new-name.example.com")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	serves("a-new-name.example.com")
}
