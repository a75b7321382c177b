package stripe_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/payment/stripe"
	"drawbridge/tools/payment/stripe/stripefake"
)

// mockKey is one that the mock takes.
const mockKey = "sk_test_123"

// stripeMock builds and starts the vendor's mock server, which holds each request against
// Stripe's published description of its API, and gives its address. It is pinned in
// testdata/stripe-mock. Where it cannot be had the test is skipped, except in CI.
func stripeMock(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "stripe-mock")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "testdata/stripe-mock", "-o", program, "github.com/stripe/stripe-mock").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("building stripe-mock: %v\n%s", err, out)
		}
		t.Skipf("stripe-mock cannot be built here: %v\n%s", err, out)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait() // which says that it was killed
	})
	var said []string
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		said = append(said, lines.Text())
		if address, found := strings.CutPrefix(lines.Text(), "Listening for HTTP at address: "); found {
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return "http://" + address
		}
	}
	t.Fatalf("stripe-mock did not start:\n%s", strings.Join(said, "\n"))
	return ""
}

var (
	ids     = regexp.MustCompile(`/[a-z]+_[^/]+`)
	indices = regexp.MustCompile(`\[\d+\]`)
)

// shape is what makes a request one of its own: where it goes, and what it names.
func shape(r stripefake.Request) string {
	names := []string{}
	for name := range r.Form {
		names = append(names, indices.ReplaceAllString(name, "[]"))
	}
	slices.Sort(names)
	return r.Method + " " + ids.ReplaceAllStringFunc(r.Path, func(id string) string {
		if strings.HasPrefix(id, "/payment_") { // a collection
			return id
		}
		return "/ID"
	}) + "?" + strings.Join(slices.Compact(names), "&")
}

// judge sends each kind of request that fakes were sent to Stripe's mock, which must take it.
func judge(t *testing.T, fakes []*stripefake.Server) {
	base, judged := stripeMock(t), map[string]bool{}
	for _, fake := range fakes {
		for _, r := range fake.Requests() {
			if kind := shape(r); judged[kind] || r.Status != http.StatusOK {
				continue // what the account refused may well be wrong
			} else {
				judged[kind] = true
			}
			status, body := replay(t, base, r)
			if status != http.StatusOK {
				t.Errorf("%s %s %v: stripe-mock answers %d: %s", r.Method, r.Path, r.Form, status, body)
			}
		}
	}
	t.Logf("%d kinds of requests were judged", len(judged))
	for _, want := range []string{"GET /v1/balance?", "POST /v1/invoices/ID/finalize?auto_advance", "DELETE /v1/subscriptions/ID?expand[]", "POST /v1/payment_intents/ID/capture?expand[]"} {
		if !slices.ContainsFunc(slices.Collect(keysOf(judged)), func(kind string) bool { return strings.HasPrefix(kind, want) }) {
			t.Errorf("no request %s was among them", want)
		}
	}
}

func keysOf(m map[string]bool) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func replay(t *testing.T, base string, r stripefake.Request) (int, string) {
	t.Helper()
	target, body := base+r.Path, io.Reader(nil)
	if r.Method == http.MethodPost {
		body = strings.NewReader(r.Form.Encode())
	} else if len(r.Form) > 0 {
		target += "?" + url.Values(r.Form).Encode()
	}
	request, err := http.NewRequestWithContext(t.Context(), r.Method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Accept-Encoding")
	request.Header.Del("Content-Length")
	request.Header.Set("Authorization", "Bearer "+mockKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text[:min(len(text), 500)])
}

// What the mock answers has the shape of Stripe's own objects: the driver reads it, and
// what it writes is taken, or refused by how the mock's samples stand.
func TestAnswersOfStripesMockAreUnderstood(t *testing.T) {
	a := account{}
	a.Backend = openWith(t, stripefake.New(t, nil), func(s *stripe.Settings) { s.Key, s.URL = mockKey, stripeMock(t) }).Backend
	for _, call := range []struct {
		tool string
		in   map[string]any
		has  string
	}{
		{payment.ToolSearchPayments, map[string]any{"customer": "cus_1", "created_after": "2025-01-01T00:00:00Z"}, "payments"},
		{payment.ToolGetPayment, map[string]any{"payment_id": "pi_1"}, "amount"},
		{payment.ToolCreateRefund, map[string]any{"payment_id": "pi_1", "reason": "duplicate", "amount_minor": 1}, "payment_status"},
		{payment.ToolCapturePayment, map[string]any{"payment_id": "pi_1"}, "amount"},
		{payment.ToolCancelPayment, map[string]any{"payment_id": "pi_1", "reason": "duplicate"}, "amount"},
		{payment.ToolCreateInvoice, draftOfThree(a), "lines"},
		{payment.ToolSendInvoice, map[string]any{"invoice_id": "in_1"}, "lines"},
		{payment.ToolVoidInvoice, map[string]any{"invoice_id": "in_1"}, "lines"},
		{payment.ToolSearchInvoices, map[string]any{"status": "open"}, "invoices"},
		{payment.ToolCreatePaymentLink, map[string]any{"amount_minor": 100, "currency": "EUR", "description": "Order"}, "url"},
		{payment.ToolListSubscriptions, map[string]any{"customer": "ada@example.com"}, "subscriptions"},
		{payment.ToolCancelSubscription, map[string]any{"subscription_id": "sub_1", "when": "now"}, "status"},
		{payment.ToolListDisputes, map[string]any{}, "disputes"},
		{payment.ToolGetDispute, map[string]any{"dispute_id": "dp_1"}, "evidence"},
		{payment.ToolDraftEvidence, map[string]any{"dispute_id": "dp_1", "other": "It was delivered."}, "evidence"},
		{payment.ToolSubmitEvidence, map[string]any{"dispute_id": "dp_1", "other": "It was delivered."}, "evidence"},
		{payment.ToolUpdateCustomer, map[string]any{"customer": "cus_1", "name": "Ada"}, "reference"},
		{payment.ToolGetBalance, map[string]any{}, "balances"},
	} {
		out, err := a.call(t.Context(), "key", call.tool, call.in)
		switch {
		case err != nil && err.Code != tools.Conflict:
			t.Errorf("%s: %v", call.tool, err)
		case err == nil && out[call.has] == nil:
			t.Errorf("%s gives no %s: %v", call.tool, call.has, out)
		case err != nil:
			t.Logf("%s: %v", call.tool, err)
		}
	}
}
