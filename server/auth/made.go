package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Grants are what a made key opens.
type Grants struct {
	Tools   []string `json:"tools,omitempty"`
	Effects []string `json:"effects,omitempty"`
	Agents  []string `json:"agents,omitempty"`
	Limit   Limit    `json:"limit"`
	DryRun  bool     `json:"dry_run,omitempty"`
}

// MadeKey is a key that was made by command, as the store has it: without the key.
type MadeKey struct {
	Name   string // several keys may have one: rotated ones, of one holder
	Hash   string // as HashOf gives it
	Prefix string // what is shown of it
	Grants
	// Created, and the last use, and from when on it counts no more; zero is never.
	Created, LastUsed, Expires, Revoked time.Time
}

// KeyState is how a made key stands.
type KeyState string

const (
	KeyActive  KeyState = "active"
	KeyExpired KeyState = "expired"
	KeyRevoked KeyState = "revoked"
)

// State is how the key stands at a time.
func (k MadeKey) State(now time.Time) KeyState {
	switch {
	case !k.Revoked.IsZero():
		return KeyRevoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return KeyExpired
	}
	return KeyActive
}

func (k MadeKey) principal() Principal {
	return Principal{Kind: Key, Name: k.Name, Tools: slices.Clone(k.Tools), Effects: slices.Clone(k.Effects), Agents: slices.Clone(k.Agents), Limit: k.Limit, DryRun: k.DryRun}
}

// Errors of made keys. Their text is shown to whoever presents the key, so to nobody who
// does not have it.
var (
	ErrDamagedKey = errors.New("damaged API key: its last characters do not fit the others; copy it whole")
	ErrExpiredKey = errors.New("expired API key: ask for a new one (drawbridge keys rotate)")
	ErrRevokedKey = errors.New("revoked API key: ask for a new one (drawbridge keys rotate)")
)

// made are the keys of the store, as it last told.
type made struct {
	mu   sync.RWMutex
	keys []MadeKey
	// ever: there was one. What follows from there being no keys must not come back because
	// the last one was revoked.
	ever bool
	used map[string]time.Time // by hash, what the store does not know yet
}

// usedEvery is how exactly the last use of a key is kept.
const usedEvery = time.Minute

// SetMade tells which keys the store has, whatever their state. The names of those that
// are not counted, since a key of the settings has the same, are returned.
func (k *Keys) SetMade(keys []MadeKey) (ignored []string) {
	configured := map[string]bool{}
	for _, known := range *k.known.Load() {
		configured[known.principal.Name] = true
	}
	var counted []MadeKey
	for _, key := range keys {
		if configured[key.Name] {
			ignored = append(ignored, key.Name)
			continue
		}
		counted = append(counted, key)
	}
	k.made.mu.Lock()
	defer k.made.mu.Unlock()
	k.made.keys, k.made.ever = counted, k.made.ever || len(keys) > 0
	slices.Sort(ignored)
	return slices.Compact(ignored)
}

// holder finds the made key that has a hash. All are compared, each in constant time.
func (m *made) holder(hash string, now time.Time) (Principal, error) {
	m.mu.RLock()
	found := -1
	for i := range m.keys {
		if subtle.ConstantTimeCompare([]byte(m.keys[i].Hash), []byte(hash)) == 1 {
			found = i
		}
	}
	var key MadeKey
	noted := true
	if found >= 0 {
		key = m.keys[found]
		noted = now.Sub(later(key.LastUsed, m.used[hash])) < usedEvery
	}
	m.mu.RUnlock()
	if found < 0 {
		return Principal{}, ErrUnknownKey
	}
	switch key.State(now) {
	case KeyRevoked:
		return Principal{}, ErrRevokedKey
	case KeyExpired:
		return Principal{}, ErrExpiredKey
	}
	if !noted {
		m.note(hash, now)
	}
	return key.principal(), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (m *made) note(hash string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used == nil {
		m.used = map[string]time.Time{}
	}
	m.used[hash] = now
}

// TakeUsed gives when keys were last used, by their hashes, as far as nobody has taken it.
func (k *Keys) TakeUsed() map[string]time.Time {
	k.made.mu.Lock()
	defer k.made.mu.Unlock()
	used := k.made.used
	for i := range k.made.keys { // what is taken counts as known
		if at, ok := used[k.made.keys[i].Hash]; ok {
			k.made.keys[i].LastUsed = at
		}
	}
	k.made.used = nil
	return used
}

// Bounds are what the holder of a name may do, by the settings or by his newest key that
// counts. An error says why nobody can say.
func (k *Keys) Bounds(name string) (Bounds, error) {
	for _, known := range *k.known.Load() {
		if known.principal.Name == name {
			return BoundsOf(known.principal), nil
		}
	}
	k.made.mu.RLock()
	defer k.made.mu.RUnlock()
	var newest *MadeKey
	seen := KeyState("unknown")
	for i := range k.made.keys {
		key := &k.made.keys[i]
		if key.Name != name {
			continue
		}
		if seen = key.State(k.now()); seen == KeyActive && (newest == nil || key.Created.After(newest.Created)) {
			newest = key
		}
	}
	if newest == nil {
		return Bounds{}, fmt.Errorf("the API key %q is %s", name, seen)
	}
	return BoundsOf(newest.principal()), nil
}

// KeyStore keeps made keys. A name is its holder's for ever: runs and audit rows are known
// by it, so it is not given away again.
type KeyStore interface {
	// MadeKeys are all keys that were ever made, by name and the oldest first.
	MadeKeys(ctx context.Context) ([]MadeKey, error)
	// MakeKey keeps the first key of a name, ErrNameTaken if there was one.
	MakeKey(ctx context.Context, key MadeKey) error
	// RotateKey gives the holder of a name another key, which opens what his newest does.
	// Those he has count until a time, or until their own end if that comes first.
	RotateKey(ctx context.Context, next MadeKey, until time.Time) (MadeKey, error)
	// RevokeKey ends all keys of a name, and says how many there were to end.
	RevokeKey(ctx context.Context, name string, at time.Time) (ended int, err error)
	// KeysUsed notes when keys were last used, by their hashes. The latest counts.
	KeysUsed(ctx context.Context, used map[string]time.Time) error
}

// Errors of a KeyStore.
var (
	ErrNameTaken = errors.New("the name is taken")
	ErrNoSuchKey = errors.New("there is no such key")
)
