package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Issuer is somebody whose tokens are believed: JWTs that a caller shows as a bearer.
type Issuer struct {
	// Name begins the names of its principals: "corp/alice".
	Name string
	// URL has to be the token's iss, and Audience one of its aud.
	URL, Audience string
	// Keys finds the key that a token is signed with.
	Keys jwt.Keyfunc
	// Scopes are what each scope of a token opens. Several open what each of them does,
	// and no more: the effects of one do not count for the tools of another.
	Scopes map[string]Grants
	// Limit bounds each principal's requests.
	Limit Limit

	openings []Opening // the scopes, in order
}

// Pair is a part of what a token opens: tools, and the effects that these may have.
type Pair struct {
	Tools   []string `json:"tools"`
	Effects []string `json:"effects"`
}

// Opening is what one scope opens.
type Opening struct {
	Scope string
	Pair
	Agents []string
}

// Widened is what the principal would be with one scope more.
func (p Principal) Widened(by Opening) Principal {
	p.Scopes, p.Pairs = append(slices.Clip(p.Scopes), by.Scope), append(slices.Clip(p.Pairs), by.Pair)
	p.Tools, p.Effects, p.Agents = join(p.Tools, by.Tools), join(p.Effects, by.Effects), join(p.Agents, by.Agents)
	return p
}

const (
	// leeway is how far the clock of an issuer may be off.
	leeway = 30 * time.Second
	// maxToken bounds a token, and maxSubject a name in one, in bytes.
	maxToken, maxSubject = 8 << 10, 128
)

// Algorithms of signatures that count: with a private key each, so that whoever can verify
// cannot sign. What a token says of itself chooses among these only.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// ErrToken is a token that is not taken; the error that wraps it says why.
var ErrToken = errors.New("the token is not accepted")

// ScopeError is a good token without a scope that opens anything.
type ScopeError struct{ Scopes []string } // that would

func (e *ScopeError) Error() string {
	return "the token has none of the scopes that open anything here: " + strings.Join(e.Scopes, " ")
}

// Accept says whose tokens are believed. It comes before the first request.
func (k *Keys) Accept(issuers []Issuer) {
	k.issuers = slices.Clone(issuers)
	for n := range k.issuers {
		i := &k.issuers[n]
		i.openings = nil
		for _, scope := range i.scopes() {
			g := i.Scopes[scope]
			effects := g.Effects
			if effects == nil {
				effects = DefaultEffects()
			}
			i.openings = append(i.openings, Opening{scope, Pair{g.Tools, effects}, g.Agents})
		}
	}
}

// isToken tells a JWT from a key: no key that is made here has dots.
func isToken(text string) bool { return strings.Count(text, ".") == 2 && strings.HasPrefix(text, "ey") }

// claims are those that are read of a token. Scopes are a text with blanks (RFC 9068), or
// a list, as some issuers write them.
type claims struct {
	jwt.RegisteredClaims
	Scope any `json:"scope"`
	Scp   any `json:"scp"`
	// Cnf is by what its holder shows that it is his (RFC 7800).
	Cnf map[string]json.RawMessage `json:"cnf"`
}

// bound reports whether the holder of a token that is bound to a certificate (RFC 8705,
// section 3) has shown it on this connection. A token that is bound to anything else, a key
// of DPoP say, is not taken: nobody here could tell its holder from a thief.
func (c claims) bound(connection *tls.ConnectionState) bool {
	if len(c.Cnf) == 0 {
		return true
	}
	var sum string
	if len(c.Cnf) > 1 || json.Unmarshal(c.Cnf["x5t#S256"], &sum) != nil || connection == nil || len(connection.PeerCertificates) == 0 {
		return false
	}
	shown := sha256.Sum256(connection.PeerCertificates[0].Raw)
	return subtle.ConstantTimeCompare([]byte(sum), []byte(base64.RawURLEncoding.EncodeToString(shown[:]))) == 1
}

func (c claims) scopes() (all []string) {
	for _, value := range []any{c.Scope, c.Scp} {
		switch v := value.(type) {
		case string:
			all = append(all, strings.Fields(v)...)
		case []any:
			for _, one := range v {
				if text, ok := one.(string); ok {
					all = append(all, text)
				}
			}
		}
	}
	return all
}

// holderOf resolves a token. Which of an issuer's entries it is for its audience says.
func (k *Keys) holderOf(token string, connection *tls.ConnectionState) (Principal, error) {
	if len(token) > maxToken {
		return Principal{}, fmt.Errorf("%w: it has more than %d bytes", ErrToken, maxToken)
	}
	var said claims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &said); err != nil {
		return Principal{}, fmt.Errorf("%w: it is no JWT", ErrToken)
	}
	err := fmt.Errorf("%w: its issuer is not known here", ErrToken)
	for _, issuer := range k.issuers {
		if issuer.URL != said.Issuer {
			continue
		}
		var p Principal
		if p, err = issuer.principal(token, connection, k.now); err == nil {
			return p, nil
		}
		var none *ScopeError
		if errors.As(err, &none) {
			break
		}
	}
	return Principal{}, err
}

func (i Issuer) principal(token string, connection *tls.ConnectionState, now func() time.Time) (Principal, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, i.Keys, jwt.WithValidMethods(algorithms), jwt.WithIssuer(i.URL), jwt.WithAudience(i.Audience),
		jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(now))
	if err != nil {
		return Principal{}, fmt.Errorf("%w: %s", ErrToken, whyNot(err))
	}
	if c.Subject == "" || len(c.Subject) > maxSubject || strings.ContainsFunc(c.Subject, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Principal{}, fmt.Errorf("%w: its sub names nobody: 1 to %d visible ASCII characters are taken", ErrToken, maxSubject)
	}
	if !c.bound(connection) {
		return Principal{}, fmt.Errorf("%w: it counts only together with what it is bound to (cnf): a client certificate, which this connection did not show, or something that is not taken here", ErrToken)
	}
	p := Principal{Kind: JWT, Name: i.Name + "/" + c.Subject, Limit: i.Limit}
	p.Openings = i.openings
	has := c.scopes()
	for _, opening := range i.openings {
		if slices.Contains(has, opening.Scope) {
			p = p.Widened(opening)
		}
	}
	if p.Pairs == nil {
		return Principal{}, &ScopeError{i.scopes()}
	}
	return p, nil
}

func (i Issuer) scopes() (all []string) {
	for scope := range i.Scopes {
		all = append(all, scope)
	}
	slices.Sort(all)
	return all
}

func join(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// whyNot is what its holder may know, and nothing that a forger could learn from.
func whyNot(err error) string {
	for _, c := range []struct {
		is   error
		says string
	}{
		{jwt.ErrTokenExpired, "it has expired"}, {jwt.ErrTokenNotValidYet, "it does not count yet"}, {jwt.ErrTokenInvalidAudience, "it is for another audience"},
		{jwt.ErrTokenRequiredClaimMissing, "it lacks exp, iss or aud"},
	} {
		if errors.Is(err, c.is) {
			return c.says
		}
	}
	return "its signature cannot be verified"
}

// Scopes are all that tokens may have here, and Authorities who gives such tokens.
func (k *Keys) Scopes() (scopes []string) {
	for _, i := range k.issuers {
		scopes = join(scopes, i.scopes())
	}
	return scopes
}

// Authorities are the issuers of tokens.
func (k *Keys) Authorities() (urls []string) {
	for _, i := range k.issuers {
		urls = join(urls, []string{i.URL})
	}
	return urls
}
