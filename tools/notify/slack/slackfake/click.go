package slackfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Click is that somebody presses a button of a message.
type Click struct {
	User, Channel, TS string
	Button            string // what stands on it
	// Note is what they wrote into the message's text field before, if it has one.
	Note string
}

// Signed is a request as Slack makes it.
type Signed struct {
	Body, Timestamp, Signature string
}

// Press gives the request that Slack makes when a button is pressed, as the reference
// describes it (docs.slack.dev/reference/interaction-payloads/block_actions-payload). A
// button that is not there fails the test.
func (s *Server) Press(c Click) Signed {
	s.t.Helper()
	s.mu.Lock()
	m := s.messageOf(s.channelOf(c.Channel), c.TS)
	if m == nil {
		s.mu.Unlock()
		s.t.Fatalf("slackfake: there is no message %s in %s", c.TS, c.Channel)
	}
	blocks, text := m.Blocks, m.Text
	s.clicks++
	n := s.clicks
	s.mu.Unlock()
	var list []object
	if err := json.Unmarshal([]byte(blocks), &list); err != nil {
		s.t.Fatalf("slackfake: the message has the blocks %s", blocks)
	}
	values, action := object{}, object(nil)
	for _, block := range list {
		id, _ := block["block_id"].(string)
		if element, ok := block["element"].(object); ok {
			var typed any
			if c.Note != "" {
				typed = c.Note
			}
			values[id] = object{element["action_id"].(string): object{"type": element["type"], "value": typed}}
		}
		elements, _ := block["elements"].([]any)
		for _, one := range elements {
			button, _ := one.(object)
			label, _ := button["text"].(object)
			if button["type"] == "button" && label["text"] == c.Button {
				action = object{"type": "button", "action_id": button["action_id"], "block_id": id, "value": button["value"], "text": label, "style": button["style"], "action_ts": fmt.Sprintf("%d.%06d", time.Now().Unix(), n)}
			}
		}
	}
	if action == nil {
		s.t.Fatalf("slackfake: the message has no button %q: %s", c.Button, blocks)
	}
	payload := object{
		"type": "block_actions", "user": object{"id": c.User, "username": "somebody", "name": "somebody", "team_id": Team}, "api_app_id": "A0FAKE001", "token": "deprecated",
		"container":  object{"type": "message", "message_ts": c.TS, "channel_id": c.Channel, "is_ephemeral": false},
		"trigger_id": fmt.Sprintf("%d.%d.abcdef", n, n), "team": object{"id": Team, "domain": "fake"}, "enterprise": nil, "is_enterprise_install": false,
		"channel": object{"id": c.Channel, "name": "approvals"}, "message": object{"type": "message", "ts": c.TS, "text": text, "blocks": json.RawMessage(blocks)},
		"state": object{"values": values}, "response_url": s.URL + "actions/T0FAKE001/1/abc", "actions": []object{action},
	}
	return s.Sign(url.Values{"payload": {string(encode(payload))}}.Encode(), time.Now())
}

// Sign signs a body as Slack does (docs.slack.dev/authentication/verifying-requests-from-slack).
func (s *Server) Sign(body string, at time.Time) Signed {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(SigningSecret))
	_, _ = io.WriteString(mac, "v0:"+timestamp+":"+body)
	return Signed{Body: body, Timestamp: timestamp, Signature: "v0=" + hex.EncodeToString(mac.Sum(nil))}
}

// Send makes a signed request, and gives the status of the answer.
func (s *Server) Send(address string, r Signed) int {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, address, strings.NewReader(r.Body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	request.Header.Set("X-Slack-Request-Timestamp", r.Timestamp)
	request.Header.Set("X-Slack-Signature", r.Signature)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode
}
