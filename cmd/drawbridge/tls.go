package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"drawbridge/config"
)

// tlsOf is what the server speaks on its address; nil is plain HTTP. Clients are asked
// for a certificate only where a webhook wants one, and it judges that itself: for all
// other doors none is needed.
func tlsOf(cfg *config.Config, log *slog.Logger) (*tls.Config, error) {
	if cfg.Server.TLS == nil {
		return nil, nil
	}
	own := &ownCertificate{file: cfg.Server.TLS.Certificate, key: cfg.Server.TLS.Key, log: log, now: time.Now}
	if err := own.load(); err != nil {
		return nil, config.Problems{cfg.Problem("server.tls", "%v", err)}
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: own.get}
	for _, hook := range cfg.Webhooks {
		if hook.ClientCA != "" {
			c.ClientAuth = tls.RequestClientCert
		}
	}
	return c, nil
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
