package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"drawbridge/server/guard"
)

// prefix begins the names of all that we keep in a Redis.
const prefix = "drawbridge:"

// busy stands in place of a family's mark while a write is under way: nothing is found, and
// nothing kept. It ends by itself if whoever set it dies.
const busy = "busy"

// remembered is how long a family's mark stays that nobody changes. One that is gone is
// replaced by another, so that nothing of before is found.
const remembered = 48 * time.Hour

// defaultPatience is short: a cache is there to save time. What others would find wrongly
// otherwise is waited for longer.
const (
	defaultPatience = 500 * time.Millisecond
	longer          = 10
)

// silence keeps the client from writing to standard error: what goes wrong is returned, and
// logged here.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silence{}) }

// RedisSettings say which Redis, and what is kept there.
type RedisSettings struct {
	Address            string // host:port
	Username, Password string
	Database           int
	TLS                *tls.Config // nil: unencrypted
	// Dial connects to it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Secret is what values are sealed with, 32 bytes: the same on all nodes that share them.
	Secret []byte
	// Longest is how long anything is kept, a day if zero.
	Longest time.Duration
	// Patience is how long one request may take, half a second if zero.
	Patience time.Duration
	Bounds   Bounds
	Log      *slog.Logger
}

// Redis keeps answers in a Redis, which several nodes may share. Values are sealed.
//
// A family's mark is a random text there. A write sets it to busy, and behind itself to a new
// one. So it does not matter what a Redis forgets, or that it comes back with what it had a
// while ago: no mark comes twice, and with the marks goes the identity of the process (the
// run_id of INFO), which is another after each start and at another replica.
//
// While the Redis cannot be asked, nothing is found or kept. Writes that could not set their
// mark are owed: only when all of them are set is anything found here again. Until then
// other nodes, if they reach it, may find what was before, for as long as its ttl.
type Redis struct {
	client   *redis.Client
	seal     seal
	bounds   Bounds
	patience time.Duration
	log      *slog.Logger
	password atomic.Pointer[string]
	instance atomic.Pointer[string] // run_id of the process that was connected to last
	meeting  sync.Mutex
	before   map[string]time.Time // the processes that were there before it, and until when
	longest  time.Duration
	full     atomic.Bool // it has refused to take a value
	counts   counts
	debts    debts
}

var _ guard.Cache = (*Redis)(nil)

// NewRedis prepares a cache; it connects when it is first asked, or greeted.
func NewRedis(s RedisSettings) *Redis {
	r := &Redis{seal: seal{s.Secret}, before: map[string]time.Time{}, longest: cmp.Or(s.Longest, 24*time.Hour), bounds: s.Bounds.filled(), patience: cmp.Or(s.Patience, defaultPatience), log: s.Log}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.SetPassword(s.Password)
	r.client = redis.NewClient(&redis.Options{
		Addr: s.Address, DB: s.Database, TLSConfig: s.TLS,
		Dialer:              r.dialer(s),
		CredentialsProvider: func() (string, string) { return s.Username, *r.password.Load() },
		OnConnect:           r.meet,
		DialTimeout:         r.patience, DialerRetries: 1, ReadTimeout: longer * r.patience, WriteTimeout: longer * r.patience, PoolTimeout: r.patience, ContextTimeoutEnabled: true,
		MaxRetries:       -1, // a mark that is set twice could come back behind another
		PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	r.debts.start(r.pay, func() { r.log.Info("the cache is asked again", "redis", s.Address) })
	return r
}

// dialer connects as it is told to, and encrypts: whoever dials for go-redis has to.
func (r *Redis) dialer(s RedisSettings) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := s.Dial(ctx, network, address)
		if err != nil || s.TLS == nil {
			return conn, err
		}
		encrypted := tls.Client(conn, s.TLS)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return encrypted, nil
	}
}

// Greet asks the Redis whether it is there, so that how it stands is known before anything is
// read.
func (r *Redis) Greet(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	if err := r.client.Ping(asking).Err(); err != nil {
		r.fault(ctx, "", err)
	}
}

// SetPassword has connections made from now on by another password.
func (r *Redis) SetPassword(password string) { r.password.Store(&password) }

// meet asks a new connection which process is at its other end. It has done so before any
// command goes out on that connection: so instance is never behind what answers.
func (r *Redis) meet(ctx context.Context, conn *redis.Conn) error {
	info, err := conn.Info(ctx, "server").Result()
	if err != nil {
		return fmt.Errorf("asking the Redis who it is (INFO server): %w", err)
	}
	for line := range strings.Lines(info) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "run_id:"); ok && id != "" {
			return r.met(id, time.Now())
		}
	}
	return errors.New("the Redis does not say who it is: INFO server has no run_id")
}

// met takes a process for the one that is there now. One that another has followed may come
// back, and have missed what was written to that: so it is not asked until all that was kept
// at its time has come to its end. It may also be that it is gone, and what it said comes late.
func (r *Redis) met(id string, at time.Time) error {
	r.meeting.Lock()
	defer r.meeting.Unlock()
	now := r.instance.Load()
	if now != nil && *now == id {
		return nil
	}
	if left, was := r.before[id]; was && at.Sub(left) < r.longest {
		return fmt.Errorf("a Redis answers in whose place there was another; it is asked again in %s", (r.longest - at.Sub(left)).Round(time.Second))
	}
	delete(r.before, id)
	if now != nil {
		r.before[*now] = at
	}
	r.instance.Store(&id)
	return nil
}

// marked is a family's mark at the process that is connected to.
func (r *Redis) marked(text string) guard.Mark {
	return guard.Mark(*r.instance.Load() + " " + text)
}

// Find is guard.Cache's.
func (r *Redis) Find(ctx context.Context, family string, key guard.CacheKey) (guard.Kept, bool, guard.Mark) {
	kept, found, mark := r.find(ctx, family, key)
	if found {
		r.counts.hit()
	} else {
		r.counts.missed()
	}
	return kept, found, mark
}

func (r *Redis) find(ctx context.Context, family string, key guard.CacheKey) (none guard.Kept, _ bool, _ guard.Mark) {
	if r.debts.away() {
		return none, false, ""
	}
	asking, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	place, name := r.seal.name("mark", []byte(family)), r.seal.name("kept", key[:])
	both := r.client.Pipeline()
	standing, sealed := both.Get(asking, place), both.Get(asking, name)
	// Either may be missing; that, and no other, is no fault.
	if _, err := both.Exec(asking); err != nil && !errors.Is(err, redis.Nil) {
		r.fault(ctx, "", err)
		return none, false, ""
	}
	if errors.Is(standing.Err(), redis.Nil) {
		return none, false, r.found(ctx, asking, place)
	}
	if standing.Err() != nil || standing.Val() == busy {
		return none, false, ""
	}
	mark := r.marked(standing.Val())
	if sealed.Err() != nil {
		return none, false, mark
	}
	under, kept, err := r.seal.open(name, []byte(sealed.Val()))
	if err != nil {
		r.log.Warn("a value in the cache is of no use", "redis", r.client.Options().Addr, "error", err)
	}
	if err != nil || under != mark {
		return none, false, mark
	}
	return kept, true, mark
}

// found gives a family its first mark, unless somebody else does at the same time.
func (r *Redis) found(ctx, asking context.Context, place string) guard.Mark {
	text := rand.Text()
	made, err := r.client.SetNX(asking, place, text, remembered).Result()
	if err != nil {
		r.fault(ctx, "", err)
	}
	if !made {
		return ""
	}
	return r.marked(text)
}

// Keep is guard.Cache's.
func (r *Redis) Keep(ctx context.Context, _ string, key guard.CacheKey, mark guard.Mark, kept guard.Kept, ttl time.Duration) {
	if int64(len(kept.Output)) > r.bounds.Result || r.debts.away() {
		return
	}
	asking, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	name := r.seal.name("kept", key[:])
	err := r.client.Set(asking, name, r.seal.close(name, mark, kept), ttl).Err()
	var refused redis.Error
	switch {
	case err == nil:
	case !errors.As(err, &refused):
		r.fault(ctx, "", err)
	case !r.full.Swap(true): // of memory, mostly; what it has it still gives
		r.log.Warn("the cache takes no more; that is said once", "redis", r.client.Options().Addr, "error", err)
	}
}

// Change is guard.Cache's.
func (r *Redis) Change(ctx context.Context, family string, longest time.Duration) func(context.Context, bool) {
	r.mark(ctx, family, busy, longest+doubtful)
	return func(ctx context.Context, settled bool) {
		if settled {
			r.mark(ctx, family, rand.Text(), remembered)
		} else {
			r.mark(ctx, family, busy, doubtful) // its effect may be still to come
		}
	}
}

// mark sets a family's mark, or owes it.
func (r *Redis) mark(ctx context.Context, family, text string, lasts time.Duration) {
	if r.debts.owe(family) {
		return // the Redis is away: whoever looks for it pays
	}
	asking, cancel := context.WithTimeout(ctx, longer*r.patience)
	defer cancel()
	if err := r.client.Set(asking, r.seal.name("mark", []byte(family)), text, lasts).Err(); err != nil {
		r.fault(ctx, family, err)
	}
}

// pay sets the marks that are owed. Without an error the Redis can be asked again.
func (r *Redis) pay(ctx context.Context, families []string) error {
	for _, family := range families {
		asking, cancel := context.WithTimeout(ctx, r.patience)
		err := r.client.Set(asking, r.seal.name("mark", []byte(family)), rand.Text(), remembered).Err()
		cancel()
		if err != nil {
			return err
		}
	}
	asking, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	return r.client.Ping(asking).Err()
}

// fault notes that the Redis could not be asked, and what is owed by that.
func (r *Redis) fault(ctx context.Context, family string, err error) {
	if family == "" && ctx.Err() != nil {
		return // whoever asked has gone
	}
	if r.debts.fault(family, err) {
		r.log.Warn("the cache cannot be asked; reads are made as without it, until it can", "redis", r.client.Options().Addr, "error", err)
	}
}

// Drop has nothing to do: what was kept under other credentials is not asked for any more,
// and ends with its ttl.
func (r *Redis) Drop() {}

// Status says how the cache stands.
func (r *Redis) Status() Status { return r.counts.status("redis", r.debts.why()) }

// Close ends the connections.
func (r *Redis) Close() error {
	r.debts.stop()
	return r.client.Close()
}
