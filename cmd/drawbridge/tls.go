package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"

	"drawbridge/config"
	"drawbridge/server/auth"
)

// tlsOf is what the server speaks on its address; nil is plain HTTP. Clients are asked for
// a certificate only where one may open something, and none has to be shown: who is to show
// one is the door's to say, in an answer that can be read, where a handshake could only
// break off. Nor are they told which authorities count: there are the senders' of webhooks
// and the clients', and a client that has only another's would show none, and not be told
// what is wrong with it.
func tlsOf(cfg *config.Config, log *slog.Logger) (*tls.Config, error) {
	if cfg.Server.TLS == nil {
		return nil, nil
	}
	own, err := ownCertificate(cfg.Server.TLS, log)
	if err != nil {
		return nil, config.Problems{cfg.Problem("server.tls", "%v", err)}
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.get(), nil }}
	asks := cfg.Server.TLS.ClientCA != ""
	for _, hook := range cfg.Webhooks {
		asks = asks || hook.ClientCA != ""
	}
	if asks {
		c.ClientAuth = tls.RequestClientCert
	}
	return c, nil
}

func ownCertificate(t *config.TLS, log *slog.Logger) (*followed[*tls.Certificate], error) {
	return followFiles(log, "the server's certificate", func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		return &pair, err
	}, t.Certificate, t.Key)
}

// rootsOf follows a file with authorities.
func rootsOf(file, what string, log *slog.Logger) (*followed[*x509.CertPool], error) {
	return followFiles(log, what, func() (*x509.CertPool, error) { return rootsIn(file) }, file)
}

// wireCertificates says whose client certificates count.
func (a *app) wireCertificates(context.Context, appOptions) error {
	if a.cfg.Server.TLS == nil || a.cfg.Server.TLS.ClientCA == "" {
		return nil
	}
	roots, err := rootsOf(a.cfg.Server.TLS.ClientCA, "the authorities of client certificates", a.log)
	if err != nil {
		return config.Problems{a.cfg.Problem("server.tls.client_ca", "%v", err)}
	}
	var rules []auth.CertificateRule
	for _, c := range a.cfg.Auth.Certificates {
		rule := auth.CertificateRule{Name: c.Name, CommonNames: c.CN, DNS: c.DNS, URIs: c.URI, Emails: c.Email, Approve: c.Approve,
			Grants: auth.Grants{Tools: c.Tools, Effects: c.Effects, Agents: c.Agents, DryRun: c.DryRun,
				Limit: auth.Limit{PerMinute: c.RequestsPerMinute, Concurrent: c.Concurrent}}}
		for _, sum := range c.Fingerprint {
			rule.Fingerprints = append(rule.Fingerprints, config.Sum(sum))
		}
		rules = append(rules, rule)
	}
	a.keys.AcceptCertificates(auth.Certificates{Roots: roots.get, Rules: rules})
	return nil
}

// rootsIn reads certificates in PEM.
func rootsIn(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%q holds no certificate in PEM", file)
	}
	return roots, nil
}

// ownScheme is how our own server is reached from this machine.
func ownScheme(cfg *config.Config) string {
	if cfg.Server.TLS != nil {
		return "https"
	}
	return "http"
}

// ownTLS trusts our own server's certificate, by the name the outside knows it by.
func ownTLS(cfg *config.Config) *tls.Config {
	if cfg.Server.TLS == nil {
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if names := publicHosts(cfg.Server.PublicURL); len(names) > 0 {
		c.ServerName = names[0]
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if text, err := os.ReadFile(cfg.Server.TLS.Certificate); err == nil {
		roots.AppendCertsFromPEM(text) // it may be its own root
	}
	c.RootCAs = roots
	return c
}
