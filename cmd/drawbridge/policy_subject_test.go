package main

import (
	"testing"

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
