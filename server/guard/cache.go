package guard

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"drawbridge/tools"
)

// Cache keeps what reads gave, for a while. Its values belong to families: what one backend,
// or one mounted server, answers. A change in a family outdates all that is kept of it.
//
// What is asked of it: nothing that is found was begun before a change of its family that is
// done. So a read never gets what is older than the last write that came to its end before
// the read began, as long as all writes come through guards that share the cache.
//
// A cache that is out of order finds nothing and keeps nothing. It fails no call.
type Cache interface {
	// Find gives what is kept under the key; and the mark under which an answer may be kept
	// that is asked for from now on, "" if none may.
	Find(ctx context.Context, family string, key CacheKey) (kept Kept, found bool, mark Mark)
	// Keep keeps an answer for as long as ttl, unless it outgrows what the cache takes. It is
	// of no use to anybody if the family has changed since the mark was given.
	Keep(ctx context.Context, family string, key CacheKey, mark Mark, kept Kept, ttl time.Duration)
	// Change is told before a call that may change what the family's reads give, and takes
	// longest at most. done is called behind it; settled says that its effect, if it has
	// one, is there by then.
	Change(ctx context.Context, family string, longest time.Duration) (done func(ctx context.Context, settled bool))
}

// CacheKey names all calls that get the same answer.
type CacheKey [sha256.Size]byte

// Mark is how things stand with a family. No mark comes twice.
type Mark string

// Kept is the answer to a read, before anything was taken out of it.
type Kept struct {
	Output json.RawMessage
	At     time.Time // when the read began
}

// Caching says what is kept, and where. The zero value keeps nothing, and costs nothing.
type Caching struct {
	Cache Cache
	// TTL is how long the answers of a tool may be kept, 0 for not at all. It is asked once
	// for each definition of a read.
	TTL func(tool string) time.Duration
	// Of says what the tools work on: their settings, and the credentials with which they ask
	// now. What was kept under others is not found.
	Of func() string
}

type freshContext struct{}

// WithFresh marks a call that is not to be answered with what an earlier one gave. It is for
// those who look whether something took effect, and for what rules decide by.
func WithFresh(ctx context.Context) context.Context {
	return context.WithValue(ctx, freshContext{}, true)
}

func fresh(ctx context.Context) bool { return ctx.Value(freshContext{}) != nil }

// Cacheable reports whether the answers of a tool may be kept: it reads, and what it gives
// depends on nobody but those whom [cached.key] tells apart.
func Cacheable(t tools.Tool) bool {
	return t.Effect == tools.Read && !t.OfCaller && !t.ForClients
}

// Family is what a tool belongs to: its mount, or its family.
func Family(t tools.Tool) string {
	if mount, _, ok := strings.Cut(t.Name, tools.MountMark); t.Mounted && ok {
		return mount + tools.MountMark
	}
	family, _, _ := strings.Cut(t.Name, "_")
	return family
}

// definition is a hash of what a tool says of itself: whoever changed that may have changed
// what it answers.
func definition(t tools.Tool) string {
	return digestOf(t.Definition, t.Name, string(t.Input), string(t.Output))
}
