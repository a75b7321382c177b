package config

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Cache is which reads are answered with what the same read gave a moment ago.
type Cache struct {
	// TTL says by pattern for how long the answers of tools are kept; 0 is not at all. The
	// most exact pattern wins, and of tools that do not read nothing is kept. None: there is
	// no cache.
	TTL map[string]Duration `yaml:"ttl"`
	// MaxBytes is how much is kept in this process, when it is kept here.
	MaxBytes Size `yaml:"max_bytes"`
	// MaxResult is how large an answer may be to be kept.
	MaxResult Size `yaml:"max_result"`
	// Redis is where the answers are kept if not in this process.
	Redis *Redis `yaml:"redis"`
}

// Redis is a server that several nodes keep their answers in.
type Redis struct {
	// URL is redis://host:port or, encrypted, rediss://host:port, with the number of a
	// database behind it if that is not 0.
	URL      string `yaml:"url"`
	Username string `yaml:"username"`
	Password Secret `yaml:"password"`
	// CA is a file with the authorities that may have signed the server's certificate; ""
	// for those of the system.
	CA string `yaml:"ca"`
}

func defaultCache() Cache { return Cache{MaxBytes: 64 * MiB, MaxResult: MiB} }

// redisPort is where a Redis listens unless its URL says otherwise.
const redisPort = "6379"

// Place are the server's address, whether it is spoken to by TLS, and the database, of a URL
// that was checked.
func (r Redis) Place() (address string, encrypted bool, database int) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return "", false, 0
	}
	port := u.Port()
	if port == "" {
		port = redisPort
	}
	database, _ = strconv.Atoi(strings.Trim(u.Path, "/"))
	return net.JoinHostPort(u.Hostname(), port), u.Scheme == "rediss", database
}

func (k *checker) checkCache() {
	c := k.Cache
	for _, pattern := range slices.Sorted(maps.Keys(c.TTL)) {
		at := child("cache.ttl", pattern)
		k.checkPattern(at, pattern)
		if c.TTL[pattern] != 0 {
			// A day: nobody means what is older, and it is kept where secrets are, too.
			between(k, at, c.TTL[pattern], Duration(time.Second), Duration(day))
		}
	}
	between(k, "cache.max_bytes", c.MaxBytes, MiB, 16*GiB)
	between(k, "cache.max_result", c.MaxResult, KiB, 16*MiB)
	switch shared := k.Store.Path() == ""; {
	case c.Redis == nil && len(c.TTL) > 0 && shared:
		k.warn("cache", "each node keeps answers of its own, and does not see what others write: up to the ttl it gives what was before. Want cache.redis where several nodes share the store")
	case c.Redis != nil:
		k.checkRedis("cache.redis", *c.Redis)
	}
}

func (k *checker) checkRedis(at string, r Redis) {
	const want = "want redis://host:port, or rediss://host:port with TLS, and /N behind it for another database than 0"
	u, err := url.Parse(r.URL)
	switch {
	case r.URL == "":
		k.refuse(at, "it does not say where the server is; give url")
		return
	case err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "":
		k.refuse(at+".url", "it is no address of a Redis; %s", want)
		return
	case u.User != nil:
		k.refuse(at+".url", "want a URL without a user name or password; these are cache.redis.username and password")
		return
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !isDatabase(u.Path):
		k.refuse(at+".url", "there is something behind the address; %s", want)
		return
	}
	address, encrypted, _ := r.Place()
	switch {
	case r.Username != "" && r.Password == "":
		k.refuse(at+".password", "a username needs one, such as ${REDIS_PASSWORD}")
	case r.Password != "" && !encrypted && !loopback(address):
		k.warn(at+".url", "the password would be sent unencrypted; want rediss")
	}
	if r.CA != "" && !encrypted {
		k.refuse(at+".ca", "nothing is encrypted, so that no certificate is looked at; leave ca out, or want rediss")
	}
	if len(k.Cache.TTL) == 0 {
		k.refuse(at, "nothing is kept without cache.ttl; say which answers, and how long")
	}
}

func isDatabase(path string) bool {
	path = strings.TrimPrefix(path, "/")
	n, err := strconv.ParseUint(path, 10, 16)
	return path == "" || err == nil && n <= 1023
}

// explainCache says which answers are kept, and where.
func (c *Config) explainCache(w io.Writer) {
	if len(c.Cache.TTL) == 0 {
		return
	}
	var parts []string
	for _, pattern := range slices.Sorted(maps.Keys(c.Cache.TTL)) {
		how := "not at all"
		if ttl := c.Cache.TTL[pattern]; ttl > 0 {
			how = "for " + ttl.String()
		}
		parts = append(parts, pattern+" "+how)
	}
	where := fmt.Sprintf("in this process, %s at most", c.Cache.MaxBytes)
	if c.Cache.Redis != nil {
		address, encrypted, _ := c.Cache.Redis.Place()
		where = "in the Redis at " + address
		if encrypted {
			where += ", by TLS"
		}
	}
	fmt.Fprintf(w, "  Answers of reads are given again, until something is written in their family: %s. They are kept %s.\n", strings.Join(parts, ", "), where)
}
