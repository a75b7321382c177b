package salesforce

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	tokenPath    = "/services/oauth2/token"
	tokenTimeout = 20 * time.Second
	// jwtLife is how long an assertion holds: Salesforce takes at most five minutes.
	jwtLife = 3 * time.Minute
)

// token is an access token, and where it is good.
type token struct {
	access   string
	instance string // the origin of the API: https://acme.my.salesforce.com
	user     string // the id of whom we are, "" if the answer does not say
}

// session signs in, and keeps the token until it is refused: Salesforce does not say when
// one ends. One is asked for at a time; whoever needs it waits.
type session struct {
	settings Settings
	key      *rsa.PrivateKey // of the JWT bearer flow; nil for client credentials
	client   *http.Client

	turn chan struct{} // held by whoever looks at what is below, and at the credentials
	now  *token
	// refused is why we were not let in the last time, and when: for refusedFor nobody asks
	// again, since too many wrong attempts shut an account out.
	refused   *signInError
	refusedAt time.Time
}

const refusedFor = 10 * time.Second

func newSession(s Settings) (*session, error) {
	session := &session{settings: s, client: s.Client, turn: make(chan struct{}, 1)}
	if s.PrivateKey == "" {
		return session, nil
	}
	key, err := ParseKey(s.PrivateKey)
	session.key = key
	return session, err
}

// ParseKey reads the private key of the JWT bearer flow. The error does not show it.
func ParseKey(text string) (*rsa.PrivateKey, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(text))
	if err != nil {
		return nil, errors.New("this is no RSA private key in PEM without a passphrase, such as `openssl genrsa 2048` makes; its certificate is uploaded at the connected app")
	}
	return key, nil
}

// get gives the token, and signs in if there is none.
func (s *session) get(ctx context.Context) (*token, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, errors.Join(errNothingSent, ctx.Err())
	}
	defer func() { <-s.turn }()
	if s.now != nil {
		return s.now, nil
	}
	if s.refused != nil && s.settings.Now().Sub(s.refusedAt).Abs() < refusedFor {
		return nil, s.refused
	}
	fresh, err := s.signIn(ctx)
	s.refused = nil
	if err != nil {
		var failed *signInError
		if errors.As(err, &failed) && failed.refused {
			s.refused, s.refusedAt = failed, s.settings.Now()
		}
		return nil, err
	}
	s.now = fresh
	return fresh, nil
}

// drop forgets a token that was refused, unless another one is there by now.
func (s *session) drop(refused *token) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.now == refused {
		s.now = nil
	}
}

// trust has us sign in by other credentials from now on. What has been asked with the token
// that there is goes on with it.
func (s *session) trust(secret, privateKey string) error {
	var key *rsa.PrivateKey
	if privateKey != "" {
		var err error
		if key, err = ParseKey(privateKey); err != nil {
			return err
		}
	}
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.settings.ClientSecret, s.settings.PrivateKey, s.key, s.now, s.refused = secret, privateKey, key, nil, nil
	return nil
}

// signInError is why there is no token. Nothing was done.
type signInError struct {
	why     string
	refused bool // our credentials are not taken
}

func (e *signInError) Error() string { return e.why }

func (s *session) signIn(ctx context.Context) (*token, error) {
	form, err := s.form()
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodPost, s.settings.URL+tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	response, err := s.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, errors.Join(errNothingSent, ctx.Err())
		}
		return nil, &signInError{why: "cannot be reached"}
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, &signInError{why: "its answer broke off"}
	}
	return s.read(response.StatusCode, raw)
}

func (s *session) form() (url.Values, error) {
	if s.key == nil {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {s.settings.ClientID}, "client_secret": {s.settings.ClientSecret}}, nil
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": s.settings.ClientID, "sub": s.settings.Username, "aud": s.settings.Audience, // a text: Salesforce documents no list
		"exp": s.settings.Now().Add(jwtLife).Unix(),
	}).SignedString(s.key)
	if err != nil {
		return nil, fmt.Errorf("signing the assertion: %w", err)
	}
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {signed}}, nil
}

func (s *session) read(status int, raw []byte) (*token, error) {
	var said struct {
		AccessToken string `json:"access_token"`
		InstanceURL string `json:"instance_url"`
		ID          string `json:"id"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	unread := json.Unmarshal(raw, &said)
	switch {
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
		return nil, &signInError{why: short(said.Error + ": " + said.Description), refused: true}
	case status != http.StatusOK:
		return nil, &signInError{why: fmt.Sprintf("it answers %d", status)}
	case unread != nil || said.AccessToken == "":
		return nil, &signInError{why: "its answer cannot be read"}
	}
	instance, err := instanceOf(s.settings.URL, said.InstanceURL)
	if err != nil {
		return nil, &signInError{why: err.Error(), refused: true}
	}
	_, user := splitLast(said.ID, "/")
	if !isID(user, ofUser) {
		user = ""
	}
	return &token{access: said.AccessToken, instance: instance, user: user}, nil
}

// instanceOf is where the API is, by the answer to a sign-in at base. Our token goes there
// with every request, so it has to be base itself, or, where that is an address of
// Salesforce's, another one of these by https.
func instanceOf(base, said string) (string, error) {
	at, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	if said == "" {
		return base, nil
	}
	u, err := url.Parse(said)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", errors.New("the sign-in names an instance_url that is none")
	}
	origin := u.Scheme + "://" + strings.ToLower(u.Host)
	switch {
	case origin == at.Scheme+"://"+strings.ToLower(at.Host):
		return origin, nil
	case u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") && ofSalesforce(at.Hostname()) && ofSalesforce(u.Hostname()):
		return origin, nil
	}
	return "", fmt.Errorf("the sign-in names the instance %q, which is neither where the settings say that Salesforce is nor an address of Salesforce's", short(u.Host))
}

// ofSalesforce reports whether only Salesforce can have given a host its name.
func ofSalesforce(host string) bool {
	host = strings.ToLower(host)
	for _, domain := range []string{".salesforce.com", ".salesforce.mil"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// AudienceOf is whom an assertion for an address is meant for.
func AudienceOf(address string) string {
	if u, err := url.Parse(address); err == nil && (strings.Contains(u.Hostname(), ".sandbox.") || strings.HasPrefix(u.Hostname(), "test.")) {
		return "https://test.salesforce.com"
	}
	return "https://login.salesforce.com"
}

func splitLast(text, sep string) (before, after string) {
	if i := strings.LastIndex(text, sep); i >= 0 {
		return text[:i], text[i+len(sep):]
	}
	return "", text
}
