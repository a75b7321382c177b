package config

import (
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Validate checks what the settings mean. [Load] has called it; a configuration
// made by hand needs it too. The error is [Problems].
func (c *Config) Validate() error { return c.check().errors.err() }

// Warnings are what works and is likely not meant.
func (c *Config) Warnings() Problems {
	warnings := c.check().warnings
	if c.source != nil {
		warnings = append(slices.Clone(c.source.warnings), warnings...)
		warnings.sort()
	}
	return warnings
}

// checker gathers what the checks find.
type checker struct {
	*Config
	errors, warnings Problems
}

func (c *Config) check() *checker {
	k := &checker{Config: c}
	k.checkStore()
	k.checkSpace()
	k.checkServer()
	k.checkProxies()
	k.checkKeys()
	k.checkAuth()
	k.checkModel()
	k.checkModels()
	k.checkPrices()
	k.checkChat()
	k.checkTools()
	k.checkMCPServers()
	k.checkOpenAPIs()
	k.checkGuard()
	k.checkCache()
	k.checkPolicy()
	k.checkAgents()
	k.checkWebhooks()
	k.checkCallbacks()
	k.checkApprovals()
	k.checkEgress()
	k.checkSchedules()
	k.checkPlaybooks()
	k.checkWorkers()
	k.checkRetention()
	k.checkLog()
	k.errors.sort()
	k.warnings.sort()
	return k
}

func (k *checker) refuse(path, format string, args ...any) {
	k.errors = append(k.errors, k.Problem(path, format, args...))
}

func (k *checker) warn(path, format string, args ...any) {
	p := k.Problem(path, format, args...)
	p.Warning = true
	k.warnings = append(k.warnings, p)
}

// show is a value as a message may have it.
func (c *Config) show(path, value string) string { return quote(c.asWritten(path, value)) }

// oneOf refuses a value that is not in the list.
func (k *checker) oneOf(path, value string, known ...string) {
	if !slices.Contains(known, value) {
		k.refuse(path, "%s is unknown; %s", k.show(path, value), suggestion(value, known))
	}
}

// between refuses a value outside of least and most.
func between[N interface {
	~int64
	String() string
}](k *checker, path string, value, least, most N) {
	if value < least || value > most {
		k.refuse(path, "%s is out of range; want %s to %s", value.String(), least.String(), most.String())
	}
}

func (k *checker) checkStore() {
	const path = "store.url"
	text := k.Store.URL.Reveal()
	switch scheme, file, ok := strings.Cut(text, "://"); {
	case scheme == "postgres" || scheme == "postgresql":
		k.checkPostgres(path, text)
	case !ok || scheme != "sqlite":
		k.refuse(path, "want sqlite:// and a path, such as %s, or postgres://user:password@host/database", Default().Store.URL.Reveal())
	case file == "" || strings.HasSuffix(file, "/"):
		k.refuse(path, "%s names no file", k.show(path, text))
	case strings.Contains(file, ":memory:"):
		k.refuse(path, "a database in memory would forget accepted events; want the path of a file")
	case strings.ContainsAny(file, "?#%"):
		k.refuse(path, "%s: want a plain path, without ?, # and %%", k.show(path, text))
	}
}

// checkPostgres says what is wrong with a URL that holds a password, and so is not quoted.
func (k *checker) checkPostgres(path, text string) {
	const want = "want postgres://user:password@host/database"
	u, err := url.Parse(text)
	switch {
	case err != nil:
		k.refuse(path, "it is no URL; %s, where a password's other signs than letters and digits are written as %%40 for @", want)
	case u.Host == "" && u.Query().Get("host") == "":
		k.refuse(path, "it names no host; %s", want)
	case strings.Trim(u.Path, "/") == "" || strings.Count(u.Path, "/") > 1:
		k.refuse(path, "it names no database; %s", want)
	}
}

func (k *checker) checkServer() {
	k.checkEffectList("server.local_effects", k.Server.Local)
	if !validListen(k.Server.Listen) {
		k.refuse("server.listen", "%s is no address to listen on; want host:port, such as 127.0.0.1:8080", k.show("server.listen", k.Server.Listen))
	}
	if k.Server.PublicURL != "" {
		k.checkBaseURL("server.public_url", k.Server.PublicURL)
	}
	k.checkTLS()
	between(k, "server.max_body", k.Server.MaxBody, KiB, 64*MiB)
	between(k, "server.drain_timeout", k.Server.DrainTimeout, Duration(time.Second), Duration(time.Hour))
}

// OnLoopback reports whether only this machine can connect. Where others can, there has to
// be a key, of the settings or of the store, which whoever starts to listen looks at.
func (s Server) OnLoopback() bool { return loopback(s.Listen) }

func validListen(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || strings.ContainsFunc(host, unicode.IsSpace) {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// loopback reports whether only this machine can connect to a valid address. A
// name other than localhost may resolve to anything.
func loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

var nameForm = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// checkName keeps names fit for a URL, a log line and a file name.
func (k *checker) checkName(path, name string) {
	if !nameForm.MatchString(name) {
		k.refuse(path, "%s is no name; want 1 to 64 of a-z, 0-9, _ and -", k.show(path, name))
	}
}

// minKey is the shortest API key accepted, in characters.
const minKey = 16

func (k *checker) checkKeys() {
	names, texts := map[string]bool{}, map[Secret]bool{}
	for i, key := range k.Server.Keys {
		path := item("server.keys", i)
		k.checkName(path+".name", key.Name)
		switch text := key.Key.Reveal(); {
		case text == "":
			k.refuse(path+".key", "the key is empty")
		case strings.ContainsFunc(text, isNoBearer):
			k.refuse(path+".key", "the key holds white space or characters beyond ASCII, which no HTTP header can carry")
		case len(text) < minKey:
			k.refuse(path+".key", "the key has %d characters; want %d or more, such as those of: openssl rand -hex 32", len(text), minKey)
		case texts[key.Key]:
			k.refuse(path+".key", "the key is that of another entry, so nobody could say who called")
		}
		if key.Name != "" && names[key.Name] {
			k.refuse(path+".name", "%s names two keys", k.show(path+".name", key.Name))
		}
		names[key.Name], texts[key.Key] = true, true
		if len(key.Tools) == 0 {
			k.refuse(path+".tools", `the key opens nothing; list what it may call, or ["*"] for everything`)
		}
		k.checkPatterns(path+".tools", key.Tools)
		k.checkEffectList(path+".effects", key.Effects)
		k.checkAgentPatterns(path+".agents", key.Agents)
		k.atLeast(path+".requests_per_minute", key.RequestsPerMinute, 0)
		k.atLeast(path+".concurrent", key.Concurrent, 0)
	}
}

// checkAgentPatterns warns of those that fit no agent: likely a slip.
func (k *checker) checkAgentPatterns(path string, patterns []string) {
	for i, pattern := range patterns {
		at := item(path, i)
		switch {
		case !patternForm.MatchString(pattern):
			k.refuse(at, "%s is no agent's name or pattern; want a-z, 0-9, _ and -, and * for any run of characters, such as support_*", k.show(at, pattern))
		case k.source.has(at) && !k.fitsAnAgent(pattern):
			k.warn(at, "%s fits no agent; %s", k.show(at, pattern), suggestion(pattern, slices.Sorted(maps.Keys(k.Agents))))
		}
	}
}

func (k *checker) fitsAnAgent(pattern string) bool {
	form := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
	for name := range k.Agents {
		if form.MatchString(name) {
			return true
		}
	}
	return false
}

func isNoBearer(r rune) bool { return r <= ' ' || r > '~' }

// A pattern of tool names: MCP's names (2025-11-25, server/tools), and *.
var patternForm = regexp.MustCompile(`^[A-Za-z0-9_.*-]{1,128}$`)

func (k *checker) checkPatterns(path string, patterns []string) {
	for i, pattern := range patterns {
		k.checkPattern(item(path, i), pattern)
	}
}

func (k *checker) checkPattern(at, pattern string) {
	if !patternForm.MatchString(pattern) {
		k.refuse(at, "%s is no tool name or pattern; want letters, digits, _, - and ., and * for any run of characters, such as crm_*", k.show(at, pattern))
	}
}

// checkURL refuses what is not an absolute http or https URL, and gives nil then.
// Problems do not quote it: people put passwords there.
func (k *checker) checkURL(path, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		k.refuse(path, "want an absolute URL that begins with http:// or https://")
	case u.User != nil:
		k.refuse(path, "want a URL without a user name or password")
	case u.Fragment != "":
		k.refuse(path, "want a URL without a #fragment")
	default:
		return u
	}
	return nil
}

// checkBaseURL is checkURL of one that paths are appended to.
func (k *checker) checkBaseURL(path, text string) *url.URL {
	u := k.checkURL(path, text)
	if u != nil && (u.RawQuery != "" || u.ForceQuery) {
		k.refuse(path, "want a URL without a ?query: paths are appended to it")
		return nil
	}
	return u
}

// unencrypted reports whether a request to u can be read on the way.
func unencrypted(u *url.URL) bool {
	return u.Scheme == "http" && !loopback(net.JoinHostPort(u.Hostname(), "0"))
}

func (k *checker) checkTools() {
	k.checkCRM()
	k.checkPayment()
	k.checkEmail()
	k.checkNotify()
	k.checkShop()
}

func (k *checker) atLeast(path string, n, least int) {
	if n < least {
		k.refuse(path, "%d is out of range; want %d or more", n, least)
	}
}

func (k *checker) checkWorkers() {
	k.within("workers.runs", k.Workers.Runs, 1, 1024)
	k.within("workers.callbacks", k.Workers.Callbacks, 1, 1024)
}

func (k *checker) within(path string, n, least, most int) {
	if n < least || n > most {
		k.refuse(path, "%d is out of range; want %d to %d", n, least, most)
	}
}

func (k *checker) checkLog() {
	k.oneOf("log.level", k.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", k.Log.Format, "text", "json")
}
