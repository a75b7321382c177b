package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"
)

const (
	// keyMark begins every key that was made here, so that whoever finds one, in a log or a
	// repository, knows what it is.
	keyMark = "dbk_"
	// shownOf is how much of a key is shown: it tells keys apart, and leaves 100 of the 130
	// random bits.
	shownOf = len(keyMark) + 6
	// textLength is that of rand.Text, sumLength that of the sum.
	textLength, sumLength = 26, 7
)

var sumText = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewSecret makes a key: the mark, 130 random bits, and a sum by which a mistyped one is
// known without asking whether it exists.
func NewSecret() string {
	key := keyMark + rand.Text()
	return key + sumOf(key)
}

func sumOf(text string) string {
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(text)))
	return sumText.EncodeToString(sum[:])
}

// damaged reports whether a text begins as a key made here does, and is none.
func damaged(key string) bool {
	if !strings.HasPrefix(key, keyMark) {
		return false
	}
	end := len(keyMark) + textLength
	return len(key) != end+sumLength || sumOf(key[:end]) != key[end:]
}

// Shown is as much of a key made here as may be shown.
func Shown(key string) string { return key[:min(len(key), shownOf)] }

// HashOf is what is kept of a key, in hexadecimal digits. A hash without a salt, and a quick
// one, will do: both are against guessing what people think of, and these are 130 random
// bits, so there is no list to try and none to make beforehand. A slow hash would let
// whoever knocks spend our processor's time instead of his own.
func HashOf(key string) string {
	hash := sha256.Sum256([]byte(key))
	return hex.EncodeToString(hash[:])
}
