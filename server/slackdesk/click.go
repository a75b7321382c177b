package slackdesk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// click is a button that somebody has pressed.
type click struct {
	user, channel, message string
	action, value          string
	note                   string
}

var (
	userForm    = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)
	channelForm = regexp.MustCompile(`^[CDG][A-Z0-9]{6,20}$`)
	stampForm   = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{1,6}$`)
)

// payload is what of an interaction's payload counts here
// (docs.slack.dev/reference/interaction-payloads/block_actions-payload).
type payload struct {
	Type string `json:"type"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Container struct {
		Type      string `json:"type"`
		ChannelID string `json:"channel_id"`
		MessageTS string `json:"message_ts"`
	} `json:"container"`
	Actions []struct {
		Type     string `json:"type"`
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
	} `json:"actions"`
	State struct {
		Values map[string]map[string]struct {
			Value *string `json:"value"`
		} `json:"values"`
	} `json:"state"`
}

// readClick reads what Slack sends when something of a message is used: a form whose one
// member payload is JSON. ours is false for what has nothing to do with our buttons.
func readClick(body []byte) (c click, ours bool, err error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["payload"]) != 1 {
		return c, false, errors.New("the body is no form with one payload")
	}
	var p payload
	if err := json.Unmarshal([]byte(form.Get("payload")), &p); err != nil {
		return c, false, errors.New("the payload is no JSON of an interaction")
	}
	if p.Type != "block_actions" || p.Container.Type != "message" {
		return c, false, nil
	}
	for _, action := range p.Actions {
		if action.Type != "button" || action.ActionID != actionApprove && action.ActionID != actionDeny {
			continue
		}
		if ours {
			return c, false, errors.New("two buttons are pressed at once")
		}
		ours, c.action, c.value = true, action.ActionID, action.Value
	}
	if !ours {
		return c, false, nil
	}
	c.user, c.channel, c.message = p.User.ID, p.Container.ChannelID, p.Container.MessageTS
	if note := p.State.Values[noteField][noteField].Value; note != nil {
		c.note, _ = cut(strings.TrimSpace(strings.ToValidUTF8(*note, "?")), mostNote)
	}
	switch {
	case !userForm.MatchString(c.user):
		return c, false, fmt.Errorf("nobody can be told by the user %q", line(c.user, 40))
	case !channelForm.MatchString(c.channel), !stampForm.MatchString(c.message):
		return c, false, errors.New("the message is in no channel")
	}
	return c, true, nil
}
