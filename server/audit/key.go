package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// OpenSigner reads the key in a file (PEM, PKCS #8, Ed25519), or makes one where there is
// no file: readable by its owner only.
func OpenSigner(path string) (Signer, error) {
	s, err := ReadSigner(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Signer{}, fmt.Errorf("making the key of the audit: %w", err)
	}
	return ReadSigner(path) // of another process, if that was quicker
}

// ReadSigner reads the key in a file.
func ReadSigner(path string) (Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Signer{}, fmt.Errorf("reading the key of the audit: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return Signer{}, fmt.Errorf("reading the key of the audit: %q is no PEM file", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Signer{}, fmt.Errorf("reading the key of the audit in %q: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return Signer{}, fmt.Errorf("reading the key of the audit: that in %q is no Ed25519 key", path)
	}
	return Signer{private}, nil
}

// makeKey writes a new key beside the file and gives it the name once it is whole. A file
// that came meanwhile stays.
func makeKey(path string) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	err = pem.Encode(file, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path)
}

// ParsePublic reads a public key as it was printed, or the name of a file that holds it so.
func ParsePublic(text string) (string, error) {
	if content, err := os.ReadFile(text); err == nil {
		text = string(content)
	}
	text = strings.TrimSpace(text)
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return "", errors.New("expected a public key as `drawbridge audit verify` prints it (44 characters of base64), or a file with one")
	}
	return text, nil
}
