package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server/webhook"
)

func TestING24_AllowedAddressComesOnTopOfTheSignature(t *testing.T) {
	d := open(t, func(s *webhook.Source, _ *webhook.Options) {
		s.AllowIPs = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::7/128")}
	})
	for _, c := range []struct {
		name, from string
		signed     bool
		status     int
	}{
		{"allowed and signed", "203.0.113.9:1", true, 200},
		{"allowed and forged", "203.0.113.9:1", false, 401},
		{"signed, from elsewhere", "198.51.100.9:1", true, 401},
		{"an IPv6 that is allowed", "[2001:db8::7]:1", true, 200},
		{"its neighbour", "[2001:db8::8]:1", true, 401},
		{"v4-mapped", "[::ffff:203.0.113.9]:1", true, 200},
		{"no address", "@", true, 401},
	} {
		r := httptest.NewRequest(http.MethodPost, "/webhooks/src", strings.NewReader(someBody))
		r.RemoteAddr = c.from
		r.Header = signed(t, someBody)
		if !c.signed {
			r.Header = signed(t, "something else")
		}
		w := httptest.NewRecorder()
		d.handler.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: answered %d, want %d", c.name, w.Code, c.status)
		}
		if c.status == 401 && (strings.Contains(w.Body.String(), "address") || !strings.Contains(w.Body.String(), "could not be verified")) {
			t.Errorf("%s: a stranger learns what was looked at: %s", c.name, w.Body)
		}
	}
	if n := len(d.refused()); n != 4 {
		t.Fatalf("%d refusals are on record, want 4", n)
	}
	if got := d.refused()[1]; got.Reason != "address 198.51.100.9 is none of those allowed" || got.Remote != "198.51.100.9" {
		t.Errorf("on record is %+v", got)
	}
}

// unread fails the test when somebody reads it.
func unread(t *testing.T) io.Reader {
	return readFunc(func([]byte) (int, error) {
		t.Error("the body was read")
		return 0, io.EOF
	})
}

func TestING18_ContentTypeIsRefusedOnlyWhereTheSourceListsSome(t *testing.T) {
	d := open(t, func(s *webhook.Source, _ *webhook.Options) { s.ContentTypes = []string{"application/json", "text/xml"} })
	for contentType, status := range map[string]int{
		"application/json": 200, "Application/JSON; charset=utf-8": 200, "text/xml": 200,
		"text/plain": 415, "": 415, "application/json2": 415, ";": 415,
	} {
		header := signed(t, someBody)
		header.Set("Content-Type", contentType)
		if got := d.send(t, http.MethodPost, "/webhooks/src", header, strings.NewReader(someBody)); got.status != status {
			t.Errorf("%q: answered %d, want %d", contentType, got.status, status)
		}
	}
	if n := len(d.refused()); n != 4 {
		t.Errorf("%d refusals are on record, want 4", n)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/webhooks/src", unread(t)))
	if w.Code != 415 {
		t.Errorf("answered %d, want 415", w.Code)
	}
	any := open(t)
	header := signed(t, someBody)
	header.Set("Content-Type", "application/x-odd")
	if got := any.send(t, http.MethodPost, "/webhooks/src", header, strings.NewReader(someBody)); got.status != 200 {
		t.Errorf("a source that lists none answered %d", got.status)
	}
}

func TestING25_RateProtectsTheDiskFromWhatIsGenuine(t *testing.T) {
	now := arrival
	d := open(t, func(s *webhook.Source, o *webhook.Options) {
		s.Rate = 2
		o.Now = func() time.Time { return now }
	})
	for i := range 20 { // ten seconds' worth
		if got := d.post(t, someBody); got.status != 200 {
			t.Fatalf("delivery %d of a burst was answered %d", i, got.status)
		}
	}
	got := d.post(t, someBody)
	if got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Fatalf("beyond the burst: %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	if d.refused()[0].Status != 429 {
		t.Errorf("on record is %+v", d.refused()[0])
	}
	now = now.Add(500 * time.Millisecond)
	for i := range 50 { // forged ones use nothing up
		if got := d.send(t, http.MethodPost, "/webhooks/src", signed(t, "other"), strings.NewReader(someBody)); got.status != 401 {
			t.Fatalf("forged delivery %d was answered %d", i, got.status)
		}
	}
	if got := d.post(t, someBody); got.status != 200 {
		t.Errorf("half a second later: %d, want room for one", got.status)
	}
}

func TestING18_AnswerIsWhatTheSourceSays(t *testing.T) {
	for _, c := range []struct {
		answer            webhook.Answer
		status            int
		contentType, body string
	}{
		{webhook.Answer{}, 200, "application/json", ""},
		{webhook.Answer{Status: 202}, 202, "application/json", ""},
		{webhook.Answer{Status: 204}, 204, "", ""},
		{webhook.Answer{Body: "ok"}, 200, "text/plain; charset=utf-8", "ok"},
		{webhook.Answer{Status: 202, Body: `{"got":true}`}, 202, "application/json", `{"got":true}`},
	} {
		d := open(t, func(s *webhook.Source, _ *webhook.Options) { s.Answer = c.answer })
		for range 2 { // the duplicate hears the same
			r := httptest.NewRequest(http.MethodPost, "/webhooks/src", strings.NewReader(someBody))
			r.Header = signed(t, someBody)
			w := httptest.NewRecorder()
			d.handler.ServeHTTP(w, r)
			if w.Code != c.status || w.Header().Get("Content-Type") != c.contentType || c.body != "" && w.Body.String() != c.body || c.status == 204 && w.Body.Len() > 0 {
				t.Errorf("%+v: answered %d %q %q", c.answer, w.Code, w.Header().Get("Content-Type"), w.Body)
			}
		}
		if len(d.stored()) != 1 {
			t.Errorf("%+v: %d events are stored", c.answer, len(d.stored()))
		}
	}
	for _, bad := range []webhook.Answer{{Status: 500}, {Status: 301}, {Status: 204, Body: "x"}} {
		_, err := webhook.NewHandler([]webhook.Source{{Name: "a", Verifier: senders[0].verifier(t), Answer: bad}}, &memoryInbox{}, webhook.Options{})
		if err == nil {
			t.Errorf("%+v is taken as an answer to a stored delivery", bad)
		}
	}
}

// TestING04_StuckStoreIsAnsweredAfterASecond runs under the clock of synctest, in
// which a second passes when everybody waits.
func TestING04_StuckStoreIsAnsweredAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inbox := &memoryInbox{stuck: true}
		h, err := webhook.NewHandler([]webhook.Source{{Name: "src", Verifier: senders[0].verifier(t)}}, inbox, webhook.Options{Now: func() time.Time { return arrival }})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/webhooks/src", strings.NewReader(someBody))
		r.Header = signed(t, someBody)
		w := httptest.NewRecorder()
		begun := time.Now()
		h.ServeHTTP(w, r)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("the sender waited %v, want 1s", took)
		}
		if w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("answered %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
	})
}

func TestING29_NothingIsAcceptedWithoutRoom(t *testing.T) {
	var full error
	d := open(t, func(_ *webhook.Source, o *webhook.Options) { o.Unable = func() error { return full } })
	full = errors.New("3 % of the disk are free")
	r := httptest.NewRequest(http.MethodPost, "/webhooks/src", unread(t))
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("answered %d, Retry-After %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	if len(d.stored())+len(d.refused()) > 0 {
		t.Error("something was written to the full disk")
	}
	full = nil
	if got := d.post(t, someBody); got.status != 200 {
		t.Errorf("with room again: %d", got.status)
	}
}

func TestING30_DeliveriesAfterTheEndAreRefusedInOrder(t *testing.T) {
	now := arrival
	d := open(t, func(_ *webhook.Source, o *webhook.Options) { o.Now = func() time.Time { return now } })
	d.handler.Close(5 * time.Second)
	d.handler.Close(time.Hour) // the first word counts
	now = now.Add(5*time.Second - 1)
	if got := d.post(t, someBody); got.status != 200 {
		t.Errorf("within the grace: %d", got.status)
	}
	now = now.Add(1)
	got := d.post(t, someBody)
	if got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("after it: %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	r := httptest.NewRequest(http.MethodPost, "/webhooks/src", unread(t))
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	if w.Header().Get("Connection") != "close" {
		t.Errorf("the connection is kept: %v", w.Header())
	}
	d.server.Close()
	if log := d.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("a stop in order is logged as a fault:\n%s", log)
	}
}

// TestING30_DeliveryUnderWayIsAnswered: what came before the end counts as such,
// however long its body takes.
func TestING30_DeliveryUnderWayIsAnswered(t *testing.T) {
	now := arrival
	d := open(t, func(_ *webhook.Source, o *webhook.Options) { o.Now = func() time.Time { return now } })
	rest := strings.NewReader(someBody)
	r := httptest.NewRequest(http.MethodPost, "/webhooks/src", readFunc(func(p []byte) (int, error) {
		d.handler.Close(0)
		now = now.Add(time.Second)
		return rest.Read(p)
	}))
	r.Header = signed(t, someBody)
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	if w.Code != 200 || len(d.stored()) != 1 {
		t.Errorf("answered %d with %d stored", w.Code, len(d.stored()))
	}
}

func TestING31_WebhooksSetNoCookiesAndAllowNoOrigin(t *testing.T) {
	d := open(t)
	header := signed(t, someBody)
	header.Set("Origin", "https://evil.example")
	header.Set("Cookie", "session=1")
	for name, got := range map[string]reply{
		"stored":    d.send(t, http.MethodPost, "/webhooks/src", header, strings.NewReader(someBody)),
		"refused":   d.send(t, http.MethodPost, "/webhooks/src", header, strings.NewReader("other")),
		"unknown":   d.send(t, http.MethodPost, "/webhooks/none", header, strings.NewReader(someBody)),
		"preflight": d.send(t, http.MethodOptions, "/webhooks/src", http.Header{"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"POST"}}, nil),
	} {
		for key := range got.header {
			if key == "Set-Cookie" || strings.HasPrefix(key, "Access-Control-") || key == "Location" {
				t.Errorf("%s: the answer has %s", name, key)
			}
		}
		if name == "preflight" && got.status != 405 {
			t.Errorf("a preflight is answered %d, want 405", got.status)
		}
	}
	for _, e := range d.stored() {
		if e.Headers.Get("Cookie") != "" {
			t.Error("a cookie is kept with the event")
		}
	}
}

// TestING06_SlowSendersHoldNothingForLong: each of many senders that trickle is cut
// off by the deadline of its body, and another is served meanwhile.
func TestING06_SlowSendersHoldNothingForLong(t *testing.T) {
	d := open(t)
	stuck, cut := make(chan struct{}, 50), make(chan struct{})
	answered := make(chan int, 50)
	for range cap(stuck) {
		go func() {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/webhooks/src", readFunc(func([]byte) (int, error) {
				stuck <- struct{}{}
				<-cut
				return 0, os.ErrDeadlineExceeded
			}))
			w := httptest.NewRecorder()
			d.handler.ServeHTTP(w, r)
			answered <- w.Code
		}()
	}
	for range cap(stuck) {
		<-stuck
	}
	if got := d.post(t, someBody); got.status != 200 {
		t.Fatalf("beside slow senders a quick one is answered %d", got.status)
	}
	close(cut)
	for range cap(stuck) {
		if status := <-answered; status != 503 {
			t.Errorf("a slow sender is answered %d, want 503", status)
		}
	}
}
