package payment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// broken is a driver whose every operation fails with one error.
type broken struct {
	payment.Driver
	traits payment.Traits
	err    error
}

func (b broken) Traits() payment.Traits { return b.traits }

func (b broken) GetBalance(context.Context, string) ([]payment.Balance, error) { return nil, b.err }

func (b broken) CreateLink(context.Context, payment.LinkRequest) (payment.Link, error) {
	return payment.Link{}, b.err
}

func (b broken) read() error {
	_, err := payment.New(b).GetBalance(context.Background(), payment.GetBalanceInput{})
	return err
}

func (b broken) write(key string) error {
	ctx := tools.WithKey(context.Background(), key)
	_, err := payment.New(b).CreatePaymentLink(ctx, payment.CreatePaymentLinkInput{AmountMinor: 1, Currency: "EUR", Description: "Order"})
	return err
}

func TestDriverErrorForTheModelPassesUnchanged(t *testing.T) {
	want := tools.Errorf(tools.RateLimited, "too many calls; wait a minute.")
	for _, err := range []error{want, fmt.Errorf("asking the vendor: %w", want)} {
		b := broken{err: err}
		if got := tools.AsError(b.read()); got != want {
			t.Errorf("a read answers %v, want %v", got, want)
		}
		if got := tools.AsError(b.write("k")); got != want {
			t.Errorf("a write answers %v, want %v", got, want)
		}
	}
}

func TestFaultOfADriverIsHiddenAndNamesTheToolForTheLog(t *testing.T) {
	fault := errors.New("disk full")
	for tool, err := range map[string]error{
		payment.ToolGetBalance:        broken{err: fault}.read(),
		payment.ToolCreatePaymentLink: broken{err: fault}.write("k"),
	} {
		if tools.CodeOf(err) != tools.Internal || strings.Contains(tools.AsError(err).Message, "disk") {
			t.Errorf("%s shows a fault as %v", tool, tools.AsError(err))
		}
		if !errors.Is(err, fault) || !strings.HasPrefix(err.Error(), tool) {
			t.Errorf("%s logs a fault as %v", tool, err)
		}
	}
}

func TestBrokenOffReadMayBeRepeated(t *testing.T) {
	got := tools.AsError(broken{err: fmt.Errorf("asking: %w", context.DeadlineExceeded)}.read())
	if got.Code != tools.Unavailable || !got.Retryable {
		t.Errorf("a read that timed out answers %+v", got)
	}
}

func TestBrokenOffWriteHasUnknownOutcome(t *testing.T) {
	for _, test := range []struct {
		idempotent bool
		key        string
		retryable  bool
	}{
		{true, "k", true},
		{true, "", false},
		{false, "k", false},
	} {
		b := broken{traits: payment.Traits{Idempotent: test.idempotent}, err: context.Canceled}
		got := tools.AsError(b.write(test.key))
		if got.Code != tools.OutcomeUnknown || got.Retryable != test.retryable {
			t.Errorf("idempotent %t, key %q: %+v, want outcome unknown, retryable %t", test.idempotent, test.key, got, test.retryable)
		}
	}
}

func TestToolsHaveTheirEffects(t *testing.T) {
	type traits struct {
		Effect                             tools.Effect
		Idempotent, Destructive, OpenWorld bool
		Taints                             bool
	}
	sums := traits{Effect: tools.Read, Idempotent: true}
	read := traits{Effect: tools.Read, Idempotent: true, Taints: true} // with names and descriptions that payers wrote
	want := map[string]traits{
		"payment_search_payments":         read,
		"payment_get_payment":             read,
		"payment_create_refund":           {tools.Money, true, true, false, false},
		"payment_create_invoice":          {tools.Write, true, false, false, false},
		"payment_send_invoice":            {tools.Money, true, false, true, true},
		"payment_void_invoice":            {tools.Write, true, true, false, true},
		"payment_search_invoices":         read,
		"payment_create_payment_link":     {tools.Money, true, false, false, false},
		"payment_list_subscriptions":      read,
		"payment_cancel_subscription":     {tools.Money, true, true, false, true},
		"payment_list_disputes":           sums,
		"payment_get_balance":             sums,
		"payment_capture_payment":         {tools.Money, true, true, false, true},
		"payment_cancel_payment":          {tools.Money, true, true, false, true},
		"payment_get_dispute":             read,
		"payment_draft_dispute_evidence":  {tools.Write, true, false, false, true},
		"payment_submit_dispute_evidence": {tools.Money, true, true, true, true},
		"payment_update_customer":         {tools.Write, true, true, false, true},
	}
	got := map[string]traits{}
	for _, tool := range payment.Tools(payment.New(broken{traits: payment.Traits{Idempotent: true}})) {
		got[tool.Name] = traits{tool.Effect, tool.Idempotent, tool.Destructive, tool.OpenWorld, tool.Taints}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

func TestWritesPromiseNothingAboutKeysTheDriverIgnores(t *testing.T) {
	for _, tool := range payment.Tools(payment.New(broken{})) {
		if tool.Idempotent != (tool.Effect == tools.Read) {
			t.Errorf("%s: idempotent %t with a driver that ignores keys", tool.Name, tool.Idempotent)
		}
	}
}

type schema struct {
	Description string
	Properties  map[string]schema
	Items       *schema
}

func TestEveryPropertyIsDescribed(t *testing.T) {
	for _, tool := range payment.Tools(payment.New(broken{})) {
		for _, raw := range []json.RawMessage{tool.Input, tool.Output} {
			var s schema
			if err := json.Unmarshal(raw, &s); err != nil {
				t.Fatal(err)
			}
			described(t, tool.Name, s)
		}
	}
}

func described(t *testing.T, path string, s schema) {
	for name, property := range s.Properties {
		at := path + "." + name
		if property.Description == "" {
			t.Errorf("%s has no description", at)
		}
		if strings.HasSuffix(name, "amount_minor") && !strings.Contains(property.Description, "minor units") {
			t.Errorf("%s does not give its unit: %q", at, property.Description)
		}
		described(t, at, property)
		if property.Items != nil {
			described(t, at, *property.Items)
		}
	}
}
