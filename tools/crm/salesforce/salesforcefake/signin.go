package salesforcefake

import (
	"crypto/rsa"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const tokenPath = "/services/oauth2/token"

// app is a connected app: with a secret, or with a certificate and the users that it may
// sign in as.
type app struct {
	secret   string
	key      *rsa.PublicKey
	username string
}

// Connect sets a connected app up for the client credentials flow.
func (o *Org) Connect(clientID, secret string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.apps[clientID] = app{secret: secret}
}

// ConnectJWT sets one up for the JWT bearer flow.
func (o *Org) ConnectJWT(clientID string, key *rsa.PublicKey, username string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.apps[clientID] = app{key: key, username: username}
}

// Expire ends all sessions.
func (o *Org) Expire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.tokens)
}

func (o *Org) signIn(r *http.Request, body []byte) (int, any) {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return 400, map[string]string{"error": "invalid_request", "error_description": "must use HTTP POST"}
	}
	switch form.Get("grant_type") {
	case "client_credentials":
		known, ok := o.apps[form.Get("client_id")]
		if !ok || known.secret == "" || known.secret != form.Get("client_secret") {
			return 400, map[string]string{"error": "invalid_client", "error_description": "invalid client credentials"}
		}
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		if why := o.assertion(form.Get("assertion")); why != "" {
			return 400, map[string]string{"error": "invalid_grant", "error_description": why}
		}
	default:
		return 400, map[string]string{"error": "unsupported_grant_type", "error_description": "grant type not supported"}
	}
	o.n++
	token := "00D5g000000ABCD!AQ." + jwt.NewNumericDate(time.Unix(int64(o.n), 0)).String() + form.Get("client_id")
	o.tokens[token] = true
	instance := o.Instance
	if instance == "" {
		instance = o.URL
	}
	return 200, map[string]string{"access_token": token, "instance_url": instance, "id": o.URL + "/id/00D5g000000ABCDEAA/" + o.User, "token_type": "Bearer", "issued_at": "1", "signature": "none"}
}

func (o *Org) assertion(text string) (why string) {
	claims := jwt.MapClaims{}
	var known app
	_, err := jwt.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) {
		issuer, _ := claims["iss"].(string)
		known = o.apps[issuer]
		return known.key, nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(o.now), jwt.WithExpirationRequired())
	ends, _ := claims["exp"].(float64)
	switch {
	case known.key == nil:
		return "client identifier invalid"
	case err != nil:
		return "invalid assertion"
	case ends > float64(o.now().Add(5*time.Minute).Unix()):
		return "JWT expiration is too far ahead"
	case claims["aud"] != "https://login.salesforce.com":
		return "audience is invalid"
	case claims["sub"] != known.username:
		return "user hasn't approved this consumer"
	}
	return ""
}
