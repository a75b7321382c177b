package smtp

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/emersion/go-msgauth/dkim"
)

// DKIM is a domain's signature (RFC 6376), which receivers check against the public key
// that the domain has in its DNS, at SELECTOR._domainkey.DOMAIN.
type DKIM struct {
	Domain, Selector string
	Key              string // PEM: PKCS #8 or PKCS #1, of RSA (2048 bits or more) or Ed25519
}

// signer gives a message with its signature.
type signer func(raw []byte) ([]byte, error)

// signed are the fields a signature is about: all that Compose writes, so that none can
// be changed, and those that an answer has, so that none can be added.
var signed = []string{"From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}

func newSigner(d DKIM) (signer, error) {
	key, err := parseKey(d.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the key of DKIM: %w", err)
	}
	options := dkim.SignOptions{
		Domain: d.Domain, Selector: d.Selector, Signer: key, Hash: crypto.SHA256, HeaderKeys: signed,
		// Relays fold header lines anew, and trim spaces.
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	}
	return func(raw []byte) ([]byte, error) {
		var out bytes.Buffer
		if err := dkim.Sign(&out, bytes.NewReader(raw), &options); err != nil {
			return nil, fmt.Errorf("signing for DKIM: %w", err)
		}
		return out.Bytes(), nil
	}, nil
}

func parseKey(text string) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return longEnough(key)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is no private key in PKCS #8 or PKCS #1")
	}
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		return longEnough(key)
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, fmt.Errorf("it is a %T; want RSA or Ed25519", parsed)
}

// longEnough refuses RSA keys that receivers take for none (RFC 8301, 3.2).
func longEnough(key *rsa.PrivateKey) (crypto.Signer, error) {
	if n := key.N.BitLen(); n < 2048 {
		return nil, fmt.Errorf("it is RSA of %d bits; want 2048 or more", n)
	}
	return key, nil
}
