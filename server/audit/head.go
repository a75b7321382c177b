package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"slices"
)

// Kinds of heads.
const (
	Latest = "latest" // the newest, until the next one is made
	Kept   = "kept"   // one that stays
	Cut    = "cut"    // what was up to here is kept no longer, and was removed
)

// Head says how far the chain had come at a time.
type Head struct {
	Kind  string
	At    int64  // unix milliseconds
	Count int64  // how many rows there ever were, up to the last
	Last  int64  // the last row's number, 0 before the first
	Hash  []byte // the last row's
	// PublicKey names the key that signed it, Signature is over all the above; both are
	// empty where there was no key.
	PublicKey string
	Signature []byte
}

const headForm = "drawbridge audit head 1"

// signed is what a signature is made over. That a head stands for the latest or is kept
// means nothing, and changes; that it is a cut does.
func (h *Head) signed() []byte {
	b := appendText(nil, headForm)
	b = appendTruth(b, h.Kind == Cut)
	b = appendNumber(b, h.At)
	b = appendNumber(b, h.Count)
	b = appendNumber(b, h.Last)
	b = appendText(b, string(h.Hash))
	return appendText(b, h.PublicKey)
}

// Signer signs heads. The zero value has no key, and leaves them unsigned.
type Signer struct{ key ed25519.PrivateKey }

// Public is the key that heads are checked with, in base64; "" of the zero value.
func (s Signer) Public() string {
	if s.key == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(s.key.Public().(ed25519.PublicKey))
}

// Sign gives a head its signature.
func (s Signer) Sign(h *Head) {
	if s.key == nil {
		h.PublicKey, h.Signature = "", []byte{}
		return
	}
	h.PublicKey = s.Public()
	h.Signature = ed25519.Sign(s.key, h.signed())
}

// check says what is wrong with a head, "" if nothing is. Keys are those that are believed;
// without any, a head is held to the key that it names itself.
func (h *Head) check(keys []string) string {
	if len(h.Signature) == 0 && len(keys) == 0 {
		return ""
	}
	if len(keys) > 0 && !slices.Contains(keys, h.PublicKey) {
		if h.PublicKey == "" {
			return "is not signed"
		}
		return "is signed with another key, " + h.PublicKey
	}
	public, err := base64.StdEncoding.DecodeString(h.PublicKey)
	if err != nil || len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, h.signed(), h.Signature) {
		return "has a signature that does not fit"
	}
	return ""
}
