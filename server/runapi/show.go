package runapi

import (
	"context"
	"net/http"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/apihttp"
	"drawbridge/server/dispatch"
)

// shown is a run as lists have it. Times are in seconds since 1970. Each member stands
// in the document, and a test holds them against each other.
type shown struct {
	ID         string            `json:"id"`
	Object     string            `json:"object"`
	Agent      string            `json:"agent"`
	State      dispatch.State    `json:"state"`
	Reason     string            `json:"reason,omitempty"`
	Answer     string            `json:"answer"`
	Usage      usage             `json:"usage"`
	Source     string            `json:"source"`
	Event      string            `json:"event,omitempty"`
	Owner      string            `json:"owner,omitempty"`
	Untrusted  bool              `json:"untrusted"`
	Priority   string            `json:"priority"`
	Metadata   map[string]string `json:"metadata"`
	Callback   string            `json:"callback_url,omitempty"`
	Budget     *budget           `json:"budget,omitempty"`
	Gate       dispatch.Gate     `json:"gate,omitempty"`
	CreatedAt  int64             `json:"created_at"`
	StartAt    *int64            `json:"start_at"`
	StartedAt  *int64            `json:"started_at"`
	FinishedAt *int64            `json:"finished_at"`
}

// whole is a run with what its journal and its callbacks tell.
type whole struct {
	shown
	Calls     []dispatch.CallReport `json:"calls"`
	Unknown   []unknownCall         `json:"unknown"`
	Approvals []awaitedApproval     `json:"approvals"`
	Callbacks []callback            `json:"callbacks"`
}

// budget is what bounds a run in place of its agent's budget.
type budget struct {
	Turns      int    `json:"turns,omitempty"`
	Calls      int    `json:"calls,omitempty"`
	Tokens     int    `json:"tokens,omitempty"`
	Wall       string `json:"wall,omitempty"`
	CostMicros int64  `json:"cost_micros,omitempty"`
	Currency   string `json:"currency,omitempty"`
}

func budgetOf(b bridge.Budget) *budget {
	if b == (bridge.Budget{}) {
		return nil
	}
	shown := budget{Turns: b.Turns, Calls: b.Calls, Tokens: b.Tokens, CostMicros: b.Cost, Currency: b.Currency}
	if b.Wall > 0 {
		shown.Wall = b.Wall.String()
	}
	return &shown
}

type usage struct {
	Turns            int `json:"turns"`
	Calls            int `json:"calls"`
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	CachedTokens     int `json:"cached_tokens"`
	ReasoningTokens  int `json:"reasoning_tokens"`
	// CostMicros is in millionths of a unit of Currency.
	CostMicros int64  `json:"cost_micros"`
	Currency   string `json:"currency,omitempty"`
}

// callback is a message about the run's end, and how it stands.
type callback struct {
	ID         string                 `json:"id"`
	State      dispatch.CallbackState `json:"state"`
	Attempts   int                    `json:"attempts"`
	LastStatus int                    `json:"last_status,omitempty"`
	LastReason string                 `json:"last_reason,omitempty"`
	LastAt     *int64                 `json:"last_at"`
	NextAt     *int64                 `json:"next_at"`
}

func usageOf(u bridge.Usage) usage {
	return usage{u.Turns, u.Calls, u.PromptTokens, u.CompletionTokens, u.CachedTokens, u.ReasoningTokens, u.Cost, u.Currency}
}

func show(run dispatch.Run) shown {
	s := shown{
		ID: run.ID, Object: "run", Agent: run.Agent, State: run.State, Reason: run.Reason, Answer: run.Answer, Usage: usageOf(run.Usage),
		Source: run.Source, Event: run.Event, Owner: run.Owner, Untrusted: run.Tainted, Priority: priorityName(run.Priority), Metadata: run.Metadata,
		Callback: run.CallbackURL, Budget: budgetOf(run.Budget), Gate: run.Gate, CreatedAt: run.Created.Unix(), StartAt: seconds(run.StartAt), StartedAt: seconds(run.Started), FinishedAt: seconds(run.FinishedAt),
	}
	if s.Metadata == nil {
		s.Metadata = map[string]string{}
	}
	return s
}

// showWhole reads what a run's row does not have.
func (a *API) showWhole(ctx context.Context, run dispatch.Run) (whole, error) {
	s := whole{shown: show(run), Callbacks: []callback{}}
	entries, err := a.reader.Entries(ctx, run.ID)
	if err != nil {
		return s, err
	}
	if s.Calls, err = dispatch.Calls(entries); err != nil {
		return s, err
	}
	if s.Unknown, err = unknownOf(run, entries); err != nil {
		return s, err
	}
	if s.Approvals, err = approvalsOf(run, entries); err != nil {
		return s, err
	}
	if !run.State.Ended() {
		used, err := bridge.UsageOf(run.ID, entries)
		if err != nil {
			return s, err
		}
		s.Usage = usageOf(used)
	}
	callbacks, err := a.reader.Callbacks(ctx, run.ID)
	for _, c := range callbacks {
		s.Callbacks = append(s.Callbacks, callback{c.ID, c.State, c.Attempts, c.LastStatus, c.LastReason, seconds(c.LastAt), seconds(c.Due)})
	}
	return s, err
}

func seconds(at time.Time) *int64 {
	if at.IsZero() {
		return nil
	}
	n := at.Unix()
	return &n
}

// look answers GET /v1/runs/{id}: at once, when there is something to tell, or with
// all that there will be to tell.
func (a *API) look(w http.ResponseWriter, r *http.Request) {
	q, fault := lookOf(r)
	if fault != nil {
		fault.Write(w)
		return
	}
	switch {
	case q.stream:
		a.door.Counted(func(w http.ResponseWriter, r *http.Request) { a.stream(w, r, q.behind) })(w, r)
	case q.wait > 0:
		a.door.Counted(func(w http.ResponseWriter, r *http.Request) { a.wait(w, r, q) })(w, r)
	default:
		if run, ok := a.find(w, r); ok {
			a.answerWhole(w, r, http.StatusOK, run)
		}
	}
}

func (a *API) answerWhole(w http.ResponseWriter, r *http.Request, status int, run dispatch.Run) {
	s, err := a.showWhole(r.Context(), run)
	if err != nil {
		a.door.Fault(w, r, "showing a run", err)
		return
	}
	apihttp.Answer(w, status, s)
}
