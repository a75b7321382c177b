package config

import (
	"encoding/hex"
	"slices"
	"strings"
)

// Certificate says whose a client certificate is, and what it opens, as a [Key] does.
// Of each list that is not empty the certificate has to have one: a name alone, or a name
// and a fingerprint.
type Certificate struct {
	// Name is its principal's: cert:NAME.
	Name string `yaml:"name"`
	// CN are common names of its subject; DNS, URI and Email are alternative ones.
	CN    []string `yaml:"cn"`
	DNS   []string `yaml:"dns"`
	URI   []string `yaml:"uri"`
	Email []string `yaml:"email"`
	// Fingerprint are SHA-256 sums of whole certificates, in hexadecimal digits, with or
	// without colons.
	Fingerprint []string `yaml:"fingerprint"`

	Tools             []string `yaml:"tools"`
	Effects           []string `yaml:"effects"`
	Agents            []string `yaml:"agents"`
	RequestsPerMinute int      `yaml:"requests_per_minute"`
	Concurrent        int      `yaml:"concurrent"`
	DryRun            bool     `yaml:"dry_run"`
	Approve           bool     `yaml:"approve"`
}

// DefaultCertificate is what a certificate has that says nothing else, as a key.
func DefaultCertificate() Certificate {
	key := DefaultKey()
	return Certificate{Agents: key.Agents, RequestsPerMinute: key.RequestsPerMinute, Concurrent: key.Concurrent}
}

func (c *Certificate) setDefaults() { *c = DefaultCertificate() }

// identities are what a certificate is known by, by the name of the setting.
func (c Certificate) identities() []identity {
	return []identity{{"cn", c.CN}, {"dns", c.DNS}, {"uri", c.URI}, {"email", c.Email}, {"fingerprint", c.Fingerprint}}
}

type identity struct {
	setting string
	values  []string
}

// Sum is a fingerprint as it is compared.
func Sum(fingerprint string) string {
	return strings.ToLower(strings.ReplaceAll(fingerprint, ":", ""))
}

// sumBytes is how many bytes a fingerprint has.
const sumBytes = 32

func (k *checker) checkCertificates() {
	if len(k.Auth.Certificates) > 0 && (k.Server.TLS == nil || k.Server.TLS.ClientCA == "") {
		k.refuse("auth.certificates", "nobody is asked for a certificate; set server.tls.client_ca to the authorities that sign those of clients")
	}
	names := map[string]bool{}
	for i, c := range k.Auth.Certificates {
		path := item("auth.certificates", i)
		k.checkName(path+".name", c.Name)
		if c.Name != "" && names[c.Name] {
			k.refuse(path+".name", "%s names two certificates; one entry can list several", k.show(path+".name", c.Name))
		}
		names[c.Name] = true
		k.checkIdentities(path, c)
		if len(c.Tools) == 0 {
			k.refuse(path+".tools", `the certificate opens nothing; list what it may call, or ["*"] for everything`)
		}
		k.checkPatterns(path+".tools", c.Tools)
		k.checkEffectList(path+".effects", c.Effects)
		k.checkAgentPatterns(path+".agents", c.Agents)
		k.atLeast(path+".requests_per_minute", c.RequestsPerMinute, 0)
		k.atLeast(path+".concurrent", c.Concurrent, 0)
	}
}

func (k *checker) checkIdentities(path string, c Certificate) {
	known := false
	for _, by := range c.identities() {
		known = known || len(by.values) > 0
		for i, value := range by.values {
			at := item(path+"."+by.setting, i)
			switch {
			case value == "":
				k.refuse(at, "it is empty, and no certificate is known by that")
			case strings.Contains(value, "*"):
				k.refuse(at, "%s is compared as it stands; list each that counts", k.show(at, value))
			case slices.Contains(by.values[:i], value):
				k.refuse(at, "%s is there twice", k.show(at, value))
			}
		}
	}
	if !known {
		k.refuse(path, "any certificate would be taken for it; say which by cn, dns, uri, email or fingerprint")
	}
	for i, text := range c.Fingerprint {
		if sum, err := hex.DecodeString(Sum(text)); text != "" && (err != nil || len(sum) != sumBytes) {
			at := item(path+".fingerprint", i)
			k.refuse(at, "%s is no SHA-256 of a certificate; want what this prints: openssl x509 -noout -fingerprint -sha256 -in FILE", k.show(at, text))
		}
	}
}
