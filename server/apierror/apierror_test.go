package apierror_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"drawbridge/server/apierror"
)

func TestErrorHasAllFourMembersAlways(t *testing.T) {
	w := httptest.NewRecorder()
	(&apierror.Error{Status: 503, Message: `say "when"`, Type: apierror.Server}).Write(w)
	want := `{"error":{"message":"say \"when\"","type":"server_error","param":null,"code":null}}` + "\n"
	if w.Code != 503 || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if w.Header().Get("Retry-After") != "" || w.Header().Get("X-Should-Retry") != "" {
		t.Errorf("says when to retry: %v", w.Header())
	}
}

func TestErrorSaysWhenAndWhetherToSendAgain(t *testing.T) {
	w := httptest.NewRecorder()
	e := apierror.NotFound("model", "model_not_found", "there is no agent %q", "x")
	e.RetryAfter, e.Once = 1500*time.Millisecond, true
	e.Write(w)
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q, want whole seconds, rounded up", got)
	}
	if w.Code != http.StatusNotFound || w.Header().Get("X-Should-Retry") != "false" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if want := `{"error":{"message":"there is no agent \"x\"","type":"invalid_request_error","param":"model","code":"model_not_found"}}` + "\n"; w.Body.String() != want {
		t.Errorf("got %s", w.Body)
	}
}

func TestWrongMethodIsToldTheRightOnes(t *testing.T) {
	w := httptest.NewRecorder()
	apierror.MethodNotAllowed(w, httptest.NewRequest(http.MethodPut, "/v1/models", nil), "GET")
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
