package callback

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

// Message is what a receiver is told. It follows the section "Payload structure"
// of the Standard Webhooks specification.
type Message struct {
	// ID is the webhook-id header: the same for every attempt, so that a receiver
	// can tell a repeated message from a new one. It has no full stop.
	ID        string
	Type      string // what happened, in words joined by full stops: "run.succeeded"
	Timestamp time.Time
	Data      json.RawMessage
}

var typeRule = regexp.MustCompile(`^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$`)

// Body is the JSON to store and send. Equal messages give equal bytes. A type that
// is not dotted words, and data that is not JSON, are errors.
func (m Message) Body() ([]byte, error) {
	if !typeRule.MatchString(m.Type) {
		return nil, fmt.Errorf("encoding message %q: type %q is not words joined by full stops", m.ID, m.Type)
	}
	body, err := json.Marshal(struct {
		Type      string          `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{m.Type, m.Timestamp.UTC(), m.Data})
	if err != nil {
		return nil, fmt.Errorf("encoding message %q: %w", m.ID, err)
	}
	return body, nil
}
