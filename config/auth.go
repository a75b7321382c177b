package config

import (
	"maps"
	"slices"
	"strings"
)

// Auth is who may come in besides the holders of API keys.
type Auth struct {
	// JWT are those whose tokens are believed.
	JWT []Issuer `yaml:"jwt"`
	// Certificates are the client certificates that count, of those that an authority of
	// server.tls.client_ca has signed. The first that fits is whose it is.
	Certificates []Certificate `yaml:"certificates"`
}

// Issuer gives tokens (JWT) that callers show as a bearer.
type Issuer struct {
	// Name begins the names of its principals: jwt:NAME/SUB.
	Name string `yaml:"name"`
	// Issuer has to be a token's iss, Audience one of its aud.
	Issuer   string `yaml:"issuer"`
	Audience string `yaml:"audience"`
	// One of JWKSURL and JWKSFile has the issuer's public keys.
	JWKSURL  string `yaml:"jwks_url"`
	JWKSFile string `yaml:"jwks_file"`
	// Scopes are what each scope of a token opens.
	Scopes map[string]Scope `yaml:"scopes"`
	// RequestsPerMinute and Concurrent are as in [Key], for each principal.
	RequestsPerMinute int `yaml:"requests_per_minute"`
	Concurrent        int `yaml:"concurrent"`
}

// Scope is what a scope opens, as a [Key] does; no agents if it names none.
type Scope struct {
	Tools   []string `yaml:"tools"`
	Effects []string `yaml:"effects"`
	Agents  []string `yaml:"agents"`
}

func (i *Issuer) setDefaults() {
	*i = Issuer{RequestsPerMinute: DefaultKey().RequestsPerMinute, Concurrent: DefaultKey().Concurrent}
}

func (k *checker) checkAuth() {
	k.checkCertificates()
	names := map[string]bool{}
	for n, issuer := range k.Auth.JWT {
		path := item("auth.jwt", n)
		k.checkName(path+".name", issuer.Name)
		if names[issuer.Name] {
			k.refuse(path+".name", "%s names two issuers", k.show(path+".name", issuer.Name))
		}
		names[issuer.Name] = true
		if issuer.Issuer == "" {
			k.refuse(path+".issuer", "there is no issuer; want what its tokens have as iss, such as https://id.example.com/")
		}
		if issuer.Audience == "" {
			k.refuse(path+".audience", "there is no audience; want what tokens for this server have as aud, or those for others would count here")
		}
		switch {
		case (issuer.JWKSURL == "") == (issuer.JWKSFile == ""):
			k.refuse(path+".jwks_url", "want one of jwks_url and jwks_file, which has the issuer's public keys")
		case issuer.JWKSURL != "":
			if u := k.checkURL(path+".jwks_url", issuer.JWKSURL); u != nil && unencrypted(u) {
				k.refuse(path+".jwks_url", "whoever is on the way could give other keys; want https://")
			}
		}
		if len(issuer.Scopes) == 0 {
			k.refuse(path+".scopes", "no scope opens anything, so no token would")
		}
		for _, scope := range slices.Sorted(maps.Keys(issuer.Scopes)) {
			k.checkScope(child(path+".scopes", scope), scope, issuer.Scopes[scope])
		}
		k.atLeast(path+".requests_per_minute", issuer.RequestsPerMinute, 0)
		k.atLeast(path+".concurrent", issuer.Concurrent, 0)
	}
}

func (k *checker) checkScope(path, name string, scope Scope) {
	// RFC 6749, section 3.3.
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
		k.refuse(path, "%s is no scope; want visible ASCII characters without quotes and backslashes", k.show(path, name))
	}
	if len(scope.Tools) == 0 && len(scope.Agents) == 0 {
		k.refuse(path, "the scope opens nothing; list tools, or agents")
	}
	k.checkPatterns(path+".tools", scope.Tools)
	k.checkEffectList(path+".effects", scope.Effects)
	k.checkAgentPatterns(path+".agents", scope.Agents)
}
