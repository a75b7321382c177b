package slackdesk_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/server/guard"
	"drawbridge/server/slackdesk"
	"drawbridge/server/webhook"
)

const signingSecret = "0123456789abcdef0123456789abcdef"

// world is a desk, an approval that it is about, and a chat that notes what is said.
type world struct {
	t    *testing.T
	desk *slackdesk.Desk

	mu       sync.Mutex
	now      time.Time
	approval guard.Approval
	postings map[string]guard.Posting // by message
	looked   map[string]string        // how the approval stood
	notices  int                      // that were told
	broken   error                    // what the book gives
	messages []said
	whispers []string
	emails   map[string]string
	unknown  error         // what asking who somebody is gives
	changing error         // what changing a message gives
	hold     chan struct{} // if set, the chat waits for it
	reached  chan struct{} // closed when somebody asks the chat who they are
}

type said struct {
	channel, text string
	blocks        string
	changes       int
}

var errGone = errors.New("gone")

func newWorld(t *testing.T, change func(*guard.Approval, *slackdesk.Options)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), postings: map[string]guard.Posting{}, looked: map[string]string{}, emails: map[string]string{}}
	w.approval = guard.Approval{ID: "apr_1", Principal: "agent:desk", For: "key:front", Run: "run_1", Tool: "payment_create_refund", Effect: "money", Arguments: json.RawMessage(`{"payment_id":"pi_1"}`),
		Rule: "refunds", Reason: "money goes out", Terms: guard.Terms{Within: time.Hour}, State: guard.ApprovalPending, Created: w.now, Expires: w.now.Add(time.Hour)}
	o := slackdesk.Options{Deciders: []string{"slack:U0ADA", "slack:U0BEN", "slack:U0FAY", "mail:cid@example.com"}, Key: []byte("key"), Answer: time.Hour, Now: w.clock,
		People: map[string]string{"slack:U0FAY": "fay", "key:front": "fay", "mail:cid@example.com": "cid", "slack:U0ADA": "ada"}, Gone: func(err error) bool { return errors.Is(err, errGone) }}
	if change != nil {
		change(&w.approval, &o)
	}
	verifier, err := webhook.NewVerifier(webhook.Slack, []webhook.Secret{{Value: signingSecret}}, webhook.SchemeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.desk = slackdesk.New(w, w, verifier, o)
	t.Cleanup(w.desk.Close)
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) Approval(_ context.Context, id string) (guard.Approval, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id != w.approval.ID {
		return guard.Approval{}, guard.ErrNoApproval
	}
	return w.approval.At(w.now), nil
}

func (w *world) DecideApproval(ctx context.Context, id string, by guard.Decider, v guard.ApprovalVerdict) (guard.Approval, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.broken != nil:
		return guard.Approval{}, w.broken
	case id != w.approval.ID:
		return guard.Approval{}, guard.ErrNoApproval
	}
	a, err := w.approval.Decide(by, v)
	if err == nil {
		w.approval = a
	}
	return a, err
}

func (w *world) stands() string {
	a := w.approval.At(w.now)
	return fmt.Sprint(a.State, len(a.Decisions))
}

func (w *world) Posted(ctx context.Context, n guard.Notice, p guard.Posting) error {
	w.mu.Lock()
	w.notices++
	w.mu.Unlock()
	return w.KeepPosting(ctx, p)
}

func (w *world) KeepPosting(_ context.Context, p guard.Posting) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.postings[p.ID]; !known {
		w.postings[p.ID] = p
	}
	return nil
}

func (w *world) DuePostings(context.Context, int) (due []guard.Posting, next time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, p := range w.postings {
		if w.looked[id] != w.stands() {
			p.Stands = w.stands()
			due = append(due, p)
		}
	}
	slices.SortFunc(due, func(a, b guard.Posting) int { return strings.Compare(a.ID, b.ID) })
	return due, w.approval.Expires, w.broken
}

func (w *world) Reposted(_ context.Context, p guard.Posting, r guard.Reposted) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.postings[p.ID]
	switch {
	case r.Over:
		delete(w.postings, p.ID)
		return nil
	case r.Problem != "":
		kept.Attempts++
	default:
		kept.Shown, w.looked[p.ID] = r.Shown, p.Stands
	}
	w.postings[p.ID] = kept
	return nil
}

func (w *world) Announce(_ context.Context, channel, text string, blocks []json.RawMessage) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages = append(w.messages, said{channel: channel, text: text, blocks: joined(blocks)})
	return fmt.Sprintf("1000000000.%06d", len(w.messages)-1), nil
}

func joined(blocks []json.RawMessage) string {
	raw, err := json.Marshal(blocks)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func (w *world) Change(_ context.Context, channel, id, text string, blocks []json.RawMessage) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changing != nil {
		return w.changing
	}
	var n int
	if _, err := fmt.Sscanf(id, "1000000000.%d", &n); err != nil || n >= len(w.messages) {
		return fmt.Errorf("no message %q", id)
	}
	w.messages[n] = said{channel, text, joined(blocks), w.messages[n].changes + 1}
	return nil
}

func (w *world) Whisper(_ context.Context, channel, user, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whispers = append(w.whispers, channel+" "+user+" "+text)
	return nil
}

func (w *world) Colleague(ctx context.Context, user string) (string, error) {
	if w.hold != nil {
		close(w.reached)
		select {
		case <-w.hold:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.emails[user], w.unknown
}

// told has the approval told in the channel, and gives the message.
func (w *world) told() said {
	w.t.Helper()
	if err := w.desk.Tell(w.t.Context(), guard.Notice{Approval: "apr_1", Target: "slack:C0APPROVE"}, w.approval); err != nil {
		w.t.Fatal(err)
	}
	return w.messages[len(w.messages)-1]
}

// step has messages changed, and gives the first one.
func (w *world) step() said {
	w.t.Helper()
	if _, err := w.desk.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.messages[0]
}

// value is what a button of a message sends.
func value(t *testing.T, m said, action string) string {
	t.Helper()
	var blocks []struct {
		Elements []struct {
			ActionID string `json:"action_id"`
			Value    string
		}
	}
	if err := json.Unmarshal([]byte(m.blocks), &blocks); err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks {
		for _, element := range block.Elements {
			if element.ActionID == action {
				return element.Value
			}
		}
	}
	t.Fatalf("the message has no button %s: %s", action, m.blocks)
	return ""
}

func clicked(user, message, action, value, note string) string {
	payload, err := json.Marshal(map[string]any{"type": "block_actions", "user": map[string]any{"id": user}, "container": map[string]any{"type": "message", "channel_id": "C0APPROVE", "message_ts": message},
		"actions": []any{map[string]any{"type": "button", "action_id": action, "value": value}}, "state": map[string]any{"values": map[string]any{"drawbridge_note": map[string]any{"drawbridge_note": map[string]any{"value": note}}}}})
	if err != nil {
		panic(err)
	}
	return url.Values{"payload": {string(payload)}}.Encode()
}

// request is one as Slack signs it.
func (w *world) request(body string, at time.Time, secret string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/slack/interactions", strings.NewReader(body))
	timestamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", timestamp, body)
	r.Header.Set("X-Slack-Request-Timestamp", timestamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func (w *world) send(r *http.Request) int {
	answer := httptest.NewRecorder()
	w.desk.ServeHTTP(answer, r)
	return answer.Code
}

// press has somebody press a button of the first message, and waits for what comes of it.
func (w *world) press(user, action, note string) (status int, whispers []string) {
	w.t.Helper()
	return w.pressed(user, "1000000000.000000", action, note)
}

func (w *world) pressed(user, message, action, note string) (status int, whispers []string) {
	w.t.Helper()
	w.mu.Lock()
	m, before := w.messages[0], len(w.whispers)
	w.mu.Unlock()
	status = w.send(w.request(clicked(user, message, action, value(w.t, m, action), note), w.clock(), signingSecret))
	w.desk.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return status, w.whispers[before:]
}

const (
	approve = "drawbridge_approve"
	deny    = "drawbridge_deny"
)
