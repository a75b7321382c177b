package callback

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	secretPrefix = "whsec_"
	// minKey is the shortest key that signs, in bytes: 128 bits, if random. Standard
	// Webhooks asks for 24 to 64 of whoever generates one, but endpoints come with
	// shorter ones.
	minKey = 16
	newKey = 32
)

// NewSecret makes a secret for one endpoint, to be shown to its owner.
func NewSecret() string {
	key := make([]byte, newKey)
	rand.Read(key) // never returns an error: it ends the program instead
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// Sign gives a signature of one attempt, by the symmetric scheme (v1) of Standard
// Webhooks, or by the asymmetric one (v1a) with a whsk_ secret. Its errors never show
// the secret.
func Sign(secret, id string, at time.Time, body []byte) (string, error) {
	if id == "" || strings.Contains(id, ".") {
		// The full stop separates the signed parts; inside one it would move their borders.
		return "", fmt.Errorf("message id %q is empty or contains a full stop", id)
	}
	message := append(fmt.Appendf(nil, "%s.%d.", id, at.Unix()), body...)
	if strings.HasPrefix(secret, privatePrefix) {
		key, err := decodePrivate(secret)
		if err != nil {
			return "", err
		}
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, message)), nil
	}
	key, err := decodeSecret(secret)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

func decodeSecret(secret string) ([]byte, error) {
	text := strings.TrimPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	// Go's decoder is lax about stray bits and line breaks; a receiver's may not be.
	if err != nil || base64.StdEncoding.EncodeToString(key) != text {
		return nil, errors.New("the secret is not " + secretPrefix + " and canonical base64")
	}
	if len(key) < minKey {
		return nil, fmt.Errorf("the secret holds %d bytes of key, and needs %d", len(key), minKey)
	}
	return key, nil
}
