package config

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// explainAuth says who may come in besides the holders of keys, and with what.
func (c *Config) explainAuth(w io.Writer) {
	if len(c.Auth.JWT) > 0 {
		fmt.Fprintln(w, "\nTokens (JWT)")
	}
	for i, issuer := range c.Auth.JWT {
		keys := issuer.JWKSFile
		if issuer.JWKSURL != "" {
			keys = c.publicPartAt(item("auth.jwt", i)+".jwks_url", issuer.JWKSURL)
		}
		fmt.Fprintf(w, "  Of %s, for %s, signed with a key of %s: jwt:%s/SUB, %s each.\n", issuer.Issuer, issuer.Audience, keys, issuer.Name,
			rates(issuer.RequestsPerMinute, issuer.Concurrent))
		for _, name := range slices.Sorted(maps.Keys(issuer.Scopes)) {
			scope := issuer.Scopes[name]
			fmt.Fprintf(w, "    scope %s: %s.\n", name, opens(scope.Tools, scope.Effects, scope.Agents))
		}
	}
	c.explainCertificates(w)
}

func (c *Config) explainCertificates(w io.Writer) {
	if len(c.Auth.Certificates) == 0 || c.Server.TLS == nil {
		return
	}
	fmt.Fprintf(w, "\nClient certificates, signed by an authority of %s; the first entry that fits counts, any other certificate is refused\n", c.Server.TLS.ClientCA)
	for _, certificate := range c.Auth.Certificates {
		fmt.Fprintf(w, "  %s: cert:%s, %s.\n", certificate.known(), certificate.Name, rates(certificate.RequestsPerMinute, certificate.Concurrent))
		fmt.Fprintf(w, "    %s.\n", opens(certificate.Tools, certificate.Effects, certificate.Agents))
		if certificate.DryRun {
			fmt.Fprintln(w, "    In dry run: only its reads are made.")
		}
	}
}

// known says by what a certificate is known.
func (c Certificate) known() string {
	var parts []string
	for _, by := range c.identities() {
		if len(by.values) > 0 {
			parts = append(parts, by.setting+" "+strings.Join(by.values, " or "))
		}
	}
	return strings.Join(parts, ", and ")
}

// opens says what may be called, with which effects, and who may be talked to.
func opens(tools, granted, agents []string) string {
	text := "may call nothing"
	if len(tools) > 0 {
		text = fmt.Sprintf("may call %s with effects %s", strings.Join(tools, " "), effectWords(granted))
	}
	if len(agents) > 0 {
		return text + ", and talk to " + strings.Join(agents, " ")
	}
	return text + ", and talk to nobody"
}
