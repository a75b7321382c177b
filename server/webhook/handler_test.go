package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/webhook"
)

func TestGenuineDeliveryIsStoredAndAnswered(t *testing.T) {
	d := open(t)
	header := signed(t, someBody)
	header.Set("Content-Type", "application/json")
	got := d.send(t, http.MethodPost, "/webhooks/src", header, strings.NewReader(someBody))
	if got.status != http.StatusOK || got.Duplicate || !regexp.MustCompile(`^evt_[0-9a-f]{32}$`).MatchString(got.ID) {
		t.Fatalf("answer %+v", got)
	}
	want := webhook.Event{
		ID: got.ID, Source: "src", Key: "msg_1", ContentType: "application/json",
		Headers: http.Header{
			"Content-Type": {"application/json"}, "User-Agent": {"Go-http-client/1.1"},
			"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"1700000000"},
		},
		Body: []byte(someBody), ReceivedAt: arrival, ProviderAt: arrival, VerifiedBy: "secret 1 of 1",
	}
	if diff := cmp.Diff([]webhook.Event{want}, d.stored()); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestING01_StoredBytesAreTheSignedBytes(t *testing.T) {
	for name, body := range map[string]string{
		"CRLF at the end":    "[{\"email\":\"hello@world.com\"}]\r\n",
		"escaped unicode":    `{"name":"\u00e4\u00f6"}`,
		"duplicate keys":     `{"a":1,"a":2,  "a" : 3}`,
		"byte order mark":    "\xef\xbb\xbf{}",
		"not UTF-8":          "\xff\xfe\x00\x80",
		"form":               "payload=%7B%7D&b=+&a=",
		"empty":              "",
		"as large as can be": strings.Repeat("x", bodyLimit),
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			if got := d.post(t, body); got.status != http.StatusOK {
				t.Fatalf("answer %+v", got)
			}
			if got := string(d.stored()[0].Body); got != body {
				t.Errorf("stored %q, sent %q", got, body)
			}
		})
	}
}

func TestING02_NothingIsPromisedUnlessTheInboxPromised(t *testing.T) {
	d := open(t)
	d.acceptErr = errors.New("disk full at /var/lib/secret-place")
	got := d.post(t, someBody)
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.ID != "" {
		t.Errorf("answer %+v", got)
	}
	if strings.Contains(got.Error, "disk") {
		t.Errorf("the sender is told of our insides: %q", got.Error)
	}
	if len(d.refused()) != 0 {
		t.Error("our own fault is recorded as the sender's")
	}
}

func TestING18_StuckInboxIsOurFault(t *testing.T) {
	d := open(t, func(_ *webhook.Source, o *webhook.Options) { o.AcceptTimeout = time.Nanosecond })
	d.stuck = true
	if got := d.post(t, someBody); got.status != http.StatusServiceUnavailable {
		t.Errorf("answer %+v", got)
	}
}

func TestING18_BrokenVerifierIsOurFault(t *testing.T) {
	d := open(t, func(s *webhook.Source, _ *webhook.Options) { s.Verifier = brokenVerifier{} })
	if got := d.post(t, someBody); got.status != http.StatusServiceUnavailable || len(d.stored()) != 0 {
		t.Errorf("answer %+v", got)
	}
}

// TestHungUpSenderIsStoredAllTheSame calls the handler itself, with a context
// that has ended: over a connection the moment could not be chosen.
func TestHungUpSenderIsStoredAllTheSame(t *testing.T) {
	d := open(t)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/webhooks/src", strings.NewReader(someBody))
	r.Header = signed(t, someBody)
	d.handler.ServeHTTP(httptest.NewRecorder(), r)
	if len(d.stored()) != 1 {
		t.Error("the event is lost")
	}
	r = httptest.NewRequestWithContext(ctx, http.MethodPost, "/webhooks/src", strings.NewReader(someBody))
	d.handler.ServeHTTP(httptest.NewRecorder(), r)
	if len(d.refused()) != 1 {
		t.Error("a forger who hangs up leaves no trace")
	}
}

func TestING05_BodyAboveTheLimitIsRefusedAndNotStored(t *testing.T) {
	body := strings.Repeat("x", bodyLimit+1)
	for name, reader := range map[string]io.Reader{
		"with a length": strings.NewReader(body),
		"chunked":       io.MultiReader(strings.NewReader(body)), // of unknown length to the client
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			got := d.send(t, http.MethodPost, "/webhooks/src", signed(t, body), reader)
			if got.status != http.StatusRequestEntityTooLarge {
				t.Errorf("answer %+v", got)
			}
			// Cut at the limit the body would be stored if it verified: so sign that.
			cut := d.send(t, http.MethodPost, "/webhooks/src", signed(t, body[:bodyLimit]), io.MultiReader(strings.NewReader(body)))
			if cut.status != http.StatusRequestEntityTooLarge || len(d.stored()) != 0 {
				t.Errorf("signed up to the limit: answer %+v, %d stored", cut, len(d.stored()))
			}
		})
	}
}

// TestING05_BodyAnnouncedAsTooLargeIsNotRead: the sender of a large body hears no
// before it has sent it.
func TestING05_BodyAnnouncedAsTooLargeIsNotRead(t *testing.T) {
	d := open(t)
	r := httptest.NewRequest(http.MethodPost, "/webhooks/src", readFunc(func([]byte) (int, error) {
		t.Error("the body was read")
		return 0, io.EOF
	}))
	r.ContentLength = bodyLimit + 1
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d", w.Code)
	}
}

func TestING05_DefaultLimitIsTenMebibytes(t *testing.T) {
	d := open(t, func(s *webhook.Source, _ *webhook.Options) { s.MaxBody = 0 })
	if got := d.post(t, strings.Repeat("x", 10<<20)); got.status != http.StatusOK {
		t.Errorf("at the limit: %+v", got)
	}
	if got := d.post(t, strings.Repeat("x", 10<<20+1)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("above: %+v", got)
	}
}

func TestING09_ConcurrentDuplicatesAreStoredOnceAndGetTheSameAnswer(t *testing.T) {
	d := open(t)
	header := signed(t, someBody)
	replies := make(chan reply, 200)
	var senders sync.WaitGroup
	for range cap(replies) {
		senders.Go(func() {
			r := httptest.NewRequest(http.MethodPost, "/webhooks/src", strings.NewReader(someBody))
			r.Header = header.Clone()
			w := httptest.NewRecorder()
			d.handler.ServeHTTP(w, r)
			got := reply{status: w.Code}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Error(err)
			}
			replies <- got
		})
	}
	senders.Wait()
	close(replies)
	stored := d.stored()
	if len(stored) != 1 {
		t.Fatalf("%d stored", len(stored))
	}
	firsts := 0
	for got := range replies {
		if got.status != http.StatusOK || got.ID != stored[0].ID {
			t.Fatalf("answer %+v, want 200 with %s", got, stored[0].ID)
		}
		if !got.Duplicate {
			firsts++
		}
	}
	if firsts != 1 {
		t.Errorf("%d were told to be the first", firsts)
	}
}

func TestING13_SlowBodyIsJudgedByItsArrival(t *testing.T) {
	var mu sync.Mutex
	now := arrival.Add(290 * time.Second)
	d := open(t, func(_ *webhook.Source, o *webhook.Options) {
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	slow := readFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		now = arrival.Add(310 * time.Second)
		return copy(p, someBody), io.EOF
	})
	r := httptest.NewRequest(http.MethodPost, "/webhooks/src", slow)
	r.Header = signed(t, someBody)
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("answered %d", w.Code)
	}
}

func TestING15_MatchedSecretIsLoggedAndAnEndingOneWarnedOf(t *testing.T) {
	s := senders[0]
	d := open(t, func(source *webhook.Source, _ *webhook.Options) {
		source.Verifier = s.verifier(t,
			webhook.Secret{Value: s.secretOf("the key that comes next.")},
			webhook.Secret{Value: s.secretOf(rawKey), NotAfter: arrival.Add(time.Hour)})
	})
	if got := d.post(t, someBody); got.status != http.StatusOK {
		t.Fatalf("answer %+v", got)
	}
	d.server.Close()
	log := d.log.String()
	if !strings.Contains(log, `verified_by="secret 2 of 2"`) || !strings.Contains(log, "level=WARN") {
		t.Errorf("log:\n%s", log)
	}
	if strings.Contains(log, s.secretOf(rawKey)) {
		t.Error("the log shows a secret")
	}
}

func TestING18_StatusSaysWhoseFaultItIs(t *testing.T) {
	genuine := signed(t, someBody)
	without := func(name string) http.Header {
		h := genuine.Clone()
		h.Del(name)
		return h
	}
	stale := senders[0].sign(t, rawKey, arrival.Add(-301*time.Second), someBody).Header
	for name, c := range map[string]struct {
		method, path string
		header       http.Header
		status       int
		recorded     string // what the record of rejections says; "" means no record
	}{
		"stored":          {"POST", "/webhooks/src", genuine, 200, ""},
		"no id":           {"POST", "/webhooks/src", without("Webhook-Id"), 400, "no Webhook-Id header"},
		"no timestamp":    {"POST", "/webhooks/src", without("Webhook-Timestamp"), 400, "no Webhook-Timestamp header"},
		"no signature":    {"POST", "/webhooks/src", without("Webhook-Signature"), 401, "no Webhook-Signature header"},
		"stale":           {"POST", "/webhooks/src", stale, 401, "timestamp 5m1s old, 5m0s allowed"},
		"other body's":    {"POST", "/webhooks/src", signed(t, "other"), 401, "no signature matches any of 1 secrets"},
		"unknown":         {"POST", "/webhooks/nonesuch", genuine, 404, ""},
		"disabled":        {"POST", "/webhooks/off", genuine, 404, ""},
		"no name":         {"POST", "/webhooks/", genuine, 404, ""},
		"deeper":          {"POST", "/webhooks/src/more", genuine, 404, ""},
		"other case":      {"POST", "/webhooks/SRC", genuine, 404, ""},
		"GET":             {"GET", "/webhooks/src", genuine, 405, ""},
		"PUT":             {"PUT", "/webhooks/src", genuine, 405, ""},
		"GET of unknown":  {"GET", "/webhooks/nonesuch", genuine, 404, ""},
		"GET of disabled": {"GET", "/webhooks/off", genuine, 404, ""},
		"not a webhook":   {"POST", "/other", genuine, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			got := d.send(t, c.method, c.path, c.header, strings.NewReader(someBody))
			if got.status != c.status {
				t.Fatalf("answer %+v, want %d", got, c.status)
			}
			if c.status == 405 && got.header.Get("Allow") != "POST" {
				t.Errorf("Allow: %q", got.header.Get("Allow"))
			}
			if (c.status == 200) != (len(d.stored()) == 1) {
				t.Errorf("%d stored", len(d.stored()))
			}
			reason := ""
			for _, r := range d.refused() {
				reason += r.Reason
			}
			if reason != c.recorded {
				t.Errorf("recorded %q, want %q", reason, c.recorded)
			}
			if c.recorded != "" && strings.Contains(got.Error, c.recorded) {
				t.Errorf("the sender is told which check failed: %q", got.Error)
			}
		})
	}
}

func TestING18_DisabledSourceAnswersLikeAnUnknownOne(t *testing.T) {
	d := open(t)
	header := signed(t, someBody)
	off := d.send(t, "POST", "/webhooks/off", header, strings.NewReader(someBody))
	unknown := d.send(t, "POST", "/webhooks/nonesuch", header, strings.NewReader(someBody))
	off.header.Del("Date")
	unknown.header.Del("Date")
	if diff := cmp.Diff(off, unknown, cmp.AllowUnexported(reply{})); diff != "" {
		t.Errorf("they differ:\n%s", diff)
	}
}

// TestING18_StrangersBodyIsNotRead: reading it would take time from which a
// disabled source could be told, and memory that anyone could claim.
func TestING18_StrangersBodyIsNotRead(t *testing.T) {
	d := open(t)
	for _, path := range []string{"/webhooks/off", "/webhooks/nonesuch"} {
		body := readFunc(func([]byte) (int, error) {
			t.Errorf("%s: the body was read", path)
			return 0, io.EOF
		})
		d.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, body))
	}
}

func TestING19_NoPathIsAnsweredWithARedirect(t *testing.T) {
	for path, status := range map[string]int{
		"/webhooks/src":          200,
		"/webhooks/src/":         200,
		"/webhooks//src":         200,
		"//webhooks/src":         200,
		"///webhooks///src///":   200,
		"/webhooks/./src":        200,
		"/./webhooks/src/.":      200,
		"/webhooks/x/../src":     200,
		"/webhooks/src?a=b":      200,
		"/webhooks/%73rc":        200,
		"/webhooks":              404,
		"//webhooks":             404,
		"/webhooks/":             404,
		"/webhooks/./":           404,
		"/webhooks/src/src":      404,
		"/webhooks/src%00":       404,
		"/webhooks/..%2f../src":  404,
		"/webhooks/nonesuch/./":  404,
		"/webhooks/nonesuch//":   404,
		"/webhooks/%2e%2e%2fsrc": 404,
	} {
		t.Run(path, func(t *testing.T) {
			d := open(t)
			// A raw connection: Go's client tidies some of these paths itself.
			got := d.raw(t, path, signed(t, someBody), someBody)
			if got >= 300 && got < 400 {
				t.Fatalf("redirected with %d", got)
			}
			if got != status {
				t.Errorf("answered %d, want %d", got, status)
			}
		})
	}
}

func TestBrokenOffBodyIsNotStored(t *testing.T) {
	for cause, status := range map[error]int{
		io.ErrUnexpectedEOF:    http.StatusBadRequest,
		os.ErrDeadlineExceeded: http.StatusServiceUnavailable, // slow, and may come again
	} {
		d := open(t)
		// The whole signed body arrives, and then the line breaks: still not stored.
		body := io.MultiReader(strings.NewReader(someBody), readFunc(func([]byte) (int, error) { return 0, cause }))
		r := httptest.NewRequest(http.MethodPost, "/webhooks/src", body)
		r.Header = signed(t, someBody)
		w := httptest.NewRecorder()
		d.handler.ServeHTTP(w, r)
		if w.Code != status || len(d.stored()) != 0 {
			t.Errorf("%v: answered %d, %d stored", cause, w.Code, len(d.stored()))
		}
	}
}

func TestUnfitSourceIsRefused(t *testing.T) {
	good := webhook.Source{Name: "a", Verifier: brokenVerifier{}}
	for name, sources := range map[string][]webhook.Source{
		"no name":        {{Verifier: good.Verifier}},
		"slash in name":  {{Name: "a/b", Verifier: good.Verifier}},
		"dots as name":   {{Name: "..", Verifier: good.Verifier}},
		"capitals":       {{Name: "Stripe", Verifier: good.Verifier}},
		"twice":          {good, good},
		"no verifier":    {{Name: "a"}},
		"negative limit": {{Name: "a", Verifier: good.Verifier, MaxBody: -1}},
		"huge limit":     {{Name: "a", Verifier: good.Verifier, MaxBody: 1 << 62}},
	} {
		if _, err := webhook.NewHandler(sources, &memoryInbox{}, webhook.Options{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := webhook.NewHandler([]webhook.Source{good}, &memoryInbox{}, webhook.Options{}); err != nil {
		t.Errorf("zero options: %v", err)
	}
}
