package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"drawbridge/config"
	"drawbridge/server/guard"
	"drawbridge/store/state"
)

// meetApprovals brings about the answers of the API of approvals. What is decided about is
// put into the store beside the server, as its guard would.
func meetApprovals(d *apiDocument, front, slow apiCaller, path string) {
	d.t.Helper()
	store, err := openState(d.t.Context(), config.Store{URL: config.Secret("sqlite://" + path)}, state.Beside)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	for id, trigger := range map[string]string{"apr_mine": "key:front", "apr_other": "key:slow", "apr_denied": "key:slow"} {
		_, err := store.Ask(d.t.Context(), guard.Approval{ID: id, Digest: id, Call: id, Principal: "agent:desk", For: trigger, Door: "agent", Run: "run_1", Tool: "payment_create_refund", Effect: "money",
			Arguments: json.RawMessage(`{"amount":1}`), Rule: "refunds", Reason: "money goes out", Policy: "v1", Terms: guard.Terms{By: []string{"key:*"}}, State: guard.ApprovalPending,
			Created: time.Now(), Expires: time.Now().Add(time.Hour)})
		if err != nil {
			d.t.Fatal(err)
		}
	}
	meet := func(c apiCaller, operation, sent, body string, want int, headers ...string) exchanged {
		d.t.Helper()
		method, _, _ := strings.Cut(operation, " ")
		got := c.do(method, sent, body, headers...)
		if d.holds(operation, got); got.status != want {
			d.t.Errorf("%s %s: %d %s, want %d", operation, body, got.status, got.body, want)
		}
		return got
	}
	const list, one, decide = "GET /v1/approvals", "GET /v1/approvals/{id}", "POST /v1/approvals/{id}/decide"
	if all := meet(front, list, "/v1/approvals?state=pending&limit=2", "", http.StatusOK); !strings.Contains(all.body, `"has_more":true`) {
		d.t.Errorf("the list is %s", all.body)
	}
	meet(front, list, "/v1/approvals?limit=none", "", http.StatusBadRequest)
	meet(front, one, "/v1/approvals/apr_other", "", http.StatusOK)
	meet(front, one, "/v1/approvals/apr_none", "", http.StatusNotFound)
	meet(front, decide, "/v1/approvals/apr_mine/decide", `{"decision":"approve"}`, http.StatusForbidden)
	meet(front, decide, "/v1/approvals/apr_none/decide", `{"decision":"approve"}`, http.StatusNotFound)
	meet(front, decide, "/v1/approvals/apr_other/decide", `{"decision":"perhaps"}`, http.StatusBadRequest)
	meet(front, decide, "/v1/approvals/apr_other/decide", `{"decision":"approve"}`, http.StatusUnsupportedMediaType, "Content-Type", "text/plain")
	meet(front, decide, "/v1/approvals/apr_other/decide", `{"note":"`+strings.Repeat("x", 70<<10)+`"}`, http.StatusRequestEntityTooLarge)
	meet(front, decide, "/v1/approvals/apr_other/decide", `{"decision":"approve","note":"fine"}`, http.StatusOK)
	meet(front, decide, "/v1/approvals/apr_other/decide", `{"decision":"deny"}`, http.StatusConflict)
	meet(front, decide, "/v1/approvals/apr_denied/decide", `{"decision":"deny","note":"no"}`, http.StatusOK)
	for operation, sent := range map[string]string{list: "/v1/approvals", one: "/v1/approvals/apr_other", decide: "/v1/approvals/apr_other/decide"} {
		meet(slow, operation, sent, `{"decision":"approve"}`, http.StatusTooManyRequests)
	}
}
