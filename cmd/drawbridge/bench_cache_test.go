package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/server/cache/redistest"
)

// BenchmarkCachedRead measures a read at the MCP door that is answered from the cache against
// the same read of the same server that is not, of a mounted server at this machine which
// answers at once: in turns, so that what else the machine does falls on both.
func BenchmarkCachedRead(b *testing.B) {
	for _, where := range []string{"memory", "redis"} {
		b.Run(where, func(b *testing.B) {
			far := newFarSide(b)
			kept := config.Cache{TTL: map[string]config.Duration{"far__look": config.Duration(time.Hour)}, MaxBytes: config.MiB, MaxResult: config.MiB}
			if where == "redis" {
				kept.Redis = &config.Redis{URL: "redis://" + redistest.Start(b).Address}
			}
			cached, uncached := lookApp(b, far, kept), lookApp(b, far, config.Cache{})
			body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"far__look","arguments":{"id":"a"}}}`
			const turns, clients = 8, 4
			sendCalls(b, cached, body, 1, 1)
			read := far.looked()
			var with, without spent
			b.ResetTimer()
			for range turns {
				with = with.plus(spending(func() { sendCalls(b, cached, body, b.N/turns+1, clients) }))
				without = without.plus(spending(func() { sendCalls(b, uncached, body, b.N/turns+1, clients) }))
			}
			calls := turns * (b.N/turns + 1)
			b.ReportMetric(float64(calls)/with.wall.Seconds(), "hits/s")
			b.ReportMetric(float64(calls)/without.wall.Seconds(), "uncached/s")
			b.ReportMetric(without.wall.Seconds()/with.wall.Seconds(), "times")
			b.ReportMetric(float64(far.looked()-read-calls), "missed")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// lookApp serves with a far side's tools, and gives its address.
func lookApp(b *testing.B, far *farSide, kept config.Cache) string {
	b.Helper()
	cfg := temporary(b, config.Default())
	cfg.Server.Listen, cfg.Cache = "127.0.0.1:0", kept
	cfg.Tools.MCP = []config.MCPServer{{Name: "far", URL: far.url, Effects: map[string]string{"look": "read"}, StartTimeout: config.Duration(time.Minute), CallTimeout: config.Duration(time.Minute)}}
	a, err := newApp(b.Context(), cfg, appOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Stop(context.Background()) })
	a.mounts.start(b.Context())
	if err := a.mounts.settled(b.Context(), time.Minute, b.Output()); err != nil {
		b.Fatal(err)
	}
	address, _, err := a.Listen(b.Context(), cfg.Server.Listen)
	if err != nil {
		b.Fatal(err)
	}
	a.Work(b.Context())
	return fmt.Sprint(address)
}
