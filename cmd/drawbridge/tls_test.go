package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/config"
)

// authority signs certificates for a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newPrivateKey(t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	a.certificate = a.sign(t, template, template, a.key)
	return a
}

func (a *authority) sign(t *testing.T, template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// issue gives a certificate for one name and one use.
func (a *authority) issue(t *testing.T, name string, use x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	key := newPrivateKey(t)
	leaf := a.sign(t, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{use}}, a.certificate, key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// pemFile writes a certificate or a key as PEM.
func pemFile(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestING24_ClientCertificateIsAskedForBesidesTheToken: Salesforce cannot sign, and
// shows a certificate.
func TestING24_ClientCertificateIsAskedForBesidesTheToken(t *testing.T) {
	ours, theirs, strangers := newAuthority(t), newAuthority(t), newAuthority(t)
	own := ours.issue(t, "bridge.example.com", x509.ExtKeyUsageServerAuth)
	der, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	const token = "0123456789abcdef0123456789abcdef"
	file := settingsFile(t, fmt.Sprintf(`server: {listen: "127.0.0.1:0", public_url: "https://bridge.example.com", tls: {certificate: %q, key: %q}}
agents: {desk: {}}
webhooks:
  sf: {scheme: salesforce, secrets: [%s], client_ca: %q, client_names: [proxy.salesforce.com], agent: desk, prompt: An event.}
  gh: {scheme: github, secrets: [%s], agent: desk, prompt: An event.}
`, pemFile(t, "cert.pem", "CERTIFICATE", own.Certificate[0]), pemFile(t, "key.pem", "PRIVATE KEY", der), token,
		pemFile(t, "roots.pem", "CERTIFICATE", theirs.certificate.Raw), token))
	cfg, err := config.Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), cfg, appOptions{Rehearse: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(context.WithoutCancel(t.Context())) }()
	address, _, err := a.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ours.certificate)
	for name, c := range map[string]struct {
		certificates []tls.Certificate
		path         string
		want         int
	}{
		"its own":         {[]tls.Certificate{theirs.issue(t, "proxy.salesforce.com", x509.ExtKeyUsageClientAuth)}, "/webhooks/sf/" + token, 200},
		"without a token": {[]tls.Certificate{theirs.issue(t, "proxy.salesforce.com", x509.ExtKeyUsageClientAuth)}, "/webhooks/sf", 401},
		"none":            {nil, "/webhooks/sf/" + token, 401},
		"of a stranger":   {[]tls.Certificate{strangers.issue(t, "proxy.salesforce.com", x509.ExtKeyUsageClientAuth)}, "/webhooks/sf/" + token, 401},
		"of another name": {[]tls.Certificate{theirs.issue(t, "other.example.com", x509.ExtKeyUsageClientAuth)}, "/webhooks/sf/" + token, 401},
		"a server's":      {[]tls.Certificate{theirs.issue(t, "proxy.salesforce.com", x509.ExtKeyUsageServerAuth)}, "/webhooks/sf/" + token, 401},
		"another door":    {nil, "/webhooks/gh", 401}, // reached, and not signed
	} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(c.certificates) == 0 {
				return &tls.Certificate{}, nil
			}
			return &c.certificates[0], nil
		}}}
		resp, err := (&http.Client{Transport: transport}).Post("https://"+address.String()+c.path, "text/xml", strings.NewReader("<a/>"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		transport.CloseIdleConnections()
		if resp.StatusCode != c.want {
			t.Errorf("%s: answered %d %s, want %d", name, resp.StatusCode, text, c.want)
		}
	}
	// Our own commands know the certificate.
	var out bytes.Buffer
	code := execute(t.Context(), &console{in: strings.NewReader(""), out: &out, err: &out, lookup: noEnvironment},
		[]string{"webhook", "test", "gh", "-c", file, "--url", "https://" + address.String()})
	if code != 0 {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}

func TestUnreadableCertificateIsAConfigurationError(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cert := newAuthority(t).issue(t, "bridge.example.com", x509.ExtKeyUsageServerAuth)
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	good := fmt.Sprintf("certificate: %q, key: %q", pemFile(t, "c.pem", "CERTIFICATE", cert.Certificate[0]), pemFile(t, "k.pem", "PRIVATE KEY", der))
	for name, c := range map[string][2]string{
		"no such file":   {"certificate: nonesuch.pem, key: nonesuch.pem", empty},
		"no certificate": {fmt.Sprintf("certificate: %q, key: %q", empty, empty), empty},
		"no roots":       {good, empty},
		"no such roots":  {good, "nonesuch.pem"},
	} {
		file := settingsFile(t, fmt.Sprintf("server: {tls: {%s}}\nagents: {desk: {}}\nwebhooks:\n  sf: {scheme: token, secrets: [0123456789abcdef], client_ca: %q, agent: desk, prompt: An event.}\n", c[0], c[1]))
		var out bytes.Buffer
		if code := execute(t.Context(), &console{in: strings.NewReader(""), out: &out, err: &out, lookup: noEnvironment}, []string{"check", "-c", file}); code != exitWrong {
			t.Errorf("%s: exit code %d\n%s", name, code, out.String())
		}
	}
}
