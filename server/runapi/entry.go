package runapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// shownResult is how much of a result a stream shows, in bytes.
const shownResult = 64 << 10

// entry is what every entry of a journal shows.
type entry struct {
	Seq  int64            `json:"seq"`
	Kind bridge.EntryKind `json:"kind"`
	At   string           `json:"at"` // RFC 3339, in UTC
}

// What entries show beside that, by kind. The agent's instructions are its operator's
// and not shown, nor is what only the model's endpoint can read.
type (
	briefEntry struct {
		entry
		Agent     string   `json:"agent"`
		Model     string   `json:"model"`
		Fallback  []string `json:"fallback,omitempty"`
		Prompt    string   `json:"prompt"`
		Untrusted bool     `json:"untrusted"`
		Functions []string `json:"functions"`
	}
	answerEntry struct {
		entry
		Model      string       `json:"model"`
		Text       string       `json:"text"`
		Refusal    string       `json:"refusal,omitempty"`
		Calls      []askedCall  `json:"calls"`
		Finish     string       `json:"finish"`
		Tokens     answerTokens `json:"tokens"`
		CostMicros int64        `json:"cost_micros,omitempty"`
		Currency   string       `json:"currency,omitempty"`
	}
	askedCall struct {
		ID        string `json:"id"`
		Function  string `json:"function"`
		Arguments string `json:"arguments"`
	}
	answerTokens struct {
		Prompt     int `json:"prompt"`
		Completion int `json:"completion"`
		Cached     int `json:"cached"`
		Reasoning  int `json:"reasoning"`
	}
	intentEntry struct {
		entry
		Answer         int64           `json:"answer"`
		Index          int             `json:"index"`
		Function       string          `json:"function"`
		Tool           string          `json:"tool,omitempty"`
		Arguments      json.RawMessage `json:"arguments"`
		Effect         bridge.Effect   `json:"effect"`
		IdempotencyKey string          `json:"idempotency_key"`
		Again          int             `json:"again,omitempty"`
	}
	resultEntry struct {
		entry
		Answer       int64  `json:"answer"`
		Index        int    `json:"index"`
		IsError      bool   `json:"is_error"`
		Code         string `json:"code,omitempty"`
		Content      string `json:"content"`
		ContentBytes int    `json:"content_bytes"`
	}
	doubtEntry struct {
		entry
		Answer int64         `json:"answer"`
		Index  int           `json:"index"`
		Policy bridge.Policy `json:"policy"`
		Why    string        `json:"why"`
	}
	checkEntry struct {
		entry
		Answer    int64           `json:"answer"`
		Index     int             `json:"index"`
		Tool      string          `json:"tool"`
		Arguments json.RawMessage `json:"arguments"`
	}
	checkedEntry struct {
		entry
		Answer  int64          `json:"answer"`
		Index   int            `json:"index"`
		Finding bridge.Finding `json:"finding"`
		Why     string         `json:"why,omitempty"`
	}
	decisionEntry struct {
		entry
		Answer  int64          `json:"answer"`
		Index   int            `json:"index"`
		Verdict bridge.Verdict `json:"verdict"`
		By      string         `json:"by"`
	}
	approvalEntry struct {
		entry
		Answer    int64  `json:"answer"`
		Index     int    `json:"index"`
		Approval  string `json:"approval"`
		Tool      string `json:"tool"`
		ExpiresAt string `json:"expires_at"` // RFC 3339, in UTC
		Why       string `json:"why"`
	}
	approvedEntry struct {
		entry
		Answer   int64                `json:"answer"`
		Index    int                  `json:"index"`
		Approval string               `json:"approval"`
		State    bridge.ApprovalState `json:"state"`
		By       string               `json:"by,omitempty"`
		Why      string               `json:"why,omitempty"`
	}
	noteEntry struct {
		entry
		Why    bridge.NoteWhy `json:"why"`
		Reason bridge.Reason  `json:"reason,omitempty"`
		Text   string         `json:"text"`
	}
	foldEntry struct {
		entry
		Upto int64 `json:"upto"`
	}
	summaryEntry struct {
		entry
		Upto int64  `json:"upto"`
		Text string `json:"text"`
	}
	outcomeEntry struct {
		entry
		Status bridge.Status `json:"status"`
		Reason bridge.Reason `json:"reason"`
		Answer string        `json:"answer"`
	}
)

// entryOf is what an entry shows. One of a kind that has nothing to show shows that it
// is there.
func entryOf(e bridge.Entry) (any, error) {
	head := entry{e.Seq, e.Kind, e.At.UTC().Format(time.RFC3339Nano)}
	switch e.Kind {
	case bridge.EntryBrief:
		b, err := read[bridge.Brief](e)
		return briefEntry{head, b.Agent, b.Model, b.Fallback, b.Prompt, b.Tainted, orEmpty(b.Functions)}, err
	case bridge.EntryAnswer:
		a, err := read[openai.Answer](e)
		shown := answerEntry{entry: head, Model: a.Model, Text: a.Content, Refusal: a.Refusal, Calls: []askedCall{}, Finish: string(a.Finish),
			Tokens: answerTokens{a.Usage.Prompt, a.Usage.Completion, a.Usage.Cached, a.Usage.Reasoning}, CostMicros: a.Cost, Currency: a.Currency}
		for _, c := range a.Calls {
			shown.Calls = append(shown.Calls, askedCall{c.ID, c.Name, c.Arguments})
		}
		return shown, err
	case bridge.EntryIntent:
		i, err := read[bridge.Intent](e)
		return intentEntry{head, i.Answer, i.Index, i.Function, i.Tool, i.Arguments, i.Effect, i.Key, i.Again}, err
	case bridge.EntryResult:
		r, err := read[bridge.Result](e)
		content := r.Content
		if len(content) > shownResult {
			content = strings.ToValidUTF8(content[:shownResult], "")
		}
		return resultEntry{head, r.Answer, r.Index, r.IsError, string(r.Code), content, len(r.Content)}, err
	case bridge.EntryDoubt:
		d, err := read[bridge.Doubt](e)
		return doubtEntry{head, d.Answer, d.Index, d.Policy, d.Why}, err
	case bridge.EntryCheck:
		c, err := read[bridge.Check](e)
		return checkEntry{head, c.Answer, c.Index, c.Tool, c.Arguments}, err
	case bridge.EntryChecked:
		c, err := read[bridge.Checked](e)
		return checkedEntry{head, c.Answer, c.Index, c.Finding, c.Why}, err
	case bridge.EntryDecision:
		d, err := read[bridge.Decision](e)
		return decisionEntry{head, d.Answer, d.Index, d.Verdict, d.By}, err
	case bridge.EntryApproval:
		a, err := read[bridge.Approval](e)
		return approvalEntry{head, a.Answer, a.Index, a.ID, a.Tool, a.Expires.UTC().Format(time.RFC3339), a.Why}, err
	case bridge.EntryApproved:
		a, err := read[bridge.Approved](e)
		return approvedEntry{head, a.Answer, a.Index, a.ID, a.State, a.By, a.Reason}, err
	case bridge.EntryNote:
		n, err := read[bridge.Note](e)
		return noteEntry{head, n.Why, n.Reason, n.Text}, err
	case bridge.EntryFold:
		f, err := read[bridge.Fold](e)
		return foldEntry{head, f.Upto}, err
	case bridge.EntrySummary:
		s, err := read[bridge.Summary](e)
		return summaryEntry{head, s.Upto, s.Text}, err
	case bridge.EntryOutcome:
		o, err := read[bridge.Outcome](e)
		return outcomeEntry{head, o.Status, o.Reason, o.Answer}, err
	}
	return head, nil
}

func read[T any](e bridge.Entry) (body T, err error) {
	if err = json.Unmarshal(e.Body, &body); err != nil {
		err = fmt.Errorf("reading journal entry %d: %w", e.Seq, err)
	}
	return body, err
}

func orEmpty(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
