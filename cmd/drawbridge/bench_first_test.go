package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/server/webhook"
)

// BenchmarkFirstRequest measures from an accepted event, when its sender has read the
// 2xx, to the first question to the model, at 10 events a second: the event's job, its
// prompt, the run's job, its brief, the question on its way. Both processes read the
// same clock.
func BenchmarkFirstRequest(b *testing.B) {
	onBothStores(b, benchFirstRequest)
}

func benchFirstRequest(b *testing.B, store benchStore) {
	const (
		events = 150
		every  = time.Second / 10
	)
	model := startScripted(b)
	a, address := benchApp(b, func(c *config.Config) {
		c.Store.URL = store.url(b)
		withBenchAgent(c, model, 8)
		c.Webhooks = benchWebhook("a")
		hook := c.Webhooks["stripe"]
		hook.Prompt = benchMark + "{{ .event.id }} succeeded."
		c.Webhooks["stripe"] = hook
	}, true)
	deliver := func(id string) time.Time {
		if err := post(http.DefaultClient, "http://"+address+"/webhooks/stripe", signedEvent(b, id)); err != nil {
			b.Fatal(err)
		}
		return time.Now()
	}
	deliver("evt_warm")
	awaitEmpty(b, a, 1)
	model.firstQuestions(b)
	b.ResetTimer()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	accepted := map[string]time.Time{}
	for i := range events {
		<-ticker.C
		id := fmt.Sprintf("evt_%d", i)
		accepted[id] = deliver(id)
	}
	awaitEmpty(b, a, events)
	b.StopTimer()
	var took []time.Duration
	for id, at := range model.firstQuestions(b) {
		took = append(took, at.Sub(accepted[id]))
	}
	if len(took) != events {
		b.Fatalf("%d of %d events came to the model", len(took), events)
	}
	b.ReportMetric(quantile(took, 0.5), "ms-p50")
	b.ReportMetric(quantile(took, 0.99), "ms-p99")
	b.ReportMetric(quantile(fsyncs(b, 200), 0.5), "ms/fsync")
	b.ReportMetric(0, "ns/op")
}

// signedEvent is a delivery of an event.
func signedEvent(b *testing.B, id string) benchEvent {
	b.Helper()
	body := fmt.Appendf(nil, `{"id":%q,"type":"payment_intent.succeeded","data":{"object":{"id":"pi_demo_1001","customer":"cus_demo_ada"}}}`, id)
	header, err := webhook.Sign("stripe", benchSecret, webhook.Outgoing{At: time.Now(), Body: body}, webhook.SchemeOptions{})
	if err != nil {
		b.Fatal(err)
	}
	header.Set("Content-Type", "application/json")
	return benchEvent{body, header}
}
