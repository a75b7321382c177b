package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// MinKeyLength is how many characters an API key has at least: a key is looked up
// by an unsalted hash, so it must be too random to guess.
const MinKeyLength = 16

// APIKey is a key as the configuration gives it. However it is printed or logged,
// the secret is left out.
type APIKey struct {
	// Name is who holds it, for audit rows: "desk".
	Name string
	// Key is the secret: at least MinKeyLength visible ASCII characters.
	Key string `json:"-"`
	// Tools are patterns of tool names that its holder may see and call.
	Tools []string
	// Effects are what these may do: read, write, message, money. None: read and write.
	Effects []string
	// Agents are patterns of the agents that its holder may talk to; none if empty.
	Agents []string
	// Limit bounds its holder's requests at the chat door.
	Limit Limit
	// DryRun: its holder, and the agents that work for its holder, change nothing.
	DryRun bool
	// Approve: its holder may decide about approvals.
	Approve bool
}

// String is the key's name.
func (k APIKey) String() string { return "API key " + k.Name }

// GoString keeps the secret out of %#v.
func (k APIKey) GoString() string { return k.String() }

// LogValue keeps the secret out of structured logs.
func (k APIKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Keys knows who may come in: the configured API keys, by their hashes only, and those
// that the store tells of.
type Keys struct {
	known   atomic.Pointer[[]knownKey]
	local   []string // effects of callers without a key
	made    made
	issuers []Issuer
	holders *holders // of client certificates; nil if none counts
	// Metadata, if set, is the URL of the metadata (RFC 9728) of what a request asks for; ""
	// if it has none. It comes before the first request.
	Metadata func(r *http.Request) string
	now      func() time.Time
	refusals refusals
}

type knownKey struct {
	hash      [sha256.Size]byte
	principal Principal
}

// Errors of Authenticate. Their text is shown to the caller.
var (
	// ErrNoKey: the request carries no key.
	ErrNoKey = errors.New("no API key: send it as \"Authorization: Bearer <key>\" or \"X-API-Key: <key>\"")
	// ErrUnknownKey: the request's key is none of the configured ones.
	ErrUnknownKey = errors.New("unknown API key: check that it was copied whole and that it was not replaced")
	// ErrUnclearKey: the request carries more than one key, or none in a form that is understood.
	ErrUnclearKey = errors.New("unclear API key: send exactly one, as \"Authorization: Bearer <key>\" or \"X-API-Key: <key>\"")
)

// NewKeys takes the configured keys and reports every mistake in them at once,
// never with the secret. Without any keys, every caller is [Local]: whoever
// listens must then listen on loopback only (see [Keys.Configured]).
func NewKeys(keys []APIKey) (*Keys, error) {
	k := &Keys{now: time.Now, refusals: refusals{lines: rate.NewLimiter(refusalRate, refusalBurst)}}
	known, err := readKeys(keys)
	if err != nil {
		return nil, err
	}
	k.known.Store(&known)
	return k, nil
}

// Renew takes other secrets for the configured keys, at once and for all of them, and
// whatever else their settings say now. The error is as of NewKeys; then the old ones count.
func (k *Keys) Renew(keys []APIKey) error {
	known, err := readKeys(keys)
	if err != nil {
		return err
	}
	k.known.Store(&known)
	return nil
}

func readKeys(keys []APIKey) ([]knownKey, error) {
	var known []knownKey
	var problems []error
	for i, key := range keys {
		if err := key.check(); err != nil {
			problems = append(problems, fmt.Errorf("API key %d (%q): %w", i+1, key.Name, err))
			continue
		}
		hash := sha256.Sum256([]byte(key.Key))
		for _, other := range known {
			switch {
			case other.principal.Name == key.Name:
				problems = append(problems, fmt.Errorf("API key %d (%q): the name is taken", i+1, key.Name))
			case other.hash == hash:
				problems = append(problems, fmt.Errorf("API key %d (%q): the same key as %q", i+1, key.Name, other.principal.Name))
			}
		}
		known = append(known, knownKey{hash: hash, principal: Principal{
			Kind: Key, Name: key.Name, Tools: slices.Clone(key.Tools), Effects: slices.Clone(key.Effects), Agents: slices.Clone(key.Agents), Limit: key.Limit,
			DryRun: key.DryRun, Approve: key.Approve,
		}})
	}
	return known, errors.Join(problems...)
}

func (k APIKey) check() error {
	visible := func(r rune) bool { return r > ' ' && r < 0x7f }
	switch {
	case k.Name == "":
		return errors.New("it needs a name")
	case len(k.Key) < MinKeyLength:
		return fmt.Errorf("the key has %d characters, at least %d are needed", len(k.Key), MinKeyLength)
	case strings.ContainsFunc(k.Key, func(r rune) bool { return !visible(r) }):
		return errors.New("the key holds blanks or characters that a header cannot carry")
	case len(k.Tools) == 0:
		return errors.New("it may call no tools: name patterns such as \"crm_*\", or \"*\"")
	case k.Limit.PerMinute < 0 || k.Limit.Concurrent < 0:
		return errors.New("a limit is negative: 0 is no bound")
	}
	return nil
}

// GrantLocal says which effects the calls of callers may have while no keys are
// configured. It comes before the first request.
func (k *Keys) GrantLocal(effects []string) { k.local = effects }

// Configured reports whether there are any keys, or who counts as one that has a key. Without keys nobody can be told
// apart, and a listener must not be reachable from other machines.
func (k *Keys) Configured() bool {
	k.made.mu.RLock()
	defer k.made.mu.RUnlock()
	return len(*k.known.Load()) > 0 || len(k.issuers) > 0 || k.certificates() || k.made.ever
}

// Authenticate resolves the request's key, token or client certificate to its principal.
// The error is one of ErrNoKey, ErrUnknownKey and ErrUnclearKey, or of those of a made key,
// a token or a certificate.
//
// Where a request has a key or a token, and comes over a connection with a certificate, the
// key says who asks, and the certificate is no credential: whoever wrote the key into this
// request meant it, while a client's library or a mesh shows its certificate to everybody.
// A bad key is refused then too, so that nobody is taken for another unawares.
func (k *Keys) Authenticate(r *http.Request) (Principal, error) {
	if !k.Configured() {
		return Principal{Kind: Local, Name: DoorHTTP, Tools: []string{"*"}, Effects: slices.Clone(k.local), Agents: []string{"*"}}, nil
	}
	presented, err := presentedKey(r.Header)
	if errors.Is(err, ErrNoKey) && k.certificates() {
		return k.ofCertificate(r)
	}
	if err != nil {
		return Principal{}, err
	}
	// Every key is compared, and each in constant time: how long it takes says
	// nothing about which key was nearly right.
	hash := sha256.Sum256([]byte(presented))
	found, known := -1, *k.known.Load()
	for i := range known {
		if subtle.ConstantTimeCompare(hash[:], known[i].hash[:]) == 1 {
			found = i
		}
	}
	switch {
	case found >= 0:
		return known[found].principal, nil
	case isToken(presented) && len(k.issuers) > 0:
		return k.holderOf(presented, r.TLS)
	case damaged(presented):
		return Principal{}, ErrDamagedKey
	}
	return k.made.holder(hex.EncodeToString(hash[:]), k.now())
}

// presentedKey reads the key from the headers. Two keys are refused rather than
// one of them chosen: a proxy in front may have checked the other.
func presentedKey(h http.Header) (string, error) {
	bearer, plain := h.Values("Authorization"), h.Values("X-Api-Key")
	switch {
	case len(bearer)+len(plain) == 0:
		return "", ErrNoKey
	case len(bearer)+len(plain) > 1:
		return "", ErrUnclearKey
	case len(plain) == 1:
		return strings.TrimSpace(plain[0]), nil
	}
	scheme, key, _ := strings.Cut(strings.TrimSpace(bearer[0]), " ")
	if key = strings.TrimSpace(key); !strings.EqualFold(scheme, "Bearer") || key == "" {
		return "", ErrUnclearKey
	}
	return key, nil
}
