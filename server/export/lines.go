package export

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Line is one of this file's.
type Line interface{ kind() string }

// Event is an accepted event.
type Event struct {
	Kind        string              `json:"kind"`
	ID          string              `json:"id"`
	Source      string              `json:"source"`
	Key         string              `json:"key"`
	WeakKey     bool                `json:"weak_key,omitempty"`
	Status      string              `json:"status"`
	StatusAt    *Time               `json:"status_at,omitempty"`
	Note        string              `json:"note,omitempty"`
	ReceivedAt  *Time               `json:"received_at"`
	ProviderAt  *Time               `json:"provider_at,omitempty"`
	LastSeenAt  *Time               `json:"last_seen_at"`
	VerifiedBy  string              `json:"verified_by"`
	Duplicates  int                 `json:"duplicates"`
	Replays     int                 `json:"replays"`
	Delivery    string              `json:"delivery,omitempty"`
	Successor   string              `json:"successor,omitempty"`
	EditedFrom  string              `json:"edited_from,omitempty"`
	EditedBy    string              `json:"edited_by,omitempty"`
	EmptiedAt   *Time               `json:"emptied_at,omitempty"`
	ContentType string              `json:"content_type"`
	Headers     map[string][]string `json:"headers"`
	Body        string              `json:"body"`
	Encoding    string              `json:"body_encoding,omitempty"`
}

// Delivery is the whole body of a delivery that was several events.
type Delivery struct {
	Kind       string `json:"kind"`
	ID         string `json:"id"`
	Source     string `json:"source"`
	ReceivedAt *Time  `json:"received_at"`
	Body       string `json:"body"`
	Encoding   string `json:"body_encoding,omitempty"`
}

// Usage is what a run has used.
type Usage struct {
	Turns            int    `json:"turns"`
	Calls            int    `json:"calls"`
	PromptTokens     int    `json:"prompt_tokens"`
	CompletionTokens int    `json:"completion_tokens"`
	CachedTokens     int    `json:"cached_tokens"`
	ReasoningTokens  int    `json:"reasoning_tokens"`
	CostMicros       int64  `json:"cost_micros,omitempty"`
	Currency         string `json:"currency,omitempty"`
}

// Run is an agent's run.
type Run struct {
	Kind        string          `json:"kind"`
	ID          string          `json:"id"`
	Agent       string          `json:"agent"`
	Owner       string          `json:"owner,omitempty"`
	Source      string          `json:"source"`
	Event       string          `json:"event,omitempty"`
	Via         string          `json:"via,omitempty"`
	Replay      int             `json:"replay"`
	State       string          `json:"state"`
	Reason      string          `json:"reason,omitempty"`
	Dead        bool            `json:"dead,omitempty"`
	Tainted     bool            `json:"tainted"`
	Attempts    int             `json:"attempts"`
	Priority    string          `json:"priority"`
	Subject     string          `json:"subject,omitempty"`
	Usage       Usage           `json:"usage"`
	Worked      int64           `json:"worked_ms"`
	CreatedAt   *Time           `json:"created_at"`
	StartedAt   *Time           `json:"started_at,omitempty"`
	FinishedAt  *Time           `json:"finished_at,omitempty"`
	StartAt     *Time           `json:"start_at,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Callback    string          `json:"callback,omitempty"`
	Successor   string          `json:"successor,omitempty"`
	SuccessorOf string          `json:"successor_of,omitempty"`
	EditedBy    string          `json:"edited_by,omitempty"`
	EmptiedAt   *Time           `json:"emptied_at,omitempty"`
	Prompt      string          `json:"prompt"`
	PromptAs    string          `json:"prompt_encoding,omitempty"`
	Answer      string          `json:"answer"`
	AnswerAs    string          `json:"answer_encoding,omitempty"`
}

// Entry is one of a run's journal.
type Entry struct {
	Kind  string          `json:"kind"`
	Run   string          `json:"run"`
	Seq   int64           `json:"seq"`
	Entry string          `json:"entry"`
	At    *Time           `json:"at"`
	Data  json.RawMessage `json:"data"`
}

// Callback is what is owed for a run's end.
type Callback struct {
	Kind       string `json:"kind"`
	ID         string `json:"id"`
	Run        string `json:"run"`
	Endpoint   string `json:"endpoint"`
	State      string `json:"state"`
	Attempts   int    `json:"attempts"`
	LastStatus int    `json:"last_status,omitempty"`
	LastReason string `json:"last_reason,omitempty"`
	CreatedAt  *Time  `json:"created_at"`
	LastAt     *Time  `json:"last_at,omitempty"`
	Body       string `json:"body"`
	Encoding   string `json:"body_encoding,omitempty"`
}

// Attempt is one at a callback.
type Attempt struct {
	Kind     string  `json:"kind"`
	Callback string  `json:"callback"`
	N        int     `json:"n"`
	At       *Time   `json:"at"`
	Manual   bool    `json:"manual,omitempty"`
	State    string  `json:"state"`
	Status   int     `json:"status,omitempty"`
	Reason   string  `json:"reason,omitempty"`
	Latency  float64 `json:"latency_ms"`
	Remote   string  `json:"remote,omitempty"`
	Excerpt  string  `json:"excerpt,omitempty"`
	Encoding string  `json:"excerpt_encoding,omitempty"`
}

// Call is a row of the audit, in the order of its chain: the hashes are in hex, of the row
// before and of the row itself. One that has no place yet has none.
type Call struct {
	Kind      string          `json:"kind"`
	ID        int64           `json:"id"`
	At        *Time           `json:"at"`
	Principal string          `json:"principal"`
	Door      string          `json:"door"`
	Tool      string          `json:"tool"`
	Effect    string          `json:"effect"`
	Arguments json.RawMessage `json:"arguments"`
	Text      *string         `json:"arguments_text,omitempty"` // as it is stored, where that is not how arguments are written here
	Decision  string          `json:"decision"`
	Rule      string          `json:"rule,omitempty"`
	Outcome   string          `json:"outcome"`
	Duration  int64           `json:"duration_us"`
	Run       string          `json:"run,omitempty"`
	Key       string          `json:"idempotency_key,omitempty"`
	Tainted   bool            `json:"tainted,omitempty"`
	DryRun    bool            `json:"dry_run,omitempty"`
	Approval  string          `json:"approval,omitempty"`
	Policy    string          `json:"policy,omitempty"`
	Prev      string          `json:"prev,omitempty"`
	Hash      string          `json:"hash,omitempty"`
}

// Head is a signed head of the audit's chain, as server/audit writes it.
type Head struct{ JSON json.RawMessage }

// MarshalJSON gives the line.
func (h *Head) MarshalJSON() ([]byte, error) { return h.JSON, nil }

// Rejection is a refused delivery. Anybody may have written its excerpt.
type Rejection struct {
	Kind        string          `json:"kind"`
	At          *Time           `json:"at"`
	Source      string          `json:"source"`
	Remote      string          `json:"remote"`
	Status      int             `json:"status"`
	Reason      string          `json:"reason"`
	HeaderNames json.RawMessage `json:"header_names"`
	Excerpt     string          `json:"excerpt,omitempty"`
	Encoding    string          `json:"excerpt_encoding,omitempty"`
}

func (e *Event) kind() string     { return e.Kind }
func (d *Delivery) kind() string  { return d.Kind }
func (h *Head) kind() string      { return "audit_head" }
func (r *Run) kind() string       { return r.Kind }
func (e *Entry) kind() string     { return e.Kind }
func (c *Callback) kind() string  { return c.Kind }
func (a *Attempt) kind() string   { return a.Kind }
func (c *Call) kind() string      { return c.Kind }
func (r *Rejection) kind() string { return r.Kind }

// Time is one as lines have it.
type Time time.Time

// MarshalJSON writes milliseconds, always.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z"))
}

// At is a time of a line, nil for none.
func At(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	at := Time(t)
	return &at
}

// Text is bytes as a line has them: as they are if they are text, else in base64.
func Text(raw []byte) (text, encoding string) {
	if utf8.Valid(raw) {
		return string(raw), ""
	}
	return base64.StdEncoding.EncodeToString(raw), "base64"
}

// JSON is a value that is kept as text. What is none is a string of it.
func JSON(raw []byte) json.RawMessage {
	if json.Valid(raw) {
		return raw
	}
	text, err := json.Marshal(string(raw))
	if err != nil {
		return nil // a string always has one
	}
	return text
}

// Host is what may be told of an address that a request gave: its path may be as secret
// as its query. A name that is no address stays.
func Host(address string) string {
	if !strings.Contains(address, "://") {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return "…"
	}
	return u.Scheme + "://" + u.Host + "/…"
}
