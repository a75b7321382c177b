package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"drawbridge/config"
	"drawbridge/server/cache"
	"drawbridge/server/egress"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// answers is the cache of the settings.
type answers interface {
	guard.Cache
	Drop()
	Status() cache.Status
	Close() error
}

// wireCache makes the cache, if answers are to be kept.
func (a *app) wireCache(ctx context.Context) error {
	if len(a.cfg.Cache.TTL) == 0 {
		return nil
	}
	if problems := a.uncacheable(); len(problems) > 0 {
		return problems
	}
	c := a.cfg.Cache
	bounds := cache.Bounds{Bytes: int64(c.MaxBytes), Result: int64(c.MaxResult)}
	if c.Redis == nil {
		own := cache.NewMemory(bounds, time.Now)
		if file := a.cfg.Store.Path(); file != "" {
			own.Beside(file + ".cache-marks") // of a desktop assistant's mcp, or run
		}
		a.answers = own
	} else {
		secret, err := a.store.OwnSecret(ctx, "cache")
		if err != nil {
			return err
		}
		settings, err := redisSettings(*c.Redis, a.egress)
		if err != nil {
			return err
		}
		settings.Secret, settings.Bounds, settings.Log = secret, bounds, a.log
		settings.Longest = slices.Max(slices.Collect(maps.Values(c.TTL))).Std()
		shared := cache.NewRedis(settings)
		a.answers, a.redis = shared, shared
	}
	a.cleanup(func(context.Context) error { return a.answers.Close() })
	if a.redis != nil {
		a.redis.Greet(ctx)
	}
	a.catalog.Watch(a.sayUncached())
	return nil
}

func redisSettings(r config.Redis, rules *egress.Rules) (cache.RedisSettings, error) {
	address, encrypted, database := r.Place()
	s := cache.RedisSettings{Address: address, Username: r.Username, Password: r.Password.Reveal(), Database: database,
		Dial: rules.Dialer(egress.Reach{Named: []string{"redis://" + address}, Connect: time.Second})}
	if !encrypted {
		return s, nil
	}
	host, _, _ := net.SplitHostPort(address)
	s.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if r.CA != "" {
		var err error
		if s.TLS.RootCAs, err = rootsIn(r.CA); err != nil {
			return s, fmt.Errorf("reading the authorities of cache.redis: %w", err)
		}
	}
	return s, nil
}

// caching is what the guard is told of the cache.
func (a *app) caching() guard.Caching {
	if a.answers == nil {
		return guard.Caching{}
	}
	return guard.Caching{Cache: a.answers, TTL: func(tool string) time.Duration { return ttlOf(a.cfg.Cache.TTL, tool) }, Of: a.systems}
}

// ttlOf is how long a tool's answers are kept: by the setting of its name, or else by the
// pattern with the most letters.
func ttlOf(settings map[string]config.Duration, tool string) time.Duration {
	if exact, ok := settings[tool]; ok {
		return exact.Std()
	}
	best, most := time.Duration(0), -1
	for _, pattern := range slices.Sorted(maps.Keys(settings)) {
		if letters := len(pattern) - strings.Count(pattern, "*"); letters > most && tools.Match([]string{pattern}, tool) {
			best, most = settings[pattern].Std(), letters
		}
	}
	return best
}

// systems says what the tools work on: their settings, with the secrets that count now, and
// the program that asks. What was kept under others is another system's, or what other
// credentials were shown.
func (a *app) systems() string {
	now := a.secrets.Load()
	if known := a.asked.Load(); known != nil && known.of == now {
		return known.text
	}
	hash := sha256.New()
	spell(hash, reflect.ValueOf([]any{version(), now.Tools}))
	known := &systems{now, hex.EncodeToString(hash.Sum(nil))}
	a.asked.Store(known)
	return known.text
}

// systems are hashed settings, and of which they are.
type systems struct {
	of   *config.Config
	text string
}

// spell writes settings out, secrets included: what it writes to must not show them.
func spell(w io.Writer, v reflect.Value) {
	_, _ = fmt.Fprintf(w, "%s:", v.Kind())
	switch v.Kind() {
	case reflect.String:
		_, _ = fmt.Fprintf(w, "%d:%s;", v.Len(), v.String()) // of the value: no method that hides it
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			spell(w, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			spell(w, v.Field(i))
		}
	case reflect.Slice:
		_, _ = fmt.Fprintf(w, "%d;", v.Len())
		for i := range v.Len() {
			spell(w, v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		_, _ = fmt.Fprintf(w, "%d;", len(keys))
		for _, key := range keys {
			spell(w, key)
			spell(w, v.MapIndex(key))
		}
	case reflect.Bool:
		_, _ = fmt.Fprintf(w, "%t;", v.Bool())
	default:
		_, _ = fmt.Fprintf(w, "%v;", v) // numbers
	}
}

// uncacheable are tools that the settings name one by one, and of which nothing can be kept.
func (a *app) uncacheable() config.Problems {
	var problems config.Problems
	for _, name := range slices.Sorted(maps.Keys(a.cfg.Cache.TTL)) {
		if tool, ok := a.catalog.Lookup(name); ok && a.cfg.Cache.TTL[name] > 0 && !guard.Cacheable(tool) {
			problems = append(problems, a.cfg.Problem(config.Child("cache.ttl", name), "%s", whyUncached(tool)))
		}
	}
	return problems
}

func whyUncached(t tools.Tool) string {
	if t.Effect != tools.Read {
		return fmt.Sprintf("%q does not read (its effect is %s): its calls are made, and never answered from the cache", t.Name, t.Effect)
	}
	return fmt.Sprintf("what %q gives depends on who calls, or changes by itself: it is never answered from the cache", t.Name)
}

// sayUncached warns of mounted tools that the settings name, and of which nothing can be
// kept: of those nobody knows at the start what they are.
func (a *app) sayUncached() func() {
	var mu atomic.Pointer[map[string]bool]
	mu.Store(&map[string]bool{})
	return func() {
		said := maps.Clone(*mu.Load())
		for _, name := range slices.Sorted(maps.Keys(a.cfg.Cache.TTL)) {
			tool, ok := a.catalog.Lookup(name)
			if ok && tool.Mounted && a.cfg.Cache.TTL[name] > 0 && !guard.Cacheable(tool) && !said[name] {
				said[name] = true
				a.log.Warn("nothing is kept of a tool under cache.ttl", "tool", name, "why", whyUncached(tool))
			}
		}
		mu.Store(&said)
	}
}

// cacheHealth is how the cache stands, in /readyz.
type cacheHealth struct {
	State  string `json:"state"` // ok, or away
	Where  string `json:"where"` // memory or redis
	Hits   int64  `json:"hits"`
	Misses int64  `json:"misses"`
	// LastError says why it is away.
	LastError string `json:"last_error,omitempty"`
}

// cacheHealth tells those who are known why it is away; nil without a cache.
func (a *app) cacheHealth(known bool) *cacheHealth {
	if a.answers == nil {
		return nil
	}
	s := a.answers.Status()
	h := &cacheHealth{State: "ok", Where: s.Where, Hits: s.Hits, Misses: s.Misses}
	if s.Away != "" {
		h.State = "away"
		if known {
			h.LastError = s.Away
		}
	}
	return h
}
