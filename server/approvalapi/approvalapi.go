// Package approvalapi lets people decide about calls that wait for an approval.
//
//	GET  /v1/approvals              list them, the newest first        approvalapi.go
//	GET  /v1/approvals/{id}         one, and what people said          approvalapi.go
//	POST /v1/approvals/{id}/decide  agree to it, or deny it            decide.go
//	GET  /approvals/{id}?t=...      a page, for whoever got a link     page.go
//	POST /approvals/{id}            what that page sends               page.go
//
// Below /v1 the caller is the request's principal: a key with approve decides, any other
// sees what it asked for. A link names its decider itself, signed (link.go): a look at it
// changes nothing, so that programs that follow the links of mails decide nothing. Who is
// sent links is noted with the approval and told until it worked (notify.go).
package approvalapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

// Book keeps approvals; a store is one.
type Book interface {
	Approval(ctx context.Context, id string) (guard.Approval, error)
	ListApprovals(ctx context.Context, f guard.ApprovalFilter, before string, limit int) ([]guard.Approval, error)
	DecideApproval(ctx context.Context, id string, by guard.Decider, v guard.ApprovalVerdict) (guard.Approval, error)
}

// Options have working zero values.
type Options struct {
	// People is whose the names are that decide, by name.
	People map[string]string
	// Limits count the requests of each caller; nil bounds nothing.
	Limits *auth.Limits
	// Hosts are the names by which a proxy reaches us, besides our own address.
	Hosts []string
	// Reached, if set, is told of each [guard.Point] of a decision that is taken down:
	// tests end the process there.
	Reached func(guard.Point)
	// BodyLimit is how many bytes a request may have: 64 KiB if zero.
	BodyLimit int64
	Now       func() time.Time
	Log       *slog.Logger
}

// API answers /v1/approvals and everything below it.
type API struct {
	book Book
	door apihttp.Door
	o    Options
}

// New makes the API.
func New(book Book, o Options) *API {
	book, o = o.telling(book), o.withDefaults()
	return &API{book: book, door: apihttp.Door{Hosts: o.Hosts, Limits: o.Limits, Log: o.Log}, o: o}
}

func (o Options) withDefaults() Options {
	if o.Limits == nil {
		o.Limits = auth.NewLimits(auth.Limit{}, o.Now)
	}
	if o.BodyLimit <= 0 {
		o.BodyLimit = 64 << 10
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Routes are what the API has.
func (a *API) Routes() apihttp.Table {
	return apihttp.Table{
		{Method: http.MethodGet, Pattern: "/v1/approvals", Handle: a.door.Counted(a.list)},
		{Method: http.MethodGet, Pattern: "/v1/approvals/{id}", Handle: a.door.Counted(a.look)},
		{Method: http.MethodPost, Pattern: "/v1/approvals/{id}/decide", Handle: a.door.Counted(a.decide)},
	}
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.door.Serve(w, r, a.Routes()) }

// sees reports whether the caller may know of an approval: who may decide, callers of this
// machine without a key, and whoever asked for the call.
func sees(p auth.Principal, a guard.Approval) bool {
	return p.Approve || p.Kind == auth.Local || a.Principal == p.String() || a.For == p.String()
}

// find gives the approval of the request if the caller may see it, or answers that there
// is none.
func (a *API) find(w http.ResponseWriter, r *http.Request) (guard.Approval, bool) {
	kind := apihttp.Kind[guard.Approval]{Read: a.book.Approval, Missing: guard.ErrNoApproval, Sees: sees, None: noApproval(), Reading: "reading an approval"}
	return kind.Find(a.door, w, r)
}

func noApproval() *apierror.Error {
	return apierror.NotFound("id", "approval_not_found", "there is no approval of this id that you may see")
}

func (a *API) look(w http.ResponseWriter, r *http.Request) {
	if one, ok := a.find(w, r); ok {
		apihttp.Answer(w, http.StatusOK, show(one))
	}
}

// Bounds of a page of a list.
const (
	usualPage = 20
	mostPage  = 100
)

type page struct {
	Object  string  `json:"object"`
	Data    []shown `json:"data"`
	HasMore bool    `json:"has_more"`
	Next    *string `json:"next_cursor"`
}

// list answers GET /v1/approvals. Of a caller who does not see all, those that it sees are
// picked from what is there.
func (a *API) list(w http.ResponseWriter, r *http.Request) {
	f, cursor, limit, fault := query(r)
	if fault != nil {
		fault.Write(w)
		return
	}
	p := page{Object: "list", Data: []shown{}}
	for before, more := cursor, true; more && !p.HasMore; {
		found, err := a.book.ListApprovals(r.Context(), f, before, mostPage)
		if errors.Is(err, guard.ErrNoApproval) {
			apierror.Invalid("cursor", "invalid_value", "the cursor is not one that was given out here; begin without one").Write(w)
			return
		}
		if err != nil {
			a.door.Fault(w, r, "listing approvals", err)
			return
		}
		for _, one := range found {
			before = one.ID
			switch {
			case !sees(apihttp.Asker(r), one):
			case len(p.Data) == limit:
				p.HasMore, p.Next = true, &p.Data[limit-1].ID
			default:
				p.Data = append(p.Data, show(one))
			}
			if p.HasMore {
				break
			}
		}
		more = len(found) == mostPage
	}
	apihttp.Answer(w, http.StatusOK, p)
}

// query reads what of the list is wanted.
func query(r *http.Request) (f guard.ApprovalFilter, cursor string, limit int, fault *apierror.Error) {
	limit = usualPage
	for name, values := range r.URL.Query() {
		value := values[len(values)-1]
		switch name {
		case "state":
			if f.State = guard.ApprovalState(value); !slices.Contains(guard.ApprovalStates, f.State) {
				fault = apierror.Invalid(name, "invalid_value", "state is one of %v", guard.ApprovalStates)
			}
		case "run":
			f.Run = value
		case "cursor":
			cursor = value
		case "limit":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > mostPage {
				fault = apierror.Invalid(name, "invalid_value", "limit is a number of 1 to %d", mostPage)
			}
			limit = n
		default:
			fault = apierror.Invalid(name, "unknown_parameter", "there is no parameter %q; there are state, run, cursor and limit", name)
		}
	}
	return f, cursor, limit, fault
}

// shown is an approval as the API gives it. Times are in unix seconds.
type shown struct {
	ID        string             `json:"id"`
	Object    string             `json:"object"`
	State     string             `json:"state"`
	Tool      string             `json:"tool"`
	Effect    string             `json:"effect"`
	Arguments json.RawMessage    `json:"arguments"`
	Principal string             `json:"principal"`
	ActsFor   string             `json:"acts_for,omitempty"`
	Run       string             `json:"run,omitempty"`
	Rule      string             `json:"rule"`
	Reason    string             `json:"reason,omitempty"`
	Policy    string             `json:"policy,omitempty"`
	By        []string           `json:"may_decide"`
	Needs     int                `json:"needs"`
	Missing   int                `json:"missing"`
	Created   int64              `json:"created_at"`
	Expires   int64              `json:"expires_at"`
	Ended     *int64             `json:"ended_at"`
	Decisions []decidedBySomeone `json:"decisions"`
}

type decidedBySomeone struct {
	By       string `json:"by"`
	Decision string `json:"decision"`
	How      string `json:"how"`
	At       int64  `json:"at"`
	Note     string `json:"note,omitempty"`
}

func show(a guard.Approval) shown {
	s := shown{ID: a.ID, Object: "approval", State: string(a.State), Tool: a.Tool, Effect: string(a.Effect), Arguments: a.Arguments, Principal: a.Principal, ActsFor: a.For,
		Run: a.Run, Rule: a.Rule, Reason: a.Reason, Policy: a.Policy, By: append([]string{}, a.Terms.By...), Needs: a.Terms.Needs(), Missing: a.Missing(),
		Created: a.Created.Unix(), Expires: a.Expires.Unix(), Decisions: []decidedBySomeone{}}
	if !a.Ended.IsZero() {
		ended := a.Ended.Unix()
		s.Ended = &ended
	}
	for _, d := range a.Decisions {
		said := approves
		if !d.Approved {
			said = denies
		}
		s.Decisions = append(s.Decisions, decidedBySomeone{d.By, said, d.How, d.At.Unix(), d.Note})
	}
	return s
}
