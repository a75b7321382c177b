//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/server/cache/redistest"
	"drawbridge/store/postgres/postgrestest"
)

// cacheState is what /readyz says of the cache; the server is ready all the while.
func cacheState(t *testing.T, server *program) string {
	t.Helper()
	response, err := http.Get(server.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("/readyz answers %d %s (%v)", response.StatusCode, body, err)
	}
	_, rest, _ := strings.Cut(string(body), `"cache":{"state":"`)
	state, _, _ := strings.Cut(rest, `"`)
	return state
}

// sharing are two nodes over one PostgreSQL and one Redis, and a far side.
type sharing struct {
	t     *testing.T
	world *cacheWorld
	redis *redistest.Server
	nodes []*program
}

func newSharing(t *testing.T) *sharing {
	t.Helper()
	s := &sharing{t: t, redis: redistest.Start(t, "--requirepass", "redis-password-0123")}
	s.world = newCacheWorld(t, fmt.Sprintf("cache: {ttl: {far__look: 1h}, redis: {url: \"redis://%s/0\", password: redis-password-0123}}\n", s.redis.Address))
	onStore(t, s.world.file, postgrestest.Database(t))
	for range 2 {
		node := serve(t, s.world.file)
		awaitMount(t, node, "far")
		s.nodes = append(s.nodes, node)
	}
	return s
}

// look reads at a node, and wants what is so now, kept or not.
func (s *sharing) look(node, want int) (cached bool) {
	s.t.Helper()
	got, cached := callTool(s.t, s.nodes[node], deskKey, "far__look", "a")
	if got != want {
		s.t.Errorf("node %d gives %d (kept: %t), want %d", node, got, cached, want)
	}
	return cached
}

// put writes at a node. If the Redis was too slow for it to say so there, on a machine that is
// busy, the node owes that: others see the write once it is paid.
func (s *sharing) put(node int) {
	s.t.Helper()
	callTool(s.t, s.nodes[node], otherKey, "far__put", "a")
	eventually(s.t, "what is owed to be paid", 2*time.Minute, func() bool { return cacheState(s.t, s.nodes[node]) == "ok" })
}

// kept waits until a node answers from the cache. On a busy machine the Redis may be too slow
// for a while, and what is asked for is made.
func (s *sharing) kept(node, want int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("node %d to answer from the cache", node), 2*time.Minute, func() bool { return s.look(node, want) })
}

func TestNodesShareARedisAndSeeEachOthersWritesAtOnce(t *testing.T) {
	s := newSharing(t)
	s.kept(0, 0)
	s.kept(1, 0)
	for i := 1; i <= 10; i++ {
		s.put(i % 2)
		s.look(1-i%2, i)
		s.look(i%2, i)
		s.look(1-i%2, i)
	}
	s.kept(0, 10)
	s.kept(1, 10)
	for _, node := range s.nodes {
		node.stop(t)
	}
}

func TestCallsGoOnWithoutTheRedisAndNothingOldIsFoundBehindIt(t *testing.T) {
	s := newSharing(t)
	s.kept(0, 0)
	s.kept(1, 0)
	s.redis.Save(t)
	s.redis.Kill(t)
	for i := 1; i <= 4; i++ {
		callTool(t, s.nodes[i%2], deskKey, "far__put", "a")
		for node := range s.nodes {
			if s.look(node, i) {
				t.Errorf("node %d answers from a cache that is not there", node)
			}
		}
	}
	for i, node := range s.nodes {
		if state := cacheState(t, node); state != "away" {
			t.Errorf("of node %d /readyz says %q", i, state)
		}
	}
	s.redis.Restart(t) // with the answers of before, and their mark
	for node := range s.nodes {
		s.kept(node, 4)
	}
	s.put(0)
	s.kept(1, 5)
	eventually(t, "/readyz to say that all is well", time.Minute, func() bool { return cacheState(t, s.nodes[0]) == "ok" && cacheState(t, s.nodes[1]) == "ok" })
	for _, node := range s.nodes {
		node.stop(t)
	}
}

func TestRedisIsReachedByTLSWithTheAuthorityOfTheSettings(t *testing.T) {
	redis, certificate := redistest.Start(t), redistest.NewCertificate(t)
	link := redistest.NewTLSLink(t, redis, certificate)
	for _, test := range []struct{ ca, state string }{{", ca: " + certificate.File, "ok"}, {"", "away"}} {
		w := newCacheWorld(t, fmt.Sprintf("cache: {ttl: {far__look: 1h}, redis: {url: \"rediss://%s\"%s}}\n", link.Address, test.ca))
		server := serve(t, w.file)
		awaitMount(t, server, "far")
		if test.state == "ok" {
			eventually(t, "an answer from the cache", 2*time.Minute, func() bool {
				_, cached := callTool(t, server, deskKey, "far__look", "a")
				return cached
			})
		} else {
			if state := cacheState(t, server); state != test.state {
				t.Errorf("/readyz says %q before anything was read, want %s", state, test.state)
			}
			for range 2 {
				if _, cached := callTool(t, server, deskKey, "far__look", "a"); cached {
					t.Error("a Redis is believed that shows a certificate of nobody's")
				}
			}
			if state := cacheState(t, server); state != test.state {
				t.Errorf("/readyz says %q, want %s", state, test.state)
			}
		}
		server.stop(t)
	}
}

// TestRotatedCredentialsOfABackendDropWhatIsKept: what the old ones were shown is not given
// to those who ask with the new ones.
func TestRotatedCredentialsOfABackendDropWhatIsKept(t *testing.T) {
	far := newFarSide(t)
	r := &rotation{t: t, folder: t.TempDir(), logged: make(chan string, 100)}
	r.put("token", "first-token-0123456789")
	mounted := strings.Replace(far.settings(), "      effects:", fmt.Sprintf("      headers: {X-Token: \"${file:%s/token}\"}\n      effects:", r.folder), 1)
	file := filepath.Join(r.folder, "drawbridge.yaml")
	text := fmt.Sprintf("store: {url: \"sqlite://%s/drawbridge.db\"}\n", r.folder) + cacheSettings + mounted + "cache: {ttl: {far__look: 1h}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.program = serveHeard(t, file, func(line string) {
		if strings.Contains(line, " anew") {
			r.logged <- line
		}
	})
	awaitMount(t, r.program, "far")
	look := func(want bool) {
		t.Helper()
		if _, cached := callTool(t, r.program, deskKey, "far__look", "a"); cached != want {
			t.Errorf("a look is answered from the cache: %t, want %t", cached, want)
		}
	}
	look(false)
	look(true)
	r.reload() // with nothing changed
	look(true)
	r.put("token", "second-token-0123456789")
	r.reload()
	look(false)
	look(true)
	r.program.stop(t)
}
