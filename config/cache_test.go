package config

import (
	"strings"
	"testing"
)

func TestCacheThatIsNotSharedOrNotEncryptedIsWarnedOf(t *testing.T) {
	const postgres, ttl = "store: {url: \"postgres://drawbridge@db.example.com/drawbridge\"}\n", "ttl: {\"crm_get_*\": 30s}"
	for text, says := range map[string]string{
		postgres + "cache: {" + ttl + "}":                                               "cache: each node keeps answers of its own",
		postgres + "cache: {" + ttl + ", redis: {url: \"rediss://cache.example.com\"}}": "",
		postgres:               "",
		"cache: {" + ttl + "}": "",
		"cache: {" + ttl + ", redis: {url: \"redis://cache.example.com\", password: \"${REDIS_PASSWORD}\"}}": "cache.redis.url: the password would be sent unencrypted",
		"cache: {" + ttl + ", redis: {url: \"redis://127.0.0.1:6379\", password: \"${REDIS_PASSWORD}\"}}":    "",
		"cache: {" + ttl + ", redis: {url: \"redis://cache.example.com\"}}":                                  "",
	} {
		c, err := Parse("f.yaml", []byte(text), lookupIn(map[string]string{"REDIS_PASSWORD": "hunter2"}))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		said := ""
		if warnings := c.Warnings(); len(warnings) > 0 {
			said = warnings.Error()
		}
		if !strings.Contains(said, says) || says == "" && said != "" || strings.Contains(said, "hunter2") {
			t.Errorf("%s: warned of %q, want %q", text, said, says)
		}
	}
}

func TestPlaceOfARedis(t *testing.T) {
	for url, want := range map[string]struct {
		address   string
		encrypted bool
		database  int
	}{
		"redis://cache.example.com":         {"cache.example.com:6379", false, 0},
		"rediss://cache.example.com:7000/3": {"cache.example.com:7000", true, 3},
		"redis://[::1]:7000/":               {"[::1]:7000", false, 0},
	} {
		if address, encrypted, database := (Redis{URL: url}).Place(); address != want.address || encrypted != want.encrypted || database != want.database {
			t.Errorf("%s is %s, %t, %d", url, address, encrypted, database)
		}
	}
}

func TestExplainSaysWhatIsKeptAndWhere(t *testing.T) {
	c, err := Parse("f.yaml", []byte("cache: {ttl: {\"crm_get_*\": 30s, crm_get_order: 0s, \"far__*\": 5m}, redis: {url: \"rediss://cache.example.com\", password: \"${REDIS_PASSWORD}\"}}"), lookupIn(map[string]string{"REDIS_PASSWORD": "hunter2"}))
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	c.Explain(&said)
	if text := said.String(); !strings.Contains(text, "crm_get_* for 30s, crm_get_order not at all, far__* for 5m. They are kept in the Redis at cache.example.com:6379, by TLS.") || strings.Contains(text, "hunter2") {
		t.Errorf("it says %s", text)
	}
	said.Reset()
	Default().Explain(&said)
	if strings.Contains(said.String(), "kept in") {
		t.Errorf("without the setting it says %s", said.String())
	}
}
