package webhook_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/webhook"
)

func TestING26_RejectionHoldsWhatAPersonNeedsAndNoMore(t *testing.T) {
	d := open(t, func(s *webhook.Source, _ *webhook.Options) { s.MaxBody = 8 << 10 })
	body := strings.Repeat("x", 5<<10)
	header := signed(t, "other")
	header.Set("Authorization", "Bearer not-for-the-record")
	d.send(t, http.MethodPost, "/webhooks/src", header, strings.NewReader(body))
	want := webhook.Rejection{
		Source: "src", At: arrival, Remote: "127.0.0.1", Status: http.StatusUnauthorized,
		Reason: "no signature matches any of 1 secrets",
		HeaderNames: []string{"Accept-Encoding", "Authorization", "Content-Length", "User-Agent",
			"Webhook-Id", "Webhook-Signature", "Webhook-Timestamp"},
		Excerpt: []byte(body[:4<<10]),
	}
	if diff := cmp.Diff([]webhook.Rejection{want}, d.refused()); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

func TestING26_RejectionOfManyLongHeadersIsBounded(t *testing.T) {
	d := open(t)
	header := http.Header{}
	for i := range 200 {
		header.Set(fmt.Sprintf("X-%d-%s", i, strings.Repeat("y", 200)), "v")
	}
	d.send(t, http.MethodPost, "/webhooks/src", header, strings.NewReader(""))
	names := d.refused()[0].HeaderNames
	if len(names) > 64 {
		t.Errorf("%d header names recorded", len(names))
	}
	for _, name := range names {
		if len(name) > 128 {
			t.Fatalf("a header name of %d bytes recorded", len(name))
		}
	}
}

func TestFailingRecordOfARejectionDoesNotChangeTheAnswer(t *testing.T) {
	d := open(t)
	d.rejectErr = errors.New("ring is broken")
	if got := d.send(t, http.MethodPost, "/webhooks/src", signed(t, "other"), strings.NewReader(someBody)); got.status != 401 {
		t.Errorf("answer %+v", got)
	}
	d.server.Close()
	if !strings.Contains(d.log.String(), "ring is broken") {
		t.Error("the failure is not logged")
	}
}

func TestStrangersFillNeitherLogNorRecord(t *testing.T) {
	now := arrival
	d := open(t, func(_ *webhook.Source, o *webhook.Options) { o.Now = func() time.Time { return now } })
	knock := func(times int) {
		for range times {
			r := httptest.NewRequest(http.MethodPost, "/webhooks/nonesuch", nil)
			d.handler.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	knock(500)
	now = now.Add(time.Minute)
	knock(100)
	if lines := strings.Count(d.log.String(), "\n"); lines != 2 {
		t.Errorf("%d lines logged, want one a minute:\n%s", lines, d.log)
	}
	if !strings.Contains(d.log.String(), "count=500") {
		t.Errorf("the second line does not count what the first could not:\n%s", d.log)
	}
	if len(d.refused()) != 0 {
		t.Errorf("%d recorded", len(d.refused()))
	}
}

// TestING26_FloodOfRefusalsIsRecordedInPart: anyone can send wrong signatures, and must
// not be able to keep the disk busy with them.
func TestING26_FloodOfRefusalsIsRecordedInPart(t *testing.T) {
	now := arrival
	d := open(t, func(_ *webhook.Source, o *webhook.Options) { o.Now = func() time.Time { return now } })
	flood := func(n int) {
		for range n {
			if got := d.send(t, http.MethodPost, "/webhooks/src", signed(t, "other"), strings.NewReader("forged")); got.status != http.StatusUnauthorized {
				t.Fatalf("a forged delivery was answered %+v", got)
			}
		}
	}
	flood(250)
	if n := len(d.rejections); n != 200 {
		t.Errorf("%d of 250 at once are on record, want 200", n)
	}
	now = now.Add(time.Second)
	flood(50)
	if n := len(d.rejections); n != 220 {
		t.Errorf("%d are on record a second later, want 220", n)
	}
	if got := d.post(t, "genuine"); got.status != http.StatusOK {
		t.Errorf("a genuine delivery was answered %+v", got)
	}
}
