package hubspot

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
var errNothingSent = errors.New("hubspot: nothing was sent")

// said is HubSpot's body of an error.
type said struct {
	Message     string              `json:"message"`
	Category    string              `json:"category"`
	SubCategory string              `json:"subCategory"`
	PolicyName  string              `json:"policyName"`
	Context     map[string][]string `json:"context"`
	Errors      []struct {
		Message string              `json:"message"`
		In      string              `json:"in"`
		Context map[string][]string `json:"context"`
	} `json:"errors"`
}

// missing reports whether an error says that there is no such thing.
func missing(err error) bool {
	var known *tools.Error
	return errors.As(err, &known) && known.Code == tools.NotFound
}

// readError is what a read without an answer means. Nothing was changed by it.
func (b *Backend) readError(err error) error {
	var known *tools.Error
	if errors.As(err, &known) || ended(err) {
		return err // said already, or the family knows what it means
	}
	return tools.Errorf(tools.Unavailable, "HubSpot cannot be reached, or its answer cannot be read, at the moment; nothing was changed. Try again later.")
}

// writeError is what a write without an answer means: nothing was sent, or nobody can say.
func (b *Backend) writeError(err error, a answer) error {
	var known *tools.Error
	if errors.As(err, &known) {
		return err
	}
	if errors.Is(err, errNothingSent) || a.status == 0 && !a.sent {
		return tools.Errorf(tools.Unavailable, "HubSpot cannot be reached at the moment; nothing was changed. Try again later.")
	}
	return unknownOutcome()
}

// unknownOutcome is the end of a write whose answer was lost. HubSpot knows no idempotency
// keys, so that it is not to be made again without a look.
func unknownOutcome() error {
	return tools.Errorf(tools.OutcomeUnknown, "HubSpot's answer was lost, or says that something went wrong there; the change may have been made all the same. Look at the record before doing it again.")
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Statuses of HubSpot's own.
const (
	statusMigrating = 477 // the account is being moved to another place
)

// refusal is the error of a request that HubSpot refused, and that therefore had no effect;
// nil if it is none.
func (b *Backend) refusal(a answer) error {
	var body said
	_ = json.Unmarshal(a.body, &body) // where it cannot be read the status tells
	switch status := a.status; {
	case status == http.StatusTooManyRequests:
		return b.slowDown(a, body)
	case status == http.StatusLocked:
		e := limited(2 * time.Second) // as HubSpot asks for
		return e
	case status == statusMigrating:
		e := tools.Errorf(tools.Unavailable, "HubSpot is moving the account at the moment; nothing was changed. Try again later.")
		e.RetryAfter = retryAfter(a.header, b.now())
		return e
	case status == http.StatusUnauthorized:
		return tools.Errorf(tools.Denied, "HubSpot does not take our token: it is wrong, expired or revoked. A person has to put a new one into the settings (tools.crm.hubspot.token).")
	case status == http.StatusForbidden:
		return forbidden(body)
	case status == http.StatusNotFound:
		return tools.Errorf(tools.NotFound, "HubSpot does not know it: %s", words(body))
	case status == http.StatusConflict:
		return tools.Errorf(tools.Conflict, "HubSpot refuses this as things stand: %s", words(body))
	case status == http.StatusRequestTimeout, status < 400, status >= 500:
		return nil
	}
	return tools.Errorf(tools.Invalid, "HubSpot refuses this: %s", words(body))
}

func (b *Backend) slowDown(a answer, body said) error {
	after := retryAfter(a.header, b.now())
	if after == 0 {
		switch policy := body.PolicyName; {
		case strings.Contains(policy, "DAILY"):
			after = 15 * time.Minute // it ends at the account's midnight, which nobody tells us
		case strings.Contains(policy, "TEN_SECONDLY"):
			after = 10 * time.Second
		default:
			after = time.Second
		}
	}
	b.pace.pause(after)
	return limited(after)
}

// forbidden names the scopes that the token lacks.
func forbidden(body said) error {
	var scopes []string
	gather := func(context map[string][]string) {
		for _, name := range []string{"requiredGranularScopes", "requiredScopes", "missingScopes"} {
			scopes = append(scopes, context[name]...)
		}
	}
	gather(body.Context)
	for _, e := range body.Errors {
		gather(e.Context)
	}
	slices.Sort(scopes)
	scopes = slices.Compact(slices.DeleteFunc(scopes, func(s string) bool { return !scope.MatchString(s) }))
	if len(scopes) == 0 {
		return tools.Errorf(tools.Denied, "our token may not do this at HubSpot. A person has to look at the scopes of the private app; nothing was changed.")
	}
	return tools.Errorf(tools.Denied, "our token lacks a scope at HubSpot: %s. A person has to grant it to the private app; nothing was changed.", strings.Join(scopes, ", "))
}

var (
	scope = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,80}$`)
	// credential is a token, as far as its form tells.
	credential = regexp.MustCompile(`(?i)\bpat-[a-z0-9]+-[0-9a-f-]{8,}|bearer\s+\S`)
)

// words are HubSpot's own about what is wrong, cut. Tokens are never shown.
func words(body said) string {
	texts := []string{body.Message}
	for _, e := range body.Errors {
		if e.Message != "" && !strings.Contains(body.Message, e.Message) {
			texts = append(texts, e.Message)
		}
	}
	text := strings.Join(strings.Fields(strings.Join(texts, "; ")), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	if text == "" || credential.MatchString(text) {
		return "it gives no reason that can be shown"
	}
	return text
}

// existing is the id of the contact that has a unique value, which HubSpot's refusal names.
var existing = regexp.MustCompile(`(?i)existing ID:?\s*([0-9]+)`)
