package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"drawbridge/tools"
)

// errNothingSent says that a request was given up before any of it was sent.
var errNothingSent = errors.New("shopify: nothing was sent")

// failure is what went wrong with an operation, before what it says itself; nil if nothing.
func (b *Backend) failure(op operation, a *answer) error {
	var ready *tools.Error
	switch {
	case errors.As(a.cause, &ready):
		return ready
	case a.status == 0 && !a.sent || errors.Is(a.cause, errNothingSent):
		return tools.Errorf(tools.Unavailable, "Shopify cannot be reached at the moment; nothing was changed. Try again later.")
	case a.status == 0 && (errors.Is(a.cause, context.Canceled) || errors.Is(a.cause, context.DeadlineExceeded)):
		return a.cause // the family knows what it means
	case a.status != http.StatusOK:
		return b.refusedByStatus(op, a)
	case !a.read:
		return b.unread(op)
	case len(a.errors) > 0 && op.write && begun(a.data):
		return b.unread(op) // only a part of its answer was refused
	case len(a.errors) > 0:
		return b.refusedByErrors(op, a)
	}
	return nil
}

// begun reports whether data has something of a mutation: then it was carried out.
func begun(data json.RawMessage) bool {
	var roots map[string]json.RawMessage
	if json.Unmarshal(data, &roots) != nil {
		return false
	}
	for _, root := range roots {
		if string(root) != "null" {
			return true
		}
	}
	return false
}

// unread is the error of an answer that was lost or cannot be read.
func (b *Backend) unread(op operation) error {
	if !op.write {
		return tools.Errorf(tools.Unavailable, "Shopify's answer was lost or cannot be read; nothing was changed. Try again later.")
	}
	return unknown("Shopify's answer was lost, or says that something went wrong there; the call may have taken effect all the same. Look at the record before doing it again.")
}

// unknown is an unknown outcome. Whether the call may be made again is the family's to say.
func unknown(text string) error {
	e := tools.Errorf(tools.OutcomeUnknown, "%s", text)
	e.Retryable = true
	return e
}

func (b *Backend) refusedByStatus(op operation, a *answer) error {
	switch a.status {
	case http.StatusTooManyRequests:
		after := retryAfter(a.header, b.now())
		if after > 0 {
			b.points.pause(after)
		}
		e := limited(after)
		if after == 0 {
			e.RetryAfter = time.Second
		}
		return e
	case http.StatusUnauthorized:
		return tools.Errorf(tools.Denied, "Shopify does not take our access token: it is wrong, ended or was revoked. A person has to look at the settings (tools.shop).")
	case http.StatusPaymentRequired:
		return tools.Errorf(tools.Denied, "the store is frozen: its owner has to pay Shopify before anything can be done. Nothing was changed.")
	case http.StatusForbidden:
		return tools.Errorf(tools.Denied, "Shopify does not let us do this: the app lacks an access scope, or the store is closed to it. A person has to look at the app's scopes; nothing was changed.")
	case http.StatusNotFound:
		return tools.Errorf(tools.Denied, "there is no such store at Shopify, or it does not serve version %s of the API any more. A person has to look at the settings (tools.shop.store); nothing was changed.", APIVersion)
	case http.StatusLocked:
		return tools.Errorf(tools.Unavailable, "the store is locked at Shopify for now; nothing was changed. Try again later.")
	case 430:
		return tools.Errorf(tools.Denied, "Shopify takes the request for an attack and refuses it; nothing was changed. A person has to look at it.")
	}
	switch {
	case a.status >= 300 && a.status < 400:
		return tools.Errorf(tools.Denied, "the address of the store leads elsewhere (HTTP %d). A person has to look at the settings (tools.shop.store); nothing was changed.", a.status)
	case a.status >= 400 && a.status < 500 && a.status != http.StatusRequestTimeout:
		return tools.Errorf(tools.Invalid, "Shopify refuses the request (HTTP %d): %s", a.status, words(a.errors))
	}
	return b.unread(op)
}

// early codes are of errors that are found before anything is carried out, besides those
// of GraphQL itself, which are written like argumentLiteralsIncompatible.
var earlyCodes = []string{"ACCESS_DENIED", "MAX_COST_EXCEEDED", "SHOP_INACTIVE", "BAD_REQUEST", "INVALID_VARIABLE", "RESOURCE_NOT_FOUND", "GRAPHQL_VALIDATION_FAILED"}

func (b *Backend) refusedByErrors(op operation, a *answer) error {
	switch {
	case a.coded("THROTTLED"):
		e := limited(a.cost.wait())
		return e
	case a.coded("ACCESS_DENIED"):
		return tools.Errorf(tools.Denied, "Shopify does not let our app do this: %s. A person has to grant the app the access scope; nothing was changed.", words(a.errors))
	case a.coded("SHOP_INACTIVE"):
		return tools.Errorf(tools.Denied, "the store is not active at Shopify. A person has to look at it; nothing was changed.")
	case a.coded("RESOURCE_NOT_FOUND"), slices.ContainsFunc(a.errors, func(e graphError) bool { return strings.HasPrefix(e.Message, "Invalid global id") }):
		return tools.Errorf(tools.NotFound, "Shopify does not know it: %s", words(a.errors))
	}
	for _, e := range a.errors {
		code := e.Extensions.Code
		if !slices.Contains(earlyCodes, code) && (code == "" || code != strings.ToLower(code[:1])+code[1:]) {
			return b.unread(op) // an internal error, or one that nobody has told us of
		}
	}
	return tools.Errorf(tools.Invalid, "Shopify refuses this: %s", words(a.errors))
}

// userError says why a mutation was not carried out.
type userError struct {
	Field   []string `json:"field"`
	Message string   `json:"message"`
	Code    string   `json:"code"`
}

// is reports whether an error has a code or, where the mutation's errors have none, says
// what that code stands for.
func (e userError) is(code, text string) bool {
	return e.Code == code || e.Code == "" && strings.Contains(e.Message, text)
}

func (e userError) inProgress() bool {
	return e.is("IDEMPOTENCY_CONCURRENT_REQUEST", "currently in progress")
}

// conflicts are the codes that are about how a thing stands, and not about the request.
var conflicts = []string{"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE", "ITEM_NOT_STOCKED_AT_LOCATION", "NON_MUTABLE_INVENTORY_ITEM"}

// refusal is the error of a mutation that was refused; nil if it was not.
func refusal(errs []userError) error {
	if len(errs) == 0 {
		return nil
	}
	e := errs[0]
	switch {
	case e.inProgress():
		return unknown("another request with this call's key is under way at Shopify, and what comes of it is not known yet.")
	case e.is("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "same idempotency key cannot be used"):
		return tools.Errorf(tools.Conflict, "the idempotency key was used for another call; this one was not made. Make it under a key of its own.")
	case e.is("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "previous request with this idempotency key failed"):
		return tools.Errorf(tools.Conflict, "an earlier call with this idempotency key was refused, and Shopify takes no other with it; nothing was changed. Make it under a key of its own.")
	case e.Code == "INTERNAL_ERROR" || e.Code == "ADJUST_QUANTITIES_FAILED":
		return unknown("Shopify says that something went wrong there; the call may have taken effect all the same. Look at the record before doing it again.")
	case e.Code == "SERVICE_UNAVAILABLE":
		return tools.Errorf(tools.Unavailable, "Shopify cannot do this at the moment; nothing was changed. Try again later.")
	case strings.HasSuffix(e.Code, "NOT_FOUND") || e.Code == "INVALID_INVENTORY_ITEM" || e.Code == "INVALID_LOCATION" || e.Code == "" && strings.HasSuffix(e.Message, "does not exist."):
		return tools.Errorf(tools.NotFound, "Shopify does not know it: %s", said(errs))
	case slices.Contains(conflicts, e.Code):
		return tools.Errorf(tools.Conflict, "Shopify refuses this as things stand: %s", said(errs))
	}
	return tools.Errorf(tools.Invalid, "Shopify refuses this: %s", said(errs))
}

// said are the words of user errors, with the fields they are about.
func said(errs []userError) string {
	var parts []string
	for _, e := range errs[:min(len(errs), 3)] {
		text := clean(e.Message)
		if len(e.Field) > 0 {
			text += " (" + clean(strings.Join(e.Field, ".")) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func words(errs []graphError) string {
	var parts []string
	for _, e := range errs[:min(len(errs), 3)] {
		parts = append(parts, clean(e.Message))
	}
	if len(parts) == 0 {
		return clean("")
	}
	return strings.Join(parts, "; ")
}

var credential = regexp.MustCompile(`\bshp[a-z]{2}_[A-Za-z0-9]+`)

// clean is a text of Shopify's that can be shown: one line, cut, without a token.
func clean(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	if text == "" || credential.MatchString(text) {
		return "it gives no reason that can be shown"
	}
	return text
}

// inTheWay is how often a mutation is sent again while another one holds its key. It has
// had no effect then.
var inTheWay = []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}

// mutate carries a mutation out. errs are the user errors of the answer that out was read
// from.
func (b *Backend) mutate(ctx context.Context, op operation, vars variables, out any, errs func() []userError) error {
	for try := 0; ; try++ {
		if err := b.run(ctx, op, vars, out); err != nil {
			return err
		}
		found := errs()
		if len(found) == 0 || !found[0].inProgress() || try == len(inTheWay) || b.sleep(ctx, inTheWay[try]) != nil {
			return refusal(found)
		}
	}
}
