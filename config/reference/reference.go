// Package reference reads secrets from where they are kept, for the references of the
// settings: files (file.go), commands (exec.go) and HashiCorp Vault (vault.go).
//
// No error holds a value, and each says what to do. What a command or Vault answers is
// bounded in time and size. A value is text: UTF-8, not empty, without the line end that
// editors and commands put behind it. An empty one is refused, since it is most likely a
// file that is being written, or a command that failed without saying so.
package reference

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxSize bounds a value, in bytes.
const MaxSize = 64 << 10

// DefaultTimeout is how long a command, or Vault, may take.
const DefaultTimeout = 10 * time.Second

// Options of a Reader. Lookup is required, the rest has working zero values.
type Options struct {
	// Lookup reads the environment: VAULT_ADDR and the like, and what commands are given.
	Lookup func(name string) (string, bool)
	// Timeout is how long one command or one request may take; DefaultTimeout if 0.
	Timeout time.Duration
	// Client asks Vault; one that goes by VAULT_CACERT and no proxy, if nil.
	Client *http.Client
}

// Reader reads each reference once: what the settings name twice is the same value, and
// keys of one secret in Vault are of one version of it. To read anew, make another. It is
// not safe for concurrent use.
type Reader struct {
	ctx   context.Context
	o     Options
	known map[string]answer
	vault *vault
}

type answer struct {
	value, warning string
	err            error
}

// New makes a reader; it reads nothing yet. Reading ends with ctx, which is kept since the
// settings are read by callbacks without one.
func New(ctx context.Context, o Options) *Reader {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	return &Reader{ctx: ctx, o: o, known: map[string]answer{}}
}

// Read reads what a reference of the kind (file, exec, vault) names. The warning says
// what is wrong with the way the value is kept, if something is.
func (r *Reader) Read(kind, argument string) (value, warning string, err error) {
	key := kind + ":" + argument
	got, known := r.known[key]
	if !known {
		got.value, got.warning, got.err = r.read(kind, argument)
		r.known[key] = got
	}
	return got.value, got.warning, got.err
}

func (r *Reader) read(kind, argument string) (value, warning string, err error) {
	switch kind {
	case "file":
		value, warning, err = readFile(argument)
	case "exec":
		value, err = r.run(argument)
	case "vault":
		value, warning, err = r.askVault(argument)
	default:
		return "", "", fmt.Errorf("there are references to file, exec and vault, and not to %q", kind)
	}
	if err != nil {
		return "", "", err
	}
	return value, warning, check(value)
}

func check(value string) error {
	switch {
	case value == "":
		return errors.New("it is empty")
	case len(value) > MaxSize:
		return fmt.Errorf("it is larger than %d KiB, which no secret is", MaxSize>>10)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return errors.New("it is not text (UTF-8); have it encoded, in base64 say, where the setting takes that")
	}
	return nil
}

// shown is what somebody else wrote about a fault, on one line and not too long.
func shown(text string) string {
	const most = 300
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return text
}
