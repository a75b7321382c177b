package cache

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"drawbridge/server/guard"
)

// seal encrypts what is kept elsewhere, and knows what is ours. Each entry has a key of its
// own, derived from the secret and its name there, so that one of them cannot be put in
// another's place, and no number of entries is too many for one key.
type seal struct {
	secret []byte
}

// name is how something is called in the store, which so learns neither what it is nor
// whether it is the same as in another's.
func (s seal) name(kind string, id []byte) string {
	return prefix + kind + ":" + hex.EncodeToString(s.derive("name "+kind, id))
}

func (s seal) derive(use string, id []byte) []byte {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(use))
	mac.Write([]byte{0})
	mac.Write(id)
	return mac.Sum(nil)
}

func (s seal) aead(name string) cipher.AEAD {
	block, _ := aes.NewCipher(s.derive("seal", []byte(name))) // 32 bytes are a key
	aead, _ := cipher.NewGCMWithRandomNonce(block)            // AES has the block that it wants
	return aead
}

// form begins what is sealed; another is none of ours.
const form = 1

// close seals an answer, with the mark that it is kept under.
func (s seal) close(name string, mark guard.Mark, kept guard.Kept) []byte {
	plain := make([]byte, 0, 1+8+2+len(mark)+len(kept.Output))
	plain = append(plain, form)
	plain = binary.BigEndian.AppendUint64(plain, uint64(kept.At.UnixNano()))
	plain = binary.BigEndian.AppendUint16(plain, uint16(len(mark)))
	plain = append(append(plain, mark...), kept.Output...)
	return s.aead(name).Seal(nil, nil, plain, []byte(name))
}

var errForeign = errors.New("it is none of ours, or was changed")

// open gives an answer that was sealed under the name, and its mark.
func (s seal) open(name string, sealed []byte) (guard.Mark, guard.Kept, error) {
	plain, err := s.aead(name).Open(nil, nil, sealed, []byte(name))
	if err != nil || len(plain) < 1+8+2 || plain[0] != form {
		return "", guard.Kept{}, errForeign
	}
	at, plain := binary.BigEndian.Uint64(plain[1:]), plain[9:]
	length, plain := int(binary.BigEndian.Uint16(plain)), plain[2:]
	if len(plain) < length {
		return "", guard.Kept{}, errForeign
	}
	return guard.Mark(plain[:length]), guard.Kept{Output: bytes.Clone(plain[length:]), At: time.Unix(0, int64(at))}, nil
}
