package stripe

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools"
)

// errNothingSent says that a request was given up before any of it was sent.
var errNothingSent = errors.New("stripe: nothing was sent")

// held reports whether another request holds the key, or the object: a moment later the
// same one finds the other's answer, or its own.
func held(err error) bool {
	var known *stripe.Error
	return errors.As(err, &known) && (known.Code == stripe.ErrorCodeIdempotencyKeyInUse || known.Code == stripe.ErrorCodeLockTimeout)
}

// missing reports whether an error says that there is no such thing.
func missing(err error) bool {
	var known *tools.Error
	return errors.As(err, &known) && known.Code == tools.NotFound
}

// readError is what a read's failure means. Nothing was changed by it.
func (b *Backend) readError(err error, x *exchange) error {
	if answered := b.refusal(err, x); answered != nil {
		return answered
	}
	if ended(err) {
		return err // the family knows what it means
	}
	return tools.Errorf(tools.Unavailable, "Stripe cannot be reached, or its answer cannot be read, at the moment; nothing was changed. Try again later.")
}

// writeError is what a write's failure means: it was refused; nothing was sent; or else
// nobody can say, and with a key it may be asked again.
func (b *Backend) writeError(ctx context.Context, err error, x *exchange) error {
	if answered := b.refusal(err, x); answered != nil {
		return answered
	}
	if errors.Is(err, errNothingSent) || x.status == 0 && !x.sent() {
		return tools.Errorf(tools.Unavailable, "Stripe cannot be reached at the moment; nothing was changed. Try again later.")
	}
	unknown := tools.Errorf(tools.OutcomeUnknown, "Stripe's answer was lost, or says that something went wrong there; the call may have taken effect all the same. Look at the record before doing it again.")
	unknown.Retryable = callKey(ctx) != ""
	return unknown
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// refusal is the error of a request that Stripe refused, and that therefore had no effect;
// nil if it is none.
func (b *Backend) refusal(err error, x *exchange) *tools.Error {
	var ready *tools.Error
	if errors.As(err, &ready) {
		return ready
	}
	var said *stripe.Error
	if !errors.As(err, &said) {
		said = &stripe.Error{} // no answer, or one that cannot be read: then the status tells
	}
	switch status := x.status; {
	case status == http.StatusTooManyRequests:
		return b.slowDown(x)
	case status == http.StatusUnauthorized:
		return tools.Errorf(tools.Denied, "Stripe does not take our API key: it is wrong, expired or revoked. A person has to put a new one into the settings (tools.payment.key).")
	case status == http.StatusForbidden:
		return forbidden(said)
	case status == http.StatusPaymentRequired:
		return declined(said)
	case status == http.StatusNotFound || said.Code == stripe.ErrorCodeResourceMissing:
		return tools.Errorf(tools.NotFound, "Stripe does not know it: %s", words(said))
	case said.Type == stripe.ErrorTypeIdempotency && said.Code != stripe.ErrorCodeIdempotencyKeyInUse:
		return tools.Errorf(tools.Conflict, "the idempotency key was used for another call; this one was not made. Make it under a key of its own.")
	case status == http.StatusConflict:
		return nil // somebody else's request with this key is under way: what comes of it nobody knows yet
	case status < 400 || status >= 500:
		return nil
	case conflicts[said.Code]:
		return tools.Errorf(tools.Conflict, "Stripe refuses this as things stand: %s", words(said))
	}
	return tools.Errorf(tools.Invalid, "Stripe refuses this: %s", words(said))
}

// conflicts are the codes that are about how a thing stands, and not about the request.
var conflicts = map[stripe.ErrorCode]bool{
	stripe.ErrorCodeChargeAlreadyRefunded: true, stripe.ErrorCodeChargeDisputed: true, stripe.ErrorCodeChargeAlreadyCaptured: true,
	stripe.ErrorCodeChargeExpiredForCapture: true, stripe.ErrorCodePaymentIntentUnexpectedState: true, stripe.ErrorCodeInvoiceNotEditable: true,
	stripe.ErrorCodeInvoiceNoCustomerLineItems: true, stripe.ErrorCodeBalanceInsufficient: true, stripe.ErrorCodeResourceAlreadyExists: true,
	stripe.ErrorCodeRefundDisputedPayment: true,
}

func (b *Backend) slowDown(x *exchange) *tools.Error {
	after := retryAfter(x.header, b.now())
	if after > 0 {
		b.pace.pause(after)
	}
	e := tools.AsError(limited(after))
	if after == 0 {
		e.RetryAfter = time.Second
	}
	return e
}

var permission = regexp.MustCompile(`\brak_[a-z0-9_]+`)

// forbidden names the permission that a restricted key lacks. The rest of Stripe's message
// shows a part of the key.
func forbidden(said *stripe.Error) *tools.Error {
	if name := permission.FindString(said.Msg); name != "" {
		return tools.Errorf(tools.Denied, "our restricted key lacks the permission %s at Stripe. A person has to grant it to the key; nothing was changed.", name)
	}
	return tools.Errorf(tools.Denied, "our API key may not do this at Stripe. A person has to look at the key's permissions; nothing was changed.")
}

// declined is an error of a card: its issuer's word, which asking again does not change.
func declined(said *stripe.Error) *tools.Error {
	reason := string(said.Code)
	if said.DeclineCode != "" {
		reason += " (" + string(said.DeclineCode) + ")"
	}
	if reason == "" {
		reason = "card_declined"
	}
	return tools.Errorf(tools.Conflict, "the payment was declined: %s. No money was taken; the customer has to pay in another way.", reason)
}

// words are Stripe's own about what is wrong, cut, with the parameter they are about. Keys
// are never shown.
func words(said *stripe.Error) string {
	text := strings.Join(strings.Fields(said.Msg), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	if text == "" || apiKey.MatchString(text) {
		text = "it gives no reason that can be shown"
	}
	if said.Param != "" {
		text += " (" + said.Param + ")"
	}
	return text
}

var apiKey = regexp.MustCompile(`\b[srp]k_(test|live)_`)
