package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// Approvals keeps what people are asked to agree to, beside the ledger and as durably.
type Approvals interface {
	// Ask gives the approval of a call that needs one, in the state in which it is now:
	// the one there is for the same call under the same key, or else a new one, which
	// waits for people from then on. Where several ask at once there is one.
	//
	// What there is counts if it is bound to the same digest; one that was used counts for
	// the same call under its key whatever the rules have become since, since the call may
	// have been made. Of a call without a key what was used is over, and what was denied
	// or ran out counts for [Stands]. A denial counts that long for the same call under
	// any key. An approval that ran out is noted as expired.
	Ask(ctx context.Context, wanted Approval) (Approval, error)
	// Use uses an approval up and, if c is not nil, claims the call, in one transaction:
	// approved -> used. It gives what is known of an earlier call under the claim's key;
	// if that [Prior.Stands], the approval is left as it is. Without an approval that is
	// given, holds and is not used, it is ErrNotApproved, and nothing is claimed.
	//
	// A settlement that says Unused gives it back: used -> approved.
	Use(ctx context.Context, id string, at time.Time, c *Claim) (Prior, error)
}

// ApprovalBook is the whole of it, for those who decide and those who look.
type ApprovalBook interface {
	Approvals
	Notices
	Postings
	// Approval gives one as it stands now, or ErrNoApproval.
	Approval(ctx context.Context, id string) (Approval, error)
	// ListApprovals gives those that fit, the newest first; before is the id of the last
	// one already seen, "" to begin.
	ListApprovals(ctx context.Context, f ApprovalFilter, before string, limit int) ([]Approval, error)
	// DecideApproval notes what a person says of an approval, if they may
	// ([Approval.Decide]), and gives how it stands then. A run that waits for it is due
	// with the same transaction.
	DecideApproval(ctx context.Context, id string, by Decider, verdict ApprovalVerdict) (Approval, error)
	// WatchApproval tells of changes of one approval, whichever process makes them.
	WatchApproval(id string) (changed <-chan struct{}, stop func())
}

// Notices are what is owed to those whom an approval names to be told.
type Notices interface {
	// DueNotices gives those that are due, and when the next one is.
	DueNotices(ctx context.Context, limit int) (due []Notice, next time.Time, err error)
	// Notified notes what came of one: told, or to be tried again at a time.
	Notified(ctx context.Context, n Notice, problem string, next time.Time) error
}

// Notice is that somebody is to be told of an approval that waits.
type Notice struct {
	Approval string
	Target   string // as in Approval.Notify
	Attempts int    // so far
}

// ApprovalFilter selects approvals. Zero fields select all.
type ApprovalFilter struct {
	State ApprovalState
	Run   string
}

// ApprovalState is how far an approval has come.
type ApprovalState string

const (
	// ApprovalPending: people are asked.
	ApprovalPending ApprovalState = "pending"
	// ApprovalGiven: as many as it takes have agreed; the call was not made yet.
	ApprovalGiven ApprovalState = "approved"
	// ApprovalDenied: somebody said no.
	ApprovalDenied ApprovalState = "denied"
	// ApprovalExpired: nobody decided in time, or nobody made the call in time.
	ApprovalExpired ApprovalState = "expired"
	// ApprovalUsed: the call was made, or was about to be.
	ApprovalUsed ApprovalState = "used"
	// ApprovalWithdrawn: the run that it was for has ended before the call was made.
	ApprovalWithdrawn ApprovalState = "withdrawn"
)

// ApprovalStates are all there are, for those who let a person choose one.
var ApprovalStates = []ApprovalState{ApprovalPending, ApprovalGiven, ApprovalDenied, ApprovalExpired, ApprovalUsed, ApprovalWithdrawn}

// Stands is how long a denial counts for the same call under other keys, and, of a call
// without a key, that one was denied or ran out: asking again at once nags nobody.
const Stands = time.Hour

// Errors of those who decide. Their text is shown.
var (
	ErrNoApproval  = errors.New("there is no such approval")
	ErrNotApproved = errors.New("there is no approval that could be used")
	// ErrDecided: it waits for nobody any more.
	ErrDecided = errors.New("the approval waits for nobody any more")
	// ErrMayNotDecide: not this person.
	ErrMayNotDecide = errors.New("may not decide about it")
)

// Approval is a call that people are asked to agree to.
type Approval struct {
	ID string
	// Digest is of all that it is bound to: principal, caller, run, tool, canonical
	// arguments, and the policy's version. Call is of the same without that version.
	Digest, Call string
	// Key is the idempotency key, "" where the caller gave none. An approval is for one
	// call, and so for one key.
	Key string

	Principal string // who made the call
	For       string // the caller that an agent acts for, "" for none
	Door      string
	Run       string
	Tool      string
	Effect    tools.Effect
	Arguments json.RawMessage // redacted
	Rule      string          // that wants it approved
	Reason    string          // for whoever called, and whoever decides
	Policy    string          // version of the rules
	Terms     Terms

	// Notify is whom to tell, once, when it is asked for; it is not kept with it.
	Notify []string

	State ApprovalState
	// Expires is until when people may decide and, once they have agreed, until when the
	// call may be made.
	Created, Expires time.Time
	// Ended is when it was denied, expired or was used; zero before.
	Ended     time.Time
	Decisions []ApprovalDecision
}

// ApprovalDecision is what one person said.
type ApprovalDecision struct {
	By       string    `json:"by"`               // as in Decider.Name
	Person   string    `json:"person,omitempty"` // whose name that is, if several are one person's
	Approved bool      `json:"approved"`
	How      string    `json:"how"` // command, api, link, slack, client
	At       time.Time `json:"at"`
	Note     string    `json:"note,omitempty"`
}

// Decider is somebody who decides: whoever asks for a decision to be noted has made sure
// that it is them, and that they may decide at all.
type Decider struct {
	// Name is who it is, as [Terms] name them: "key:boss", "local:ada" for somebody at the
	// command line, "mail:ada@example.com" for whoever got a link, "slack:U0123ABCD" for a
	// user of Slack, "client:key:desk" for the person in front of the MCP client of that
	// principal.
	Name string
	// Person is who that is, if the settings say so; two names of one person are one.
	Person string
	How    string // command, api, link, slack, client
	// People is for all names that the settings know: whose they are.
	People map[string]string
}

// DeciderClient is how the names begin of those who decide in front of an MCP client.
const DeciderClient = "client:"

// ApprovalVerdict is what somebody decides.
type ApprovalVerdict struct {
	Approve bool
	Note    string // for a denial: why, for whoever called
	At      time.Time
}

// defaultWithin is how long people have, unless the terms say otherwise.
const defaultWithin = time.Hour

// Needs is how many people have to agree.
func (t Terms) Needs() int { return max(1, t.Count) }

// Lasts is how long they have.
func (t Terms) Lasts() time.Duration { return cmp.Or(t.Within, defaultWithin) }

// At gives the approval as it stands at a time: one whose time is over has expired.
func (a Approval) At(now time.Time) Approval {
	if (a.State == ApprovalPending || a.State == ApprovalGiven) && !now.Before(a.Expires) {
		a.State, a.Ended = ApprovalExpired, a.Expires
	}
	return a
}

// Against gives the approval as it stands when another one is wanted, for the same call
// under the same key, and whether it is the one that counts: see [Approvals].
func (a Approval) Against(wanted Approval) (_ Approval, counts bool) {
	now := wanted.Created
	if a = a.At(now); a.Waits() && a.Digest != wanted.Digest {
		a.State, a.Ended = ApprovalExpired, now // it was bound to other rules
	}
	keyed, stands := wanted.Key != "", now.Before(a.Ended.Add(Stands))
	switch a.State {
	case ApprovalWithdrawn: // its run has ended; one that a person has go on asks anew
		return a, false
	case ApprovalUsed:
		return a, keyed
	case ApprovalDenied:
		return a, keyed || stands
	case ApprovalExpired:
		return a, a.Digest == wanted.Digest && (keyed || stands)
	}
	return a, true
}

// Waits reports whether it has an end before it: people may still decide, or the call may
// still be made.
func (a Approval) Waits() bool { return a.State == ApprovalPending || a.State == ApprovalGiven }

// Missing is how many people more have to agree.
func (a Approval) Missing() int {
	agreed := 0
	for _, d := range a.Decisions {
		if d.Approved {
			agreed++
		}
	}
	return max(0, a.Terms.Needs()-agreed)
}

// Denial is the decision that denied it, if one did.
func (a Approval) Denial() (ApprovalDecision, bool) {
	for _, d := range a.Decisions {
		if !d.Approved {
			return d, true
		}
	}
	return ApprovalDecision{}, false
}

// MayDecide is nil if the person may decide about the approval: none of those who asked
// for the call, nobody who decided already, and one of those whom the terms name. The
// person in front of the client that made the call needs to be named by the terms, unless
// the client is one of this machine without a key.
func (a Approval) MayDecide(by Decider) error {
	person := by.person(by.Name, by.Person)
	for _, asked := range []string{a.Principal, a.For} {
		if asked != "" && (by.Name == asked || person == by.person(asked, "")) {
			return refused(by, "asked for the call: somebody else has to agree to it")
		}
	}
	for _, d := range a.Decisions {
		if person == by.person(d.By, d.Person) {
			return refused(by, "has decided already: another person has to")
		}
	}
	switch client, inFront := strings.CutPrefix(by.Name, DeciderClient); {
	case inFront && client != a.Principal:
		return refused(by, "did not make the call")
	case len(a.Terms.By) == 0 && inFront && !strings.HasPrefix(client, string(auth.Local)+":"):
		return refused(by, "made the call: the rule does not name whoever sits in front of it")
	case len(a.Terms.By) > 0 && !tools.Match(a.Terms.By, by.Name) && (by.Person == "" || !slices.Contains(a.Terms.By, by.Person)):
		return refused(by, "is none of those whom the rule names: "+strings.Join(a.Terms.By, ", "))
	}
	return nil
}

func refused(by Decider, why string) error { return &mayNotDecide{by.Name + " " + why} }

type mayNotDecide struct{ text string }

func (e *mayNotDecide) Error() string   { return e.text }
func (e *mayNotDecide) Is(t error) bool { return t == ErrMayNotDecide }

// person is who somebody of that name is.
func (d Decider) person(name, person string) string {
	return cmp.Or(person, d.People[name], name)
}

// Decide gives the approval as it is once the person has decided: pending -> pending (more
// people have to agree) | approved | denied. An approval that was given holds as long as
// people had for it.
func (a Approval) Decide(by Decider, v ApprovalVerdict) (Approval, error) {
	if a = a.At(v.At); a.State != ApprovalPending {
		return a, ErrDecided
	}
	if err := a.MayDecide(by); err != nil {
		return a, err
	}
	a.Decisions = append(slices.Clone(a.Decisions), ApprovalDecision{By: by.Name, Person: by.person(by.Name, by.Person),
		Approved: v.Approve, How: by.How, At: v.At, Note: cut(v.Note, maxRule)})
	switch {
	case !v.Approve:
		a.State, a.Ended = ApprovalDenied, v.At
	case a.Missing() == 0:
		a.State, a.Expires = ApprovalGiven, v.At.Add(a.Terms.Lasts())
	}
	return a, nil
}
