package webhook

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"hash"
	"sync"
)

// algorithm is how a key and the signed bytes become a signature. It has either a
// mac, which both sides make, or a verify for whoever has the public key only.
type algorithm struct {
	name string
	mac  func(key []byte, signed [][]byte) []byte
	// keyed, if there is one, is a mac for many signatures of one key.
	keyed  func(key []byte) func(signed [][]byte) []byte
	verify func(public []byte, signed [][]byte, signature []byte) bool
	sign   func(private []byte, signed [][]byte) ([]byte, error)
	// bare: the mac is made of the secret alone, so nothing of it may be shown.
	bare bool
}

// accepts gives the test of signatures under one key. A MAC is made once for all of
// them, so a header full of signatures buys no extra hashing.
func (a algorithm) accepts(k key, signed [][]byte) (test func(signature []byte) bool, expected []byte) {
	switch keyed := k.macs[a.name]; {
	case a.verify != nil:
		return func(signature []byte) bool { return a.verify(k.bytes, signed, signature) }, nil
	case keyed != nil:
		expected = keyed(signed)
	default:
		expected = a.mac(k.bytes, signed)
	}
	return func(signature []byte) bool { return hmac.Equal(signature, expected) }, expected
}

func hmacOver(name string, newHash func() hash.Hash) algorithm {
	sum := func(h hash.Hash, signed [][]byte) []byte {
		for _, part := range signed {
			h.Write(part)
		}
		return h.Sum(nil)
	}
	return algorithm{
		name: name,
		mac:  func(key []byte, signed [][]byte) []byte { return sum(hmac.New(newHash, key), signed) },
		keyed: func(key []byte) func([][]byte) []byte {
			idle := sync.Pool{New: func() any { return hmac.New(newHash, key) }}
			return func(signed [][]byte) []byte {
				h := idle.Get().(hash.Hash)
				defer idle.Put(h)
				h.Reset() // goes back to behind the key, which is hashed once
				return sum(h, signed)
			}
		},
	}
}

var (
	hmacSHA256 = hmacOver("HMAC-SHA256", sha256.New)
	hmacSHA512 = hmacOver("HMAC-SHA512", sha512.New)
	// hmacSHA1 is safe in a MAC, where finding collisions of SHA-1 is of no use.
	hmacSHA1 = hmacOver("HMAC-SHA1", sha1.New)
)

// plainSHA256 hashes the secret and then the signed bytes. That is no MAC: whoever
// has seen one signature can make those of longer bodies (see noExtension).
var plainSHA256 = algorithm{name: "SHA-256 of secret and content", mac: func(key []byte, signed [][]byte) []byte {
	h := sha256.New()
	h.Write(key)
	for _, part := range signed {
		h.Write(part)
	}
	return h.Sum(nil)
}}

// shown is a secret that is shown as it is. Hashed, the comparison takes the same
// time whatever the lengths are.
var shown = algorithm{name: "comparison", bare: true, mac: func(key []byte, _ [][]byte) []byte {
	sum := sha256.Sum256(key)
	return sum[:]
}}

// shownEncoding is how a shown secret is read, and written.
var shownEncoding = encoding{
	encode: func(raw []byte) string { return string(raw) },
	decode: func(text string) ([]byte, error) {
		sum := sha256.Sum256([]byte(text))
		return sum[:], nil
	},
}

var ed25519Signature = algorithm{
	name: "Ed25519",
	verify: func(public []byte, signed [][]byte, signature []byte) bool {
		return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, joined(signed), signature)
	},
	sign: func(private []byte, signed [][]byte) ([]byte, error) {
		return ed25519.Sign(private, joined(signed)), nil
	},
}

// ecdsaP256 signs a SHA-256 hash, in ASN.1; its public keys are SubjectPublicKeyInfo
// and its private ones PKCS #8, both in DER.
var ecdsaP256 = algorithm{
	name: "ECDSA P-256 with SHA-256",
	verify: func(public []byte, signed [][]byte, signature []byte) bool {
		k, err := p256(public)
		return err == nil && ecdsa.VerifyASN1(k, hashed(signed), signature)
	},
	sign: func(private []byte, signed [][]byte) ([]byte, error) {
		parsed, err := x509.ParsePKCS8PrivateKey(private)
		k, ok := parsed.(*ecdsa.PrivateKey)
		if err != nil || !ok {
			return nil, errors.New("the private key is no elliptic curve key in PKCS #8")
		}
		return ecdsa.SignASN1(rand.Reader, k, hashed(signed))
	},
}

// p256 reads a public key, and refuses one of another curve or kind.
func p256(der []byte) (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	k, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok || k.Curve != elliptic.P256() {
		return nil, errors.New("the text is no public key of the curve P-256 (SubjectPublicKeyInfo, in base64)")
	}
	return k, nil
}

func joined(parts [][]byte) []byte {
	var whole []byte
	for _, part := range parts {
		whole = append(whole, part...)
	}
	return whole
}

func hashed(parts [][]byte) []byte {
	h := sha256.New()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
