package outbox_test

import (
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

// What is sent to those who decide about approvals is no model's to read.
func TestNoticesAreNotInTheMailbox(t *testing.T) {
	backend, _, _ := open(t)
	service := email.New(backend)
	content := email.Content{Recipients: email.Recipients{To: []string{"ada@example.com"}}, Subject: "Approval needed", Text: "https://bridge.example.com/approvals/apr_1?t=secret"}
	notice, err := service.Send(tools.WithKey(t.Context(), "notice_1"), content)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := service.Send(tools.WithKey(t.Context(), "notice_1"), content); err != nil || again.ID != notice.ID {
		t.Errorf("sent again under its key it is %q (%v), want %q", again.ID, err, notice.ID)
	}
	other, err := service.Send(tools.WithKey(t.Context(), "noticeboard"), content)
	if err != nil {
		t.Fatal(err)
	}
	found, err := service.Search(t.Context(), email.SearchInput{})
	if err != nil || len(found.Messages) != 1 || found.Messages[0].ID != other.ID {
		t.Errorf("found %+v (%v), want the other one alone", found.Messages, err)
	}
	if _, err := backend.GetMessage(t.Context(), notice.ID); tools.CodeOf(err) != tools.NotFound {
		t.Errorf("the notice can be read: %v", err)
	}
}
