package guard

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"drawbridge/tools"
)

// cached answers a read with what the same read gave a moment ago. It stands behind all that
// judges a call and in front of what makes it: a call that is answered so was permitted,
// judged by the rules and counted by the limits as any other, its row says what it was
// answered with, and what this caller does not see is taken out of it by this call's verdict.
//
// Not answered from the cache, and not kept there, are reads that a rule wants approved,
// those in dry run, those that asked a person, and those that failed.
type cached struct {
	caching Caching
	now     func() time.Time
}

func (s cached) around(next step) step {
	if s.caching.Cache == nil {
		return next
	}
	return func(ctx context.Context, a *attempt) Result {
		if a.tool.ttl <= 0 || a.dry != "" || a.verdict.Action == Approve || fresh(ctx) || askedAhead(ctx) {
			return next(ctx, a)
		}
		return s.remembered(ctx, a, next)
	}
}

// remembered is what the cache has, or will have.
func (s cached) remembered(ctx context.Context, a *attempt, next step) Result {
	began, key := s.now(), s.key(a)
	kept, found, mark := s.caching.Cache.Find(ctx, a.tool.family, key)
	if age := began.Sub(kept.At); found && age < a.tool.ttl {
		return a.recalled(kept, max(age, 0))
	}
	result := next(ctx, a)
	if mark != "" && a.reached && !a.asked.Load() && result.Err == nil {
		s.caching.Cache.Keep(context.WithoutCancel(ctx), a.tool.family, key, mark, Kept{Output: result.Output, At: began}, a.tool.ttl)
	}
	return result
}

// recalled answers with what an earlier call gave.
func (a *attempt) recalled(kept Kept, age time.Duration) Result {
	a.hit, a.rule = true, fmt.Sprintf("%s%s old", CacheRule, age.Truncate(time.Second))
	result := Result{Output: kept.Output}
	if a.tool.Mounted {
		result = mountedResult(kept.Output)
	}
	result.Cached, result.CachedAge = true, age
	return result
}

// CacheRule begins the rule of rows of calls that were answered from the cache; how old that
// answer was stands behind it.
const CacheRule = "cache: "

// key tells apart whatever may be answered otherwise: who asks, and for whom; what, by which
// definition, with which arguments, of which system and with which credentials.
func (s cached) key(a *attempt) CacheKey {
	p := a.Principal
	b := make([]byte, 0, 1024)
	for _, text := range [...]string{s.caching.Of(), string(p.Kind), p.Name, p.For, a.Tool, a.tool.definition} {
		b = appendWhole(b, text)
	}
	b = appendList(b, p.Tools)
	b = appendList(b, p.Effects)
	b = appendList(b, p.Within)
	b = binary.BigEndian.AppendUint32(b, many(p.Pairs))
	for _, pair := range p.Pairs {
		b = appendList(appendList(b, pair.Tools), pair.Effects)
	}
	return sha256.Sum256(appendCanonical(b, a.arguments))
}

// appendWhole writes a text so that it cannot run into the next.
func appendWhole(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

func appendList(b []byte, list []string) []byte {
	b = binary.BigEndian.AppendUint32(b, many(list))
	for _, text := range list {
		b = appendWhole(b, text)
	}
	return b
}

// many is how long a list is. None at all is another than an empty one: it bounds nothing.
func many[T any](list []T) uint32 {
	if list == nil {
		return math.MaxUint32
	}
	return uint32(len(list))
}

// outdate has what is kept of a family dropped when a call may have changed it: before the
// call, so that nothing of before is left if we die in it, and behind it, whatever came of
// it, before anybody is told. It is the last of the stages: what it sees is made.
type outdate struct {
	cache Cache
}

func (s outdate) around(next step) step {
	if s.cache == nil {
		return next
	}
	return func(ctx context.Context, a *attempt) Result {
		if a.tool.Effect == tools.Read || a.tool.family == "" {
			return next(ctx, a)
		}
		return s.changing(ctx, a, next)
	}
}

// changing makes a call that outdates what is kept of its tool's family.
func (s outdate) changing(ctx context.Context, a *attempt, next step) Result {
	ending := context.WithoutCancel(ctx)
	done, settled := s.cache.Change(ending, a.tool.family, a.tool.timeout), false
	defer func() { done(ending, settled) }()
	result := next(ctx, a)
	settled = result.Err == nil || result.Err.Code != tools.OutcomeUnknown
	return result
}
