package approvalapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
	"drawbridge/server/guard"
)

// What somebody may say.
const (
	approves = "approve"
	denies   = "deny"
)

// mostNote is how many characters a note has at most.
const mostNote = 1000

// decide answers POST /v1/approvals/{id}/decide.
func (a *API) decide(w http.ResponseWriter, r *http.Request) {
	one, ok := a.find(w, r)
	if !ok {
		return
	}
	p := apihttp.Asker(r)
	if !p.Approve {
		forbidden("only keys with approve decide about approvals here; `drawbridge approvals` does at the server's machine").Write(w)
		return
	}
	body, fault := apihttp.Body(w, r, a.o.BodyLimit)
	if fault != nil {
		fault.Write(w)
		return
	}
	verdict, fault := verdictOf(body)
	if fault != nil {
		fault.Write(w)
		return
	}
	verdict.At = a.o.Now()
	name := p.String()
	decided, err := a.book.DecideApproval(r.Context(), one.ID, guard.Decider{Name: name, Person: a.o.People[name], How: "api", People: a.o.People}, verdict)
	switch {
	case errors.Is(err, guard.ErrDecided):
		(&apierror.Error{Status: http.StatusConflict, Type: apierror.InvalidRequest, Code: "approval_decided",
			Message: "the approval waits for nobody any more: it is " + string(decided.State)}).Write(w)
	case errors.Is(err, guard.ErrMayNotDecide):
		forbidden(err.Error()).Write(w)
	case err != nil:
		a.door.Fault(w, r, "deciding about an approval", err)
	default:
		a.o.Log.InfoContext(r.Context(), "approval decided about", "approval", one.ID, "approve", verdict.Approve, "principal", name, "state", decided.State)
		apihttp.Answer(w, http.StatusOK, show(decided))
	}
}

func forbidden(why string) *apierror.Error {
	return &apierror.Error{Status: http.StatusForbidden, Type: apierror.Permission, Code: "may_not_decide", Message: why}
}

// verdictOf reads what somebody decides.
func verdictOf(body []byte) (v guard.ApprovalVerdict, fault *apierror.Error) {
	o, err := apihttp.TakeApart(body)
	if err != nil {
		return v, apierror.Invalid("", "invalid_body", "the request is no JSON object: %v", err)
	}
	if o.Doubled {
		return v, apierror.Invalid(o.Twice, "invalid_value", "%q is there twice", o.Twice)
	}
	decision := ""
	for _, name := range o.Names {
		switch name {
		case "decision":
			_ = json.Unmarshal(o.Members[name], &decision) // what is no text is no decision
		case "note":
			if json.Unmarshal(o.Members[name], &v.Note) != nil || utf8.RuneCountInString(v.Note) > mostNote {
				return v, apierror.Invalid(name, "invalid_value", "note is a text of at most %d characters", mostNote)
			}
		default:
			return v, apierror.Invalid(name, "unknown_parameter", "there is no member %q; there are decision and note", name)
		}
	}
	v.Note = strings.TrimSpace(v.Note)
	switch decision {
	case approves:
		v.Approve = true
	case denies:
	default:
		return v, apierror.Invalid("decision", "invalid_value", "decision is approve or deny")
	}
	return v, nil
}
