package cache_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"drawbridge/server/cache"
	"drawbridge/server/cache/cachetest"
	"drawbridge/server/cache/redistest"
	"drawbridge/server/guard"
)

var secret = bytes.Repeat([]byte{7}, 32)

// newRedis is a node's cache at a server of the test's.
func newRedis(t testing.TB, s *redistest.Server, change ...func(*cache.RedisSettings)) *cache.Redis {
	t.Helper()
	settings := cache.RedisSettings{Address: s.Address, Secret: secret, Dial: (&net.Dialer{}).DialContext, Patience: time.Minute, Bounds: cache.Bounds{Result: 1000}}
	for _, do := range change {
		do(&settings)
	}
	r := cache.NewRedis(settings)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func bare(t testing.TB, s *redistest.Server) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.Address})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// The user is one that may do no more than the README says is needed.
func TestRedisConforms(t *testing.T) {
	s := redistest.Start(t, "--user", "drawbridge", "on", ">hush", "~drawbridge:*", "+get", "+set", "+info", "+ping", "+hello", "+auth", "+select")
	admin := bare(t, s)
	cachetest.Run(t, cachetest.Harness{Result: 1000, Nodes: func(t testing.TB) []guard.Cache {
		if err := admin.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		as := func(s *cache.RedisSettings) { s.Username, s.Password, s.Database = "drawbridge", "hush", 1 }
		return []guard.Cache{newRedis(t, s, as), newRedis(t, s, as)}
	}})
}

var one = guard.CacheKey{1}

// put keeps an answer, and reports whether it is found then.
func put(t testing.TB, c guard.Cache, answer string) bool {
	t.Helper()
	_, _, mark := c.Find(t.Context(), "crm", one)
	if mark != "" {
		c.Keep(t.Context(), "crm", one, mark, guard.Kept{Output: []byte(answer), At: time.Now()}, time.Hour)
	}
	return get(t, c) == answer
}

func get(t testing.TB, c guard.Cache) string {
	t.Helper()
	kept, ok, _ := c.Find(t.Context(), "crm", one)
	if !ok {
		return "nothing"
	}
	return string(kept.Output)
}

// await waits until the cache is asked again, or not asked.
func await(t testing.TB, c *cache.Redis, away bool) {
	t.Helper()
	for (c.Status().Away != "") != away {
		select {
		case <-t.Context().Done():
			t.Fatalf("away: %q", c.Status().Away)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestRedisHoldsNothingThatCanBeRead(t *testing.T) {
	s := redistest.Start(t)
	c, admin := newRedis(t, s), bare(t, s)
	if !put(t, c, `{"name":"Ada Lovelace"}`) {
		t.Fatal("nothing is kept")
	}
	names, err := admin.Keys(t.Context(), "*").Result()
	if err != nil || len(names) != 2 {
		t.Fatalf("it holds %q (%v)", names, err)
	}
	for _, name := range names {
		value, err := admin.Get(t.Context(), name).Result()
		lasts := admin.TTL(t.Context(), name).Val()
		if err != nil || !strings.HasPrefix(name, "drawbridge:") || strings.Contains(name+value, "Ada") || strings.Contains(name+value, "crm") || lasts <= 0 || lasts > 48*time.Hour {
			t.Errorf("%s holds %q for %s (%v)", name, value, lasts, err)
		}
	}
}

func TestValueThatWasTamperedWithOrIsForeignIsNotFound(t *testing.T) {
	s := redistest.Start(t)
	var said bytes.Buffer
	c, admin := newRedis(t, s, func(o *cache.RedisSettings) { o.Log = slog.New(slog.NewTextHandler(&said, nil)) }), bare(t, s)
	entry := func() (name, value string) {
		t.Helper()
		names, err := admin.Keys(t.Context(), "drawbridge:kept:*").Result()
		if err != nil || len(names) != 1 {
			t.Fatalf("it holds %q (%v)", names, err)
		}
		return names[0], admin.Get(t.Context(), names[0]).Val()
	}
	set := func(name, value string) {
		t.Helper()
		if err := admin.Set(t.Context(), name, value, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if !put(t, c, "answer") {
		t.Fatal("nothing is kept")
	}
	name, value := entry()
	for i := range value {
		changed := []byte(value)
		changed[i] ^= 1
		set(name, string(changed))
		if got := get(t, c); got != "nothing" {
			t.Fatalf("with byte %d changed %q is found", i, got)
		}
	}
	for what, other := range map[string]string{"cut": value[:len(value)-1], "empty": "", "text": "answer"} {
		set(name, other)
		if got := get(t, c); got != "nothing" {
			t.Errorf("%s: %q is found", what, got)
		}
	}
	set(name, value)
	if got := get(t, c); got != "answer" {
		t.Fatalf("as it was, %q is found", got)
	}
	// The value of another key, put in this one's place.
	two := guard.CacheKey{2}
	_, _, mark := c.Find(t.Context(), "crm", two)
	if err := admin.Del(t.Context(), name).Err(); err != nil {
		t.Fatal(err)
	}
	c.Keep(t.Context(), "crm", two, mark, guard.Kept{Output: []byte("of another call"), At: time.Now()}, time.Hour)
	_, foreign := entry()
	set(name, foreign)
	if got := get(t, c); got != "nothing" {
		t.Errorf("the answer of another call is found: %q", got)
	}
	if !strings.Contains(said.String(), "of no use") || strings.Contains(said.String(), "answer") {
		t.Errorf("it logs %s", said.String())
	}
	if put(t, newRedis(t, s, func(o *cache.RedisSettings) { o.Secret = bytes.Repeat([]byte{8}, 32) }), "theirs"); get(t, c) == "theirs" {
		t.Error("who has another secret is believed")
	}
}

// What a Redis forgets, or brings back, makes nothing of before found.
func TestNothingOfBeforeIsFoundWhateverTheRedisForgets(t *testing.T) {
	s := redistest.Start(t)
	c, admin := newRedis(t, s), bare(t, s)
	if !put(t, c, "old") {
		t.Fatal("nothing is kept")
	}
	marks, err := admin.Keys(t.Context(), "drawbridge:mark:*").Result()
	if err != nil || len(marks) != 1 {
		t.Fatalf("it holds %q (%v)", marks, err)
	}
	if err := admin.Del(t.Context(), marks[0]).Err(); err != nil {
		t.Fatal(err)
	}
	if got := get(t, c); got != "nothing" {
		t.Errorf("without its mark %q is found", got)
	}
	if !put(t, c, "new") {
		t.Error("nothing is kept behind it")
	}
}

// A Redis that comes back with what it had a while ago has the mark of then, and the answers.
func TestNothingIsFoundThatARestartedRedisBringsBack(t *testing.T) {
	s := redistest.Start(t)
	c := newRedis(t, s)
	if !put(t, c, "old") {
		t.Fatal("nothing is kept")
	}
	s.Save(t)
	c.Change(t.Context(), "crm", time.Minute)(t.Context(), true)
	s.Kill(t)
	s.Restart(t)
	kept, err := bare(t, s).Keys(t.Context(), "drawbridge:*").Result()
	if err != nil || len(kept) != 2 {
		t.Fatalf("it brings back %q (%v), and was to bring both", kept, err)
	}
	for range 2 { // a connection of before may be found to be dead first
		if got := get(t, c); got != "nothing" {
			t.Fatalf("%q is found, and was written over", got)
		}
		await(t, c, false)
	}
	if got := get(t, newRedis(t, s)); got != "nothing" {
		t.Errorf("another node finds %q", got)
	}
	if !put(t, c, "new") {
		t.Error("nothing is kept behind it")
	}
}

func TestProcessThatAnotherHasFollowedIsNotAskedUntilWhatWasKeptThenHasEnded(t *testing.T) {
	c := newRedis(t, redistest.Start(t), func(o *cache.RedisSettings) { o.Longest = time.Hour })
	for i, step := range []struct {
		id    string
		after time.Duration
		fits  bool
	}{{"first", 0, true}, {"first", 0, true}, {"second", 0, true}, {"first", 0, false}, {"second", 0, true}, {"first", 59 * time.Minute, false}, {"first", time.Hour, true}, {"second", time.Hour, false}} {
		if err := c.Met(step.id, began().Add(step.after)); (err == nil) != step.fits {
			t.Errorf("step %d: %v", i, err)
		}
	}
}

func began() time.Time { return time.UnixMilli(1_790_000_000_000) }

func TestNodeFindsNothingWhileTheRedisIsAwayAndUntilWhatItOwesIsPaid(t *testing.T) {
	s := redistest.Start(t)
	var said lockedBuffer
	mine, theirs := newRedis(t, s, func(o *cache.RedisSettings) { o.Log = slog.New(slog.NewTextHandler(&said, nil)) }), newRedis(t, s)
	if !put(t, mine, "old") || get(t, theirs) != "old" {
		t.Fatal("nothing is kept, or shared")
	}
	// The network between this node and the Redis breaks: the Redis itself goes on.
	link := redistest.NewLink(t, s)
	cut := newRedis(t, s, func(o *cache.RedisSettings) {
		o.Dial = link.Dial
		o.Log = slog.New(slog.NewTextHandler(&said, nil))
	})
	if get(t, cut) != "old" {
		t.Fatal("the third node does not find it")
	}
	mail := guard.CacheKey{2}
	_, _, mark := mine.Find(t.Context(), "email", mail)
	mine.Keep(t.Context(), "email", mail, mark, guard.Kept{Output: []byte("old"), At: time.Now()}, time.Hour)
	link.Cut()
	done := cut.Change(t.Context(), "crm", time.Minute)
	done(t.Context(), true)
	if got := get(t, cut); got != "nothing" || cut.Status().Away == "" {
		t.Errorf("it finds %q, and is away: %q", got, cut.Status().Away)
	}
	cut.Change(t.Context(), "email", time.Minute)(t.Context(), true) // which nobody asks the Redis about any more
	link.Mend()
	await(t, cut, false)
	if kept, ok, _ := theirs.Find(t.Context(), "email", mail); ok {
		t.Errorf("%q is found of a family that was written to while the Redis was away", kept.Output)
	}
	for i, c := range []guard.Cache{mine, theirs, cut} {
		if got := get(t, c); got != "nothing" {
			t.Errorf("node %d finds %q once what is owed is paid", i, got)
		}
	}
	if !put(t, cut, "new") || get(t, mine) != "new" {
		t.Error("nothing is kept behind it")
	}
	if text := said.String(); strings.Count(text, "cannot be asked") != 1 || strings.Count(text, "is asked again") != 1 {
		t.Errorf("it logs %s", text)
	}
}

func TestCacheIsBackBehindTheRedis(t *testing.T) {
	s := redistest.Start(t)
	c := newRedis(t, s)
	if !put(t, c, "old") {
		t.Fatal("nothing is kept")
	}
	s.Kill(t)
	if got := get(t, c); got != "nothing" {
		t.Errorf("without a Redis %q is found", got)
	}
	if put(t, c, "meanwhile") {
		t.Error("without a Redis something is kept")
	}
	await(t, c, true)
	s.Restart(t)
	await(t, c, false)
	if !put(t, c, "new") {
		t.Error("nothing is kept behind it")
	}
}

// A Redis that stands still holds a call up for a moment, once.
func TestRedisThatStandsStillIsNotWaitedForTwice(t *testing.T) {
	s := redistest.Start(t)
	if !put(t, newRedis(t, s), "old") {
		t.Fatal("nothing is kept")
	}
	c := newRedis(t, s, func(o *cache.RedisSettings) { o.Patience = 100 * time.Millisecond })
	s.Pause(t)
	for range 100 {
		if got := get(t, c); got != "nothing" {
			t.Fatalf("%q is found", got)
		}
	}
	if status := c.Status(); status.Away == "" || status.Misses != 100 {
		t.Errorf("it stands as %+v", status)
	}
	s.Resume(t)
	for get(t, c) != "old" { // it may be slow as well, for some time
		select {
		case <-t.Context().Done():
			t.Fatalf("behind it nothing is found: %q", c.Status().Away)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A node that dies in a write leaves its family without answers, and not with old ones.
func TestWriteThatNobodyEndsLeavesNothingToBeFound(t *testing.T) {
	s := redistest.Start(t)
	dying, other := newRedis(t, s), newRedis(t, s)
	if !put(t, other, "old") {
		t.Fatal("nothing is kept")
	}
	_ = dying.Change(t.Context(), "crm", 0)
	_ = dying.Close()
	if _, ok, mark := other.Find(t.Context(), "crm", one); ok || mark != "" {
		t.Errorf("found %t, may be kept under %q", ok, mark)
	}
	marks := bare(t, s).Keys(t.Context(), "drawbridge:mark:*").Val()
	if lasts := bare(t, s).TTL(t.Context(), marks[0]).Val(); lasts <= 0 || lasts > time.Minute {
		t.Errorf("that lasts %s, want a minute", lasts)
	}
}

func TestPasswordIsAskedForAtEachConnection(t *testing.T) {
	s := redistest.Start(t, "--requirepass", "first-password")
	c := newRedis(t, s, func(o *cache.RedisSettings) { o.Password = "not-that-one" })
	if put(t, c, "x") || !strings.Contains(c.Status().Away, "WRONGPASS") && !strings.Contains(c.Status().Away, "invalid") {
		t.Errorf("with a wrong password it is away: %q", c.Status().Away)
	}
	if strings.Contains(c.Status().Away, "not-that-one") {
		t.Errorf("it shows the password: %s", c.Status().Away)
	}
	c.SetPassword("first-password")
	await(t, c, false)
	if !put(t, c, "x") {
		t.Error("nothing is kept with the right one")
	}
}

func TestConnectionIsEncryptedAndTheCertificateLookedAt(t *testing.T) {
	s, certificate := redistest.Start(t), redistest.NewCertificate(t)
	link := redistest.NewTLSLink(t, s, certificate)
	encrypted := func(c *tls.Config) *cache.Redis {
		return newRedis(t, s, func(o *cache.RedisSettings) { o.Address, o.TLS = link.Address, c })
	}
	c := encrypted(&tls.Config{ServerName: "127.0.0.1", RootCAs: certificate.Roots})
	if !put(t, c, "x") {
		t.Errorf("nothing is kept: %s", c.Status().Away)
	}
	for what, config := range map[string]*tls.Config{"of an authority that nobody knows": {ServerName: "127.0.0.1"}, "of another name": {ServerName: "redis.example.com", RootCAs: certificate.Roots}} {
		wrong := encrypted(config)
		if put(t, wrong, "x") || !strings.Contains(wrong.Status().Away, "certificate") {
			t.Errorf("a certificate %s: %q", what, wrong.Status().Away)
		}
	}
}

// What a Redis without room refuses is not kept, and what it has is found on.
func TestRedisThatIsFullTakesNoMore(t *testing.T) {
	s := redistest.Start(t)
	var said lockedBuffer
	c, admin := newRedis(t, s, func(o *cache.RedisSettings) { o.Log = slog.New(slog.NewTextHandler(&said, nil)) }), bare(t, s)
	if !put(t, c, "old") {
		t.Fatal("nothing is kept")
	}
	if err := errors.Join(admin.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(), admin.ConfigSet(t.Context(), "maxmemory", "1").Err()); err != nil {
		t.Fatal(err)
	}
	if put(t, c, "new") || put(t, c, "newer") || get(t, c) != "old" || c.Status().Away != "" {
		t.Errorf("it gives %q, away: %q", get(t, c), c.Status().Away)
	}
	if strings.Count(said.String(), "takes no more") != 1 {
		t.Errorf("it logs %s", said.String())
	}
	// A write cannot drop anything now: so this node finds nothing until it can.
	c.Change(t.Context(), "crm", time.Minute)(t.Context(), true)
	if got := get(t, c); got != "nothing" || c.Status().Away == "" {
		t.Errorf("behind a write %q is found, away: %q", got, c.Status().Away)
	}
	if err := admin.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	await(t, c, false)
	if got := get(t, c); got != "nothing" {
		t.Errorf("once there is room %q is found", got)
	}
}

func TestCallerThatGoesAwayIsNoFaultOfTheRedis(t *testing.T) {
	s := redistest.Start(t)
	c := newRedis(t, s)
	if !put(t, c, "x") {
		t.Fatal("nothing is kept")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok, mark := c.Find(gone, "crm", one); ok || mark != "" || c.Status().Away != "" {
		t.Errorf("found %t, %q, away: %q", ok, mark, c.Status().Away)
	}
}
