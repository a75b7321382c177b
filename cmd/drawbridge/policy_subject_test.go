package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What an event is about is what stands where events name their customer. A text that
// somebody wrote names nobody, whatever it says.
func TestEventNamesItsCustomers(t *testing.T) {
	for body, want := range map[string][]string{
		`{"data":{"object":{"customer":"cus_1","receipt_email":"ada@example.com","description":"for eve@evil.example"}}}`: {"ada@example.com", "cus_1"},
		`{"customer":{"id":"cus_2","name":"Bob","note":"customer: cus_9"}}`:                                               {"cus_2"},
		`[{"email":"a@example.com"},{"Email":"a@example.com"}]`:                                                           {"a@example.com"},
		`{"message":"email=eve@evil.example","id":"cus_3","customer":7}`:                                                  nil,
		`email=ada%40example.com&text=customer`:                                                                           {"ada@example.com"},
		"\x00 no JSON":                                                                                                    nil,
	} {
		if diff := cmp.Diff(want, customersIn([]byte(body))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// A mail is about who it says wrote it, and about nobody else, whatever else it says.
func TestMailIsAboutItsWriterAlone(t *testing.T) {
	came := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	accepted := came.Add(time.Hour)
	for body, want := range map[string][]string{
		`{"type":"mail.received","from":{"name":"Ada","address":"ada@example.com"},"reply_to":[{"name":"","address":"eve@evil.example"}],"to":[{"name":"","address":"bruno@example.org"}],
			"cc":[{"name":"bruno@example.org","address":"chiara@example.com"}],"text":"customer: eve@evil.example","subject":"emi@example.com","received_at":"2026-03-02T09:30:00Z"}`: {"ada@example.com"},
		`{"type":"mail.received","from":{"name":"ada@example.com","address":""},"received_at":"2026-03-02T09:30:00Z"}`:                  nil,
		`{"type":"mail.received","from":{"name":"","address":"cus_demo_ada"},"received_at":"2026-03-02T09:30:00Z"}`:                     nil, // no address: it would be looked up as an id
		`{"type":"mail.received","from":{"name":"","address":"ada@example.com"},"automatic":true,"received_at":"2026-03-02T09:30:00Z"}`: nil,
		`{"type":"note","from":{"name":"","address":"ada@example.com"},"customer":"cus_demo_ada"}`:                                      nil,
		`no JSON`: nil,
	} {
		got := subjectOfMail([]byte(body), accepted)
		if diff := cmp.Diff(want, got.Customers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
		if want != nil && !got.Since.Equal(came.Add(time.Second)) {
			t.Errorf("%s: who became a customer before %v is one; want before it came", body, got.Since)
		}
	}
	// A mail server whose clock is ahead makes nobody a customer of before.
	if got := subjectOfMail([]byte(`{"type":"mail.received","from":{"address":"ada@example.com"},"received_at":"2031-01-01T00:00:00Z"}`), accepted); !got.Since.Equal(accepted) {
		t.Errorf("who became a customer before %v is one; want before it was seen", got.Since)
	}
}
