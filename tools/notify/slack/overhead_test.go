package slack_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/tools/notify"
	"drawbridge/tools/notify/slack/slackfake"
)

// BenchmarkOverAPlainExchange says what posting a message costs beyond the same HTTP
// exchange by a bare client, at the median: one after the other, in turns, so that what
// else the machine does hits both. The channel is known by then, as it is to whoever posts
// more than once a minute.
func BenchmarkOverAPlainExchange(b *testing.B) {
	w := open(b, nil)
	id := w.fake.Open(slackfake.Channel{Name: "orders", Member: true})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	form := url.Values{"token": {slackfake.Token}, "channel": {id}, "text": {"Order 1042 is late."}, "unfurl_links": {"false"}, "unfurl_media": {"false"}}.Encode()
	bare := func() {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.fake.URL+"chat.postMessage", strings.NewReader(form))
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := client.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	ours := func() {
		if _, err := w.Post(b.Context(), notify.Message{Channel: id, Text: "Order 1042 is late."}); err != nil {
			b.Fatal(err)
		}
	}
	ours()
	bare()
	var driver, plain []time.Duration
	for b.Loop() {
		start := time.Now()
		ours()
		middle := time.Now()
		bare()
		driver, plain = append(driver, middle.Sub(start)), append(plain, time.Since(middle))
	}
	slices.Sort(driver)
	slices.Sort(plain)
	b.ReportMetric(float64(driver[len(driver)/2].Microseconds()), "µs-driver-p50")
	b.ReportMetric(float64(plain[len(plain)/2].Microseconds()), "µs-bare-p50")
	b.ReportMetric(float64((driver[len(driver)/2] - plain[len(plain)/2]).Microseconds()), "µs-more-p50")
}
