package callback

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"
)

// MaxSecrets bounds those of one endpoint: its signature header holds one signature of
// each (DEL-12).
const MaxSecrets = 10

// Overlap is how long an old secret should sign beside the one that replaces it, if
// nothing speaks for another time.
const Overlap = 24 * time.Hour

// Secret signs messages: whsec_ and base64 of a key for HMAC-SHA256 (v1), or whsk_ and
// base64 of a private Ed25519 key (v1a).
type Secret struct {
	Text string
	// NotAfter is the last moment that it signs; zero is without end.
	NotAfter time.Time
}

func (s Secret) live(at time.Time) bool { return s.NotAfter.IsZero() || !at.After(s.NotAfter) }

// end is NotAfter, or a time behind all others.
func (s Secret) end() time.Time {
	if s.NotAfter.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return s.NotAfter
}

// errNoSecret: nothing can be signed as the settings are now.
var errNoSecret = errors.New("no secret is live now: each has passed its not_after")

// SignAll gives the webhook-signature of one attempt: one signature of each secret that
// is live, the newest first, which is the one that ends last. Its errors never show a
// secret.
func SignAll(secrets []Secret, id string, at time.Time, body []byte) (string, error) {
	live := slices.DeleteFunc(slices.Clone(secrets), func(s Secret) bool { return !s.live(at) })
	if len(live) == 0 {
		return "", errNoSecret
	}
	slices.SortStableFunc(live, func(a, b Secret) int { return b.end().Compare(a.end()) })
	signatures := make([]string, 0, len(live))
	for _, s := range live[:min(len(live), MaxSecrets)] {
		signature, err := Sign(s.Text, id, at, body)
		if err != nil {
			return "", err
		}
		signatures = append(signatures, signature)
	}
	return strings.Join(signatures, " "), nil
}

const (
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

// NewKeyPair makes an Ed25519 secret for one endpoint, and the public key for whoever
// verifies.
func NewKeyPair() (secret, public string) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // rand.Reader never fails
	}
	return privatePrefix + base64.StdEncoding.EncodeToString(key), publicPrefix + base64.StdEncoding.EncodeToString(pub)
}

// decodePrivate reads a whsk_ secret: a seed, or a seed with its public key.
func decodePrivate(secret string) (ed25519.PrivateKey, error) {
	text := strings.TrimPrefix(secret, privatePrefix)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(raw) != text || len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
		return nil, errors.New("the secret is not " + privatePrefix + " and canonical base64 of an Ed25519 key (32 or 64 bytes)")
	}
	key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if len(raw) == ed25519.PrivateKeySize && !key.Equal(ed25519.PrivateKey(raw)) {
		return nil, errors.New("the secret's two halves, an Ed25519 seed and its public key, do not belong together")
	}
	return key, nil
}

// PublicKey is the whpk_ key of a whsk_ secret.
func PublicKey(secret string) (string, error) {
	key, err := decodePrivate(secret)
	if err != nil {
		return "", err
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:]), nil
}

// Live reports whether one of the secrets signs at a time.
func Live(secrets []Secret, at time.Time) bool {
	return slices.ContainsFunc(secrets, func(s Secret) bool { return s.live(at) })
}
