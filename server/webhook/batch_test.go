package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/webhook"
)

// batchReply is the answer to a delivery of several events.
type batchReply struct {
	ID        string `json:"id"`
	Duplicate bool   `json:"duplicate"`
	Events    []struct {
		ID        string `json:"id"`
		Duplicate bool   `json:"duplicate"`
	} `json:"events"`
}

func (d *door) deliver(t *testing.T, s sender, body string) batchReply {
	t.Helper()
	if s.scheme == webhook.HubSpot {
		s.url = publicURL + "/webhooks/src"
	}
	status, _, text := d.exchange(t, "POST", "/webhooks/src", s.sign(t, rawKey, arrival, body).Header, body)
	var got batchReply
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 {
		t.Fatalf("answered %d %q (%v)", status, text, err)
	}
	return got
}

func hubspotBatch(from, to int) string {
	var parts []string
	for i := from; i < to; i++ {
		parts = append(parts, fmt.Sprintf(`{"eventId":%d,"subscriptionId":7,"portalId":62515,"occurredAt":1699999990000,"attemptNumber":%d}`, i, from))
	}
	return "[" + strings.Join(parts, ",\n ") + "]"
}

func TestING08_BatchWithKnownElementsQueuesTheOthers(t *testing.T) {
	s := senderNamed("hubspot v3")
	d := opened(t, s.verifier(t))
	if got := d.deliver(t, s, hubspotBatch(0, 40)); len(got.Events) != 40 || got.Duplicate || got.ID != got.Events[0].ID {
		t.Fatalf("%+v", got)
	}
	got := d.deliver(t, s, hubspotBatch(0, 100))
	known := 0
	for i, e := range got.Events {
		if e.Duplicate {
			known++
		}
		if e.ID != d.stored()[i].ID {
			t.Errorf("element %d has id %s, stored is %s", i, e.ID, d.stored()[i].ID)
		}
	}
	if len(got.Events) != 100 || known != 40 || got.Duplicate || len(d.stored()) != 100 {
		t.Errorf("%d elements, %d known, duplicate %v, %d stored", len(got.Events), known, got.Duplicate, len(d.stored()))
	}
	if again := d.deliver(t, s, hubspotBatch(0, 100)); !again.Duplicate || len(d.stored()) != 100 {
		t.Errorf("sent again: duplicate %v, %d stored", again.Duplicate, len(d.stored()))
	}
	e := d.stored()[0]
	if e.Key != "0:7:62515" || e.Weak || !e.ProviderAt.Equal(arrival.Add(-10e9)) || !json.Valid(e.Body) {
		t.Errorf("stored %+v", e)
	}
}

func TestING08_WhatWasSignedIsKeptWhole(t *testing.T) {
	s := senderNamed("sendgrid")
	d := opened(t, s.verifier(t))
	const first, second = `{"sg_event_id":"a", "n":1.0,"u":"\u00e4"}`, `{ "sg_event_id" :"b"}`
	body := "[ " + first + " ,\n" + second + "]\r\n"
	d.deliver(t, s, body)
	var got []string
	for _, e := range d.stored() {
		got = append(got, string(e.Body))
	}
	if diff := cmp.Diff([]string{first, second}, got); diff != "" {
		t.Errorf("elements (-want +got):\n%s", diff)
	}
	if len(d.memoryInbox.raw) != 1 || string(d.memoryInbox.raw[0]) != body {
		t.Errorf("kept %q, sent %q", d.memoryInbox.raw, body)
	}
	one := "[" + `{"sg_event_id":"c"}` + "]\r\n"
	if got := d.deliver(t, s, one); got.Events != nil || string(d.memoryInbox.raw[1]) != one {
		t.Errorf("an array of one: %+v, kept %q", got, d.memoryInbox.raw[1])
	}
}

func TestING08_ElementWithoutKeyHasThatOfItsContent(t *testing.T) {
	s := senderNamed("sendgrid")
	d := opened(t, s.verifier(t))
	long := `{"sg_event_id":"` + strings.Repeat("x", 256) + `"}`
	body := `[{"event":"open"},{"sg_event_id":"a"},7,{"event":"open"},` + long + `]`
	got := d.deliver(t, s, body)
	keys := map[string]bool{}
	for _, e := range d.stored() {
		keys[e.Key] = true
		if weak := e.Key != "a"; e.Weak != weak {
			t.Errorf("%s: weak %v", e.Body, e.Weak)
		}
	}
	if len(got.Events) != 5 || len(keys) != 5 {
		t.Errorf("%d events with %d keys: two that are alike are two", len(got.Events), len(keys))
	}
	if again := d.deliver(t, s, body); !again.Duplicate {
		t.Error("the same body has other keys the second time")
	}
}

func TestING08_BodyThatCannotBeTakenApartIsOneEvent(t *testing.T) {
	for _, scheme := range []string{"hubspot v3", "sendgrid"} {
		s := senderNamed(scheme)
		for _, body := range []string{
			`[{"eventId":1},`, `[{"eventId":1}] trailing`, `[]`, `{}`, `null`, `"text"`, ``, `[1,2`, "[1]\x00",
			"[" + strings.TrimSuffix(strings.Repeat("1,", 5001), ",") + "]",
		} {
			d := opened(t, s.verifier(t))
			d.deliver(t, s, body)
			if events := d.stored(); len(events) != 1 || string(events[0].Body) != body || d.memoryInbox.raw != nil {
				t.Errorf("%s %.20q: %d events, %d raw", scheme, body, len(events), len(d.memoryInbox.raw))
			}
		}
	}
}

// soap is an outbound message with these notifications.
func soap(organization string, ids ...string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
<OrganizationId>` + organization + `</OrganizationId><SessionId xsi:nil="true"/>`)
	for _, id := range ids {
		b.WriteString("\n " + notification(id))
	}
	b.WriteString("\n</notifications></soapenv:Body></soapenv:Envelope>")
	return b.String()
}

func notification(id string) string {
	return `<Notification><Id>` + id + `</Id><sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">` +
		`<sf:Id>00Q1</sf:Id><sf:Name>A &amp; B</sf:Name><sf:LastModifiedDate>2023-11-14T22:13:10.000Z</sf:LastModifiedDate></sObject></Notification>`
}

const acknowledged = `<Ack>true</Ack>`

func (d *door) soap(t *testing.T, token, body string) (int, string) {
	t.Helper()
	status, header, got := d.exchange(t, "POST", "/webhooks/src/"+token, http.Header{"Content-Type": {"text/xml; charset=UTF-8"}}, body)
	if status == 200 && !strings.HasPrefix(header.Get("Content-Type"), "text/xml") {
		t.Errorf("Content-Type %q", header.Get("Content-Type"))
	}
	return status, got
}

func TestING08_SalesforceNotificationsAreEventsAndAcknowledged(t *testing.T) {
	d := opened(t, senderNamed("salesforce").verifier(t))
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = fmt.Sprintf("04l%015d", i)
	}
	body := soap("00D000000000001AAA", ids...)
	for range 2 {
		status, got := d.soap(t, hex24(rawKey), body)
		if status != 200 || !strings.Contains(got, acknowledged) {
			t.Fatalf("answered %d %q", status, got)
		}
	}
	events := d.stored()
	if len(events) != 100 || string(d.memoryInbox.raw[0]) != body {
		t.Fatalf("%d events, %d raw", len(events), len(d.memoryInbox.raw))
	}
	if e := events[7]; e.Key != ids[7] || e.Weak || string(e.Body) != notification(ids[7]) || !e.ProviderAt.Equal(arrival.Add(-10e9)) {
		t.Errorf("stored %+v: %s", e, e.Body)
	}
}

// TestING31_SalesforceNeedsItsToken: the token is the only proof there is.
func TestING31_SalesforceNeedsItsToken(t *testing.T) {
	s := senderNamed("salesforce")
	s.options.Organization = "00D000000000001AAA"
	body := soap("00D000000000001", "04l1")
	for path, want := range map[string]int{
		hex24(rawKey): 200, hex24(rawKey) + "/": 200, "": 401, "wrong": 401, hex24(rawKey)[:40]: 401, hex24(rawKey) + "x": 401, hex24(rawKey) + "/x": 401,
	} {
		d := opened(t, s.verifier(t))
		if status, got := d.soap(t, path, body); status != want || strings.Contains(got, acknowledged) != (want == 200) {
			t.Errorf("%q: answered %d %q", path, status, got)
		}
		if len(d.stored()) != map[int]int{200: 1, 401: 0}[want] {
			t.Errorf("%q: %d stored", path, len(d.stored()))
		}
	}
	for name, body := range map[string]string{
		"another organization": soap("00D000000000002AAA", "04l1"),
		"none":                 soap("", "04l1"),
		"no message":           "<a/>",
		"not XML":              "<a",
		"elsewhere":            "<OrganizationId>00D000000000001</OrganizationId>",
	} {
		d := opened(t, s.verifier(t))
		if status, _ := d.soap(t, hex24(rawKey), body); status != 401 || len(d.stored()) != 0 {
			t.Errorf("%s: answered %d", name, status)
		}
	}
	for _, weak := range []string{strings.Repeat("a", 21), "with/slash/0123456789abcdef", "with space 0123456789abcdef", "100%0123456789abcdef0123", strings.Repeat(".", 22)} {
		if _, err := webhook.NewVerifier(webhook.Salesforce, []webhook.Secret{{Value: weak}}, webhook.SchemeOptions{}); err == nil {
			t.Errorf("%q is accepted", weak)
		}
	}
}

func TestSalesforceMessageThatCannotBeReadIsOneEvent(t *testing.T) {
	for name, body := range map[string]string{
		"cut":            soap("00D000000000001AAA", "04l1", "04l2")[:500],
		"no message":     "<a/>",
		"not XML":        "Hello",
		"empty":          "",
		"document type":  `<!DOCTYPE a [<!ENTITY x "y">]>` + soap("00D000000000001AAA", "04l1"),
		"entity":         strings.Replace(soap("00D000000000001AAA", "04l1"), "A &amp; B", "&x;", 1),
		"deep":           strings.Replace(soap("00D000000000001AAA", "04l1"), "A &amp; B", strings.Repeat("<a>", 40)+strings.Repeat("</a>", 40), 1),
		"too many":       soap("00D000000000001AAA", make([]string, 5001)...),
		"other encoding": strings.Replace(soap("00D000000000001AAA", "04l1"), "UTF-8", "UTF-16", 1),
	} {
		d := opened(t, senderNamed("salesforce").verifier(t))
		status, got := d.soap(t, hex24(rawKey), body)
		if events := d.stored(); status != 200 || !strings.Contains(got, acknowledged) || len(events) != 1 || string(events[0].Body) != body || !events[0].Weak {
			t.Errorf("%s: answered %d, stored %d", name, status, len(events))
		}
	}
}

// TestOnlySalesforceHasPathsBelowIt: elsewhere a deeper path is nobody's.
func TestOnlySalesforceHasPathsBelowIt(t *testing.T) {
	for _, s := range senders {
		if s.tokenOf != nil {
			continue
		}
		d := opened(t, s.verifier(t))
		if status, _, _ := d.exchange(t, "POST", "/webhooks/src/"+hex24(rawKey), nil, "{}"); status != 404 {
			t.Errorf("%s: answered %d", s.name, status)
		}
	}
}
