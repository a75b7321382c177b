package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"drawbridge/tools"
)

// fault is one error as Salesforce writes it.
type fault struct {
	Code    string   `json:"errorCode"`
	Message string   `json:"message"`
	Fields  []string `json:"fields"`
	// What the rules about duplicates found. The first name is how the API spells it.
	Duplicates1 *duplicates `json:"duplicateResut"`
	Duplicates2 *duplicates `json:"duplicateResult"`
}

type duplicates struct {
	Matches []struct {
		Records []struct {
			Record struct {
				ID string `json:"Id"`
			} `json:"record"`
		} `json:"matchRecords"`
	} `json:"matchResults"`
}

// refusal is an answer of 4xx: the request had no effect.
type refusal struct {
	status int
	header http.Header
	faults []fault // nil if the answer says no reason that can be read
}

func (r *refusal) Error() string { return "salesforce: refused: " + r.code() }

func (r *refusal) code() string {
	if len(r.faults) == 0 {
		return ""
	}
	return r.faults[0].Code
}

// broken is an answer that says neither that a request took effect nor that it did not.
type broken struct{ status int }

func (e *broken) Error() string { return "salesforce: " + http.StatusText(e.status) }

// said is what an answer means that is not a success.
func (b *Backend) said(status int, header http.Header, body []byte) error {
	if status < 400 || status >= 500 || status == http.StatusRequestTimeout {
		return &broken{status}
	}
	r := &refusal{status: status, header: header}
	if json.Unmarshal(body, &r.faults) != nil {
		r.faults = nil
	}
	return r
}

// readError is what a read's failure means. Nothing was changed by it.
func (b *Backend) readError(err error) error {
	if known := b.understood(err); known != nil {
		return known
	}
	if errors.Is(err, context.Canceled) {
		return err // whoever asked has gone
	}
	return tools.Errorf(tools.Unavailable, "Salesforce cannot be reached, or its answer cannot be read, at the moment; nothing was changed. Try again later.")
}

// writeError is what a write's failure means: it was refused; nothing was sent; or else
// nobody can say, and where Salesforce keeps the key it may be made again.
func (b *Backend) writeError(err error, again bool) error {
	if known := b.understood(err); known != nil {
		return known
	}
	var unanswered *lost
	if errors.Is(err, errNothingSent) || errors.As(err, &unanswered) && !unanswered.sent {
		return tools.Errorf(tools.Unavailable, "Salesforce cannot be reached at the moment; nothing was changed. Try again later.")
	}
	unknown := tools.Errorf(tools.OutcomeUnknown, "Salesforce's answer was lost, or says that something went wrong there; the change may have been made all the same. Look at the record before doing it again.")
	unknown.Retryable = again
	return unknown
}

// noToken is the error of a call for which nobody could sign in.
func (b *Backend) noToken(err error) error {
	var failed *signInError
	switch {
	case !errors.As(err, &failed):
		return err
	case failed.refused:
		return tools.Errorf(tools.Denied, "Salesforce does not let us sign in (%s). A person has to look at the connected app and at tools.crm.salesforce in the settings; nothing was changed.", failed.why)
	}
	return tools.Errorf(tools.Unavailable, "Salesforce's sign-in does not work at the moment (%s); nothing was changed. Try again later.", failed.why)
}

// understood is the error of a request that had no effect, in the family's words; nil if that is
// not known.
func (b *Backend) understood(err error) error {
	var ready *tools.Error
	if errors.As(err, &ready) {
		return ready
	}
	var r *refusal
	if !errors.As(err, &r) {
		return nil
	}
	if r.status == http.StatusTooManyRequests || r.code() == "REQUEST_LIMIT_EXCEEDED" {
		return b.pace.slowDown(r.header, r.words())
	}
	if len(r.faults) == 0 {
		return r.unexplained()
	}
	if m, ok := meanings[r.code()]; ok {
		return m(r)
	}
	for prefix, m := range prefixes {
		if strings.HasPrefix(r.code(), prefix) {
			return m(r)
		}
	}
	return invalid(r)
}

func (r *refusal) unexplained() error {
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return tools.Errorf(tools.Denied, "Salesforce does not let us do this, and says no more; nothing was changed. A person has to look at the permissions of the user that we sign in as.")
	}
	return tools.Errorf(tools.Unavailable, "Salesforce, or something on the way to it, answers %d and says no more; nothing was changed. Try again later.", r.status)
}

type meaning func(r *refusal) error

func invalid(r *refusal) error {
	return tools.Errorf(tools.Invalid, "Salesforce refuses this: %s", r.words())
}

func conflict(r *refusal) error {
	return tools.Errorf(tools.Conflict, "Salesforce refuses this as things stand: %s", r.words())
}

func notFound(r *refusal) error {
	return tools.Errorf(tools.NotFound, "Salesforce does not know it (any more): %s", r.words())
}

func denied(r *refusal) error {
	return tools.Errorf(tools.Denied, "the user that we sign in to Salesforce as may not do this, or does not see it: %s. A person has to give it the permission, or to mend tools.crm.salesforce in the settings; nothing was changed.",
		strings.TrimRight(r.words(), "."))
}

func busy(r *refusal) error {
	return tools.Errorf(tools.Unavailable, "Salesforce cannot do this at the moment (%s); nothing was changed. Try again later.", r.code())
}

// ours is a request that we should not have made.
func ours(r *refusal) error { return &mistake{r.code() + ": " + r.words()} }

type mistake struct{ text string }

func (m *mistake) Error() string { return "salesforce: a request of ours is wrong: " + m.text }

// duplicate names the records that are in the way.
func duplicate(r *refusal) error {
	var ids []string
	for _, f := range r.faults {
		for _, d := range []*duplicates{f.Duplicates1, f.Duplicates2} {
			if d == nil {
				continue
			}
			for _, m := range d.Matches {
				for _, found := range m.Records {
					if id := found.Record.ID; isID(id, "") && !slices.Contains(ids, id) {
						ids = append(ids, id)
					}
				}
			}
		}
	}
	if len(ids) > 0 {
		return tools.Errorf(tools.Conflict, "Salesforce's rules about duplicates find that this is there already, as %s; nothing was changed. Go on with that one: %s", strings.Join(ids[:min(5, len(ids))], ", "), r.words())
	}
	return tools.Errorf(tools.Conflict, "Salesforce has this already; nothing was changed: %s", r.words())
}

// meanings of Salesforce's codes. What is not here is about the values that were given.
var meanings = map[string]meaning{
	"DUPLICATES_DETECTED": duplicate, "DUPLICATE_VALUE": duplicate, "DUPLICATE_EXTERNAL_ID": duplicate,
	"NOT_FOUND": notFound, "ENTITY_IS_DELETED": notFound, "INVALID_CROSS_REFERENCE_KEY": notFound,
	"INVALID_SESSION_ID": denied, "INVALID_TYPE": denied, "INVALID_FIELD": denied, "INVALID_FIELD_FOR_INSERT_UPDATE": denied, "API_DISABLED_FOR_ORG": denied,
	"API_CURRENTLY_DISABLED": denied, "FUNCTIONALITY_NOT_ENABLED": denied, "INVALID_AUTH_HEADER": denied,
	"ENTITY_IS_LOCKED": conflict, "FAILED_ACTIVATION": conflict, "INVALID_STATUS": conflict, "ALREADY_IN_PROCESS": conflict, "DELETE_FAILED": conflict,
	"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": conflict, "CANNOT_EXECUTE_FLOW_TRIGGER": conflict, "STORAGE_LIMIT_EXCEEDED": conflict,
	"UNABLE_TO_LOCK_ROW": busy, "SERVER_UNAVAILABLE": busy, "QUERY_TIMEOUT": busy, "APEX_CONCURRENT_REQUESTS_LIMIT": busy,
	"MALFORMED_QUERY": ours, "JSON_PARSER_ERROR": ours, "INVALID_QUERY_FILTER_OPERATOR": ours, "METHOD_NOT_ALLOWED": ours, "QUERY_TOO_COMPLICATED": ours,
	"INVALID_QUERY_LOCATOR": ours,
}

var prefixes = map[string]meaning{"INSUFFICIENT_ACCESS": denied}

// words are Salesforce's own about what is wrong, cut, with the fields they are about.
func (r *refusal) words() string {
	var all []string
	for _, f := range r.faults[:min(3, len(r.faults))] {
		text := short(f.Message)
		if text == "" {
			text = short(f.Code)
		}
		if len(f.Fields) > 0 {
			text += " (" + short(strings.Join(f.Fields, ", ")) + ")"
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "it gives no reason"
	}
	return strings.Join(all, "; ")
}

// short is a line of somebody else's, cut. What has the form of a session's id is left out.
func short(text string) string {
	text = strings.Join(strings.Fields(sessionID.ReplaceAllString(text, "[redacted]")), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	return text
}

var sessionID = regexp.MustCompile(`\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]+`)
