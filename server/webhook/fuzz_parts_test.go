package webhook

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzElements: what an array is taken apart into are pieces of it, in their order,
// and as many as there are.
func FuzzElements(f *testing.F) {
	f.Add([]byte(`[{"sg_event_id":"a"}, {"b":[1,"]"]} ,7]` + "\r\n"))
	f.Add([]byte(`[[],{},"\u00e4",null]`))
	f.Add([]byte(`[1,2`))
	f.Fuzz(func(t *testing.T, body []byte) {
		parts := elements(body)
		rest := body
		for _, part := range parts {
			_, after, found := bytes.Cut(rest, part)
			if !found || !json.Valid(part) {
				t.Fatalf("%q is no element of %q", part, rest)
			}
			rest = after
		}
		var want []json.RawMessage
		if err := json.Unmarshal(body, &want); err == nil && len(want) <= maxParts && len(want) != len(parts) {
			t.Errorf("%d elements of %d", len(parts), len(want))
		} else if err != nil && parts != nil {
			t.Errorf("what is no array is taken apart: %v", err)
		}
	})
}

// FuzzNotifications: the same of a message in XML.
func FuzzNotifications(f *testing.F) {
	f.Add([]byte(`<e:Envelope xmlns:e="x"><e:Body><notifications><OrganizationId>00D000000000001</OrganizationId><Notification><Id>1</Id>` +
		`<sObject><f:LastModifiedDate>2023-11-14T22:13:10Z</f:LastModifiedDate></sObject></Notification><Notification/></notifications></e:Body></e:Envelope>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY a "b">]><a>&a;</a>`))
	f.Add([]byte(strings.Repeat("<a>", 40)))
	f.Fuzz(func(t *testing.T, body []byte) {
		rest := body
		for _, part := range notifications(body) {
			_, after, found := bytes.Cut(rest, part)
			if !found || !bytes.HasPrefix(part, []byte("<")) || !bytes.HasSuffix(part, []byte(">")) {
				t.Fatalf("%q is no element of %q", part, rest)
			}
			rest = after
			notificationID(part)
		}
		_ = ofOrganization(body, "00D000000000001")
	})
}

// FuzzInside: whatever a verified body is, looking for its key ends without a panic,
// and gives a time that can be stored.
func FuzzInside(f *testing.F) {
	f.Add([]byte(`{"id":"evt_1","created":1699999990,"entry":[{"id":"9","time":1,"messaging":[{"message":{"mid":"m"}}]}]}`))
	f.Add([]byte(`{"for_user_id":"1","tweet_create_events":[{"id":5,"timestamp_ms":"1699999990000"}]}`))
	f.Add([]byte(`{"eventId":1e999,"occurredAt":-0,"timestamp":"9999-12-31T23:59:59Z","type":"url_verification"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, s := range []scheme{standardScheme, openAIScheme, stripeScheme, slackScheme, hubspotScheme, sendgridScheme, xScheme, metaScheme("")} {
			if _, at := s.inside(body); !at.IsZero() && (at.Year() < 0 || at.Year() > 10_000) {
				t.Errorf("%s: %v", s.name, at)
			}
			if s.challenge != nil {
				s.challenge(body)
			}
		}
	})
}

// FuzzGreet: no question is answered to who does not know the token, and nothing is
// signed that could be delivered.
func FuzzGreet(f *testing.F) {
	f.Add("hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1&crc_token=abc")
	f.Add("crc_token=%7B%22tweet_create_events%22%3A%5B%5D%7D")
	f.Add("hub.verify_token=%00")
	x, err := newEngine(xScheme, []Secret{{Value: "0123456789abcdefghijklmn"}}, defaultTolerance)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if reply, err := metaGreet("the token that nobody can guess", values); err == nil {
			t.Errorf("answered %q", reply.Body)
		}
		token := values.Get("crc_token")
		if _, err := xGreet(x, values, time.Unix(0, 0)); err == nil && xIsObject(Delivery{Body: []byte(token)}) == nil {
			t.Errorf("signed %q, which could be a delivery", token)
		}
	})
}

// FuzzAddress: the spellings of an address always have it among them.
func FuzzAddress(f *testing.F) {
	f.Add("https://a.example.com:443/x?u=https%3A%2F%2Fb", []byte("a=1&b=%zz"))
	f.Add("http://[::1]:80", []byte("bodySHA256=00"))
	f.Add("://", []byte(""))
	f.Fuzz(func(t *testing.T, address string, body []byte) {
		for _, s := range []scheme{hubspotScheme, twilioScheme} {
			spellings := s.forms[0].spellingsOf(address)
			found := false
			for _, one := range spellings {
				found = found || one == address
			}
			if !found || len(spellings) > 2 {
				t.Errorf("%s: %q of %q", s.name, spellings, address)
			}
		}
		for _, kind := range []string{formType, "application/json", ""} {
			_, _ = signedForm(Delivery{URL: address, Header: http.Header{"Content-Type": {kind}}, Body: body})
		}
	})
}

// FuzzSigned: a template of signed bytes is taken apart without loss, and never
// without the body.
func FuzzSigned(f *testing.F) {
	f.Add("v0:{timestamp}:{body}")
	f.Add("{id}.{url}{method}{body}}{")
	f.Add("{secret}{body}")
	f.Fuzz(func(t *testing.T, template string) {
		parts, err := signedBy(template, spelling{signature: "S", timestamp: "T", id: "I"})
		if err != nil {
			return
		}
		if template != "" && strings.Join(parts, "") != template {
			t.Errorf("%q became %q", template, parts)
		}
		c := content{id: "i", timestamp: "t", method: "m", url: "u", body: []byte("b")}
		want := strings.NewReplacer("{id}", "i", "{timestamp}", "t", "{method}", "m", "{url}", "u", "{body}", "b").Replace(strings.Join(parts, ""))
		if got := string(joined(form{signed: parts}.fill(c))); got != want {
			t.Errorf("%q is filled as %q, want %q", template, got, want)
		}
	})
}

// FuzzSecrets: no text makes reading it as a secret panic.
func FuzzSecrets(f *testing.F) {
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	f.Add("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")
	f.Add("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==")
	f.Add("-----BEGIN EC PRIVATE KEY-----\n\n-----END EC PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, secret string) {
		for _, name := range Schemes() {
			o := SchemeOptions{SignatureHeader: "X-Sig", VerifyToken: "v"}
			if v, err := NewVerifier(name, []Secret{{Value: secret}}, o); err == nil && v == nil {
				t.Errorf("%s: neither verifier nor error", name)
			}
			_, _ = Sign(name, secret, Outgoing{ID: "1", URL: "https://a/b", ContentType: formType, Body: []byte("a=b")}, o)
		}
	})
}

// FuzzMembers: members are found as encoding/json finds them.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(` {"a":1,"id" : "x\\"y" , "\u0061t":[{"at":2},"]"],"created":{"id":"}"},"id":2} tail`))
	f.Add([]byte(`{"id":"evt_1`))
	f.Add([]byte(`{"a\\":1,"at":-0.5e3}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := members(body, "id", "at")
		if !json.Valid(body) {
			return // it has not panicked
		}
		want := map[string]json.RawMessage{}
		decoder := json.NewDecoder(bytes.NewReader(body))
		if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
			if len(got) > 0 {
				t.Errorf("found %q in what is no object", got)
			}
			return
		}
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				t.Fatal(err)
			}
			var value json.RawMessage
			if err := decoder.Decode(&value); err != nil {
				t.Fatal(err)
			}
			if _, known := want[name.(string)]; !known && (name == "id" || name == "at") {
				want[name.(string)] = value
			}
		}
		for _, name := range []string{"id", "at"} {
			if string(got[name]) != string(want[name]) {
				t.Errorf("%s is %q, want %q, in %q", name, got[name], want[name], body)
			}
		}
	})
}
