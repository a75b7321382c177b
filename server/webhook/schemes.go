package webhook

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The names of the signature schemes.
const (
	Standard   = "standard" // Standard Webhooks, and Svix by its older header names
	OpenAI     = "openai"   // the same, as OpenAI sends it
	Stripe     = "stripe"
	GitHub     = "github"
	Slack      = "slack"
	Shopify    = "shopify"
	HubSpot    = "hubspot"
	Twilio     = "twilio"
	SendGrid   = "sendgrid"
	X          = "x" // formerly Twitter
	Meta       = "meta"
	Salesforce = "salesforce"  // outbound messages, with a token in the path
	HMAC       = "hmac"        // any sender with an HMAC in a header of its own
	Token      = "token"       // any sender that shows a secret in a header
	UnsafeNone = "unsafe_none" // anybody
)

// Schemes are the names of all schemes.
func Schemes() []string {
	return []string{Standard, OpenAI, Stripe, GitHub, Slack, Shopify, HubSpot, Twilio, SendGrid, X, Meta, Salesforce, HMAC, Token, UnsafeNone}
}

func schemeNamed(name string, o SchemeOptions) (scheme, error) {
	switch name {
	case Standard:
		return standardScheme, nil
	case OpenAI:
		return openAIScheme, nil
	case Stripe:
		return stripeScheme, nil
	case GitHub:
		return githubScheme, nil
	case Slack:
		return slackScheme, nil
	case Shopify:
		return shopifyScheme, nil
	case HubSpot:
		return withVersions(hubspotScheme, o.Versions)
	case Twilio:
		return twilioScheme, nil
	case SendGrid:
		return sendgridScheme, nil
	case X:
		return xScheme, nil
	case Meta:
		return metaScheme(o.VerifyToken), nil
	case Salesforce:
		return salesforceScheme(o.Organization)
	case HMAC:
		return hmacScheme(o)
	case Token:
		return tokenScheme(o)
	case UnsafeNone:
		return unsafeScheme(o)
	}
	return scheme{}, fmt.Errorf("scheme %q is unknown; there are %s", name, strings.Join(Schemes(), ", "))
}

// SchemeOptions are the parts of a scheme that a source may set.
type SchemeOptions struct {
	// Tolerance is how far, in either direction and inclusive, the signed timestamp
	// may be from the arrival: 30 s to 1 h, 0 means 300 s. It has no bearing on a
	// scheme that signs no timestamp (GitHub).
	Tolerance time.Duration

	// Versions are those of HubSpot's signatures that count: v3, v2, v1; none means all.
	Versions []string
	// VerifyToken is what Meta shows when it asks whether the address is ours.
	VerifyToken string
	// Organization is the id of the one Salesforce organization that may deliver; ""
	// means any that knows the token.
	Organization string
	// ClientCAs: senders have to show a certificate that one of those signed that count when
	// the delivery comes, as one of ClientNames, if there are any. Nil asks for none.
	ClientCAs   func() *x509.CertPool
	ClientNames []string

	// These are for HMAC, and the first, the prefix and the id for Token too.

	SignatureHeader string // required by HMAC; Token has Authorization
	Prefix          string // before the signature, such as "sha256="
	// IDHeader identifies the delivery. Without it the content's hash does, for
	// WeakWindow only. UnsafeNone has it too.
	IDHeader string
	Encoding string // "hex" (the default) or "base64"
	// TimestampHeader holds unix seconds. When set, "timestamp.body" is signed
	// instead of the body alone, and the replay window is enforced.
	TimestampHeader string
	Milliseconds    bool   // TimestampHeader holds those
	Hash            string // "sha256" (the default), "sha512" or "sha1"
	// Signed is what is signed, if it is something else: literal text with {body},
	// {timestamp}, {id}, {method} and {url} in it.
	Signed string
	// KeyEncoding is how a secret stands for its key: "text" (the default), "hex" or
	// "base64".
	KeyEncoding string

	// NoVerification has to be set for UnsafeNone.
	NoVerification bool
}

const (
	defaultTolerance = 300 * time.Second
	minTolerance     = 30 * time.Second
	maxTolerance     = time.Hour
)

// minKey is the shortest key a verifier accepts, in bytes: 128 bits, if random.
// The shortest key in wide use, that of an example in Svix's manual, has 18.
const minKey = 16

// NewVerifier makes the verifier of one source. It fails closed: an unknown
// scheme, no secret, and an empty, short or undecodable secret are errors, so
// that nothing starts which would let everybody in.
func NewVerifier(name string, secrets []Secret, o SchemeOptions) (Verifier, error) {
	e, err := prepare(name, secrets, o)
	if err != nil {
		return nil, err
	}
	for i, k := range e.keys {
		if needed := e.minimum(k); len(k.bytes) < needed {
			return nil, fmt.Errorf("%s holds %d bytes of key, and needs %d", ordinal(i, len(e.keys)), len(k.bytes), needed)
		}
	}
	if name == Meta && o.VerifyToken == "" {
		return nil, errors.New("scheme meta needs a verify token, or nobody could register the address")
	}
	if e.greet != nil {
		return greeter{e}, nil
	}
	return e, nil
}

// prepare makes an engine with whatever secrets there are.
func prepare(name string, secrets []Secret, o SchemeOptions) (*engine, error) {
	s, err := schemeNamed(name, o)
	if err != nil {
		return nil, err
	}
	if o.Tolerance == 0 {
		o.Tolerance = defaultTolerance
	}
	if o.Tolerance < minTolerance || o.Tolerance > maxTolerance {
		return nil, fmt.Errorf("tolerance %v is not between %v and %v", o.Tolerance, minTolerance, maxTolerance)
	}
	e, err := newEngine(s, secrets, o.Tolerance)
	if err == nil {
		e.clients = clients{o.ClientCAs, o.ClientNames}
	}
	return e, err
}

// minimum is how many bytes a key needs. Of a public one its kind decides.
func (e *engine) minimum(k key) int {
	switch {
	case e.forms[0].ways[k.way].verify != nil:
		return 0
	case e.TakesToken():
		return minPathToken
	}
	return minKey
}

// ordinal names a secret without showing it.
func ordinal(i, of int) string { return fmt.Sprintf("secret %d of %d", i+1, of) }
