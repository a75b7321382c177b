package slack_test

import (
	"net/http"
	"net/url"
	"testing"

	"drawbridge/tools/backendtest"
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
	form := url.Values{"token": {slackfake.Token}, "channel": {id}, "text": {"Order 1042 is late."}, "unfurl_links": {"false"}, "unfurl_media": {"false"}}.Encode()
	ours := func() error {
		_, err := w.Post(b.Context(), notify.Message{Channel: id, Text: "Order 1042 is late."})
		return err
	}
	bare := backendtest.Bare(b, backendtest.Exchange{Method: http.MethodPost, URL: w.fake.URL + "chat.postMessage", Body: form,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}})
	backendtest.Overhead(b, ours, bare)
}
