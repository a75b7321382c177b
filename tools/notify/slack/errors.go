package slack

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"drawbridge/tools"
)

// readError is what a read's failure means. Nothing was changed by it.
func (b *Backend) readError(ctx context.Context, method string, err error, x *exchange) error {
	if answered := b.refusal(method, err, x); answered != nil {
		return answered
	}
	if ctx.Err() != nil {
		return ctx.Err() // the family knows what it means
	}
	return tools.Errorf(tools.Unavailable, "Slack cannot be reached, or its answer cannot be read, at the moment; nothing was changed. Try again later.")
}

// writeError is what a write's failure means: it was refused; nothing was sent; or else
// nobody can say.
func (b *Backend) writeError(ctx context.Context, method string, err error, x *exchange) error {
	if answered := b.refusal(method, err, x); answered != nil {
		return answered
	}
	if errors.Is(err, errNothingSent) || x.status == 0 && !x.sent() {
		return tools.Errorf(tools.Unavailable, "Slack cannot be reached at the moment; nothing was changed. Try again later.")
	}
	return tools.Errorf(tools.OutcomeUnknown, "Slack's answer was lost, or says that something went wrong there; the message may stand in the channel all the same. Do not post it again unless a person says so.")
}

// perhapsDone are the errors by which Slack says, or does not deny, that a part of what was
// asked for may have been done.
var perhapsDone = map[string]bool{"internal_error": true, "fatal_error": true, "service_unavailable": true}

// refusal is the error of a request that was refused, and that therefore had no effect; nil
// if it is none.
func (b *Backend) refusal(method string, err error, x *exchange) error {
	var ready *tools.Error
	if errors.As(err, &ready) {
		return ready
	}
	name := x.answer.Error
	switch {
	case x.status == http.StatusTooManyRequests, tooMuch[name]:
		return b.slowDown(method, x)
	case x.status == http.StatusUnauthorized:
		return badToken("HTTP 401")
	case x.status == http.StatusForbidden, x.status == http.StatusProxyAuthRequired:
		return tools.Errorf(tools.Denied, "Slack, or something in front of it, refuses our requests (HTTP %d); nothing was changed. A person has to look at tools.notify and at the way out.", x.status)
	case x.status >= 400 && x.status < 500 && x.status != http.StatusRequestTimeout:
		return tools.Errorf(tools.Unavailable, "what answers at Slack's address refuses the request (HTTP %d); nothing was changed. A person has to look at tools.notify.", x.status)
	case x.status != http.StatusOK, x.answer.OK, name == "", perhapsDone[name]:
		return nil
	}
	return named(method, name, x.answer.Needed)
}

var tooMuch = map[string]bool{"ratelimited": true, "rate_limited": true, "message_limit_exceeded": true}

func (b *Backend) slowDown(method string, x *exchange) error {
	after := retryAfter(x.header)
	if after == 0 {
		after = time.Second
	}
	b.pace.hold(method, after)
	return limited(after)
}

func badToken(name string) error {
	return tools.Errorf(tools.Denied, "Slack does not take our token (%s): it is wrong, expired or revoked, or the app was removed. A person has to put a new one into the settings (tools.notify.token); nothing was changed.", name)
}

// meaning is what an error of Slack's is to us, and what to do about it.
type meaning struct {
	code tools.Code
	text string
}

// meanings are those of the errors that Slack documents for the methods in use.
var meanings = map[string]meaning{
	"channel_not_found":         {tools.NotFound, "there is no such channel that we can see; find it with notify_list_channels. A private one shows up once we were invited to it"},
	"not_in_channel":            {tools.Denied, "we are not in this channel: somebody who is has to invite the app (/invite). Ask for that, or post where we are"},
	"is_archived":               {tools.Conflict, "the channel is archived; post in another"},
	"is_inactive":               {tools.Conflict, "the channel is archived or frozen; post in another"},
	"msg_too_long":              {tools.Invalid, "the text is too long; say it shorter, or in several messages of one thread"},
	"msg_blocks_too_long":       {tools.Invalid, "the text is too long; say it shorter, or in several messages of one thread"},
	"no_text":                   {tools.Invalid, "the text is empty"},
	"thread_not_found":          {tools.NotFound, "there is no such message in this channel; give thread_id and channel as the post returned them"},
	"message_not_found":         {tools.NotFound, "there is no such message in this channel; give thread_id and channel as the post returned them"},
	"invalid_thread_ts":         {tools.Invalid, "thread_id is none of Slack's; give it as the post returned it"},
	"invalid_ts_latest":         {tools.Invalid, "thread_id is none of Slack's; give it as the post returned it"},
	"invalid_cursor":            {tools.Invalid, "cursor: it is none that was given out here, or has run out; begin without one"},
	"cannot_reply_to_message":   {tools.Conflict, "nobody can answer under this message; post one of its own"},
	"cant_update_message":       {tools.Conflict, "this message cannot be changed"},
	"edit_window_closed":        {tools.Conflict, "this message cannot be changed any more"},
	"users_not_found":           {tools.NotFound, "there is nobody of this address in the workspace; look at the spelling, or ask for the address that the person has there"},
	"user_not_found":            {tools.NotFound, "there is nobody of this id; find the person with notify_find_person"},
	"user_not_visible":          {tools.NotFound, "there is nobody of this id that we can see; find the person with notify_find_person"},
	"user_not_in_channel":       {tools.Conflict, "the person is not in this channel"},
	"user_disabled":             {tools.Conflict, "the person's account is deactivated; write to somebody else"},
	"cannot_dm_bot":             {tools.Conflict, "this is a program, which takes no direct messages"},
	"messages_tab_disabled":     {tools.Denied, "the app takes no part in direct messages; whoever runs it has to switch on the messages tab of its App Home"},
	"posting_to_channel_denied": {tools.Denied, "Slack does not let us post there"},
	"restricted_action":         {tools.Denied, "an administrator of the workspace does not let us do that"},
	"team_added_to_org":         {tools.Unavailable, "the workspace is being moved into an organization; try again later"},
	"request_timeout":           {tools.Unavailable, "the request did not reach Slack whole; try again"},
}

// named is the meaning of an error that Slack gives by its name.
func named(method, name, needed string) error {
	shown := word.FindString(name)
	if shown != name {
		shown = "an error whose name cannot be shown"
	}
	switch name {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "invalid_token":
		return badToken(name)
	case "missing_scope":
		if scope := word.FindString(needed); scope != "" && scope == needed {
			return tools.Errorf(tools.Denied, "our token lacks the scope %s at Slack for %s. A person has to add it to the app and install it again; nothing was changed.", scope, method)
		}
		return tools.Errorf(tools.Denied, "our token lacks a scope at Slack for %s. A person has to look at what the app may do; nothing was changed.", method)
	case "no_permission", "not_allowed_token_type", "access_denied", "accesslimited", "ekm_access_denied", "team_access_not_granted", "two_factor_setup_required", "org_login_required", "enterprise_is_restricted":
		return tools.Errorf(tools.Denied, "Slack does not let our token do this (%s). A person has to look at what the app may do; nothing was changed.", name)
	}
	if m, known := meanings[name]; known {
		return tools.Errorf(m.code, "%s; nothing was changed (%s).", m.text, name)
	}
	if strings.HasPrefix(name, "restricted_action_") {
		return tools.Errorf(tools.Denied, "%s; nothing was changed (%s).", meanings["restricted_action"].text, shown)
	}
	return tools.Errorf(tools.Invalid, "Slack refuses this: %s. Nothing was changed.", shown)
}

// word is what a name of an error, or of a scope, is made of.
var word = regexp.MustCompile(`^[a-z][a-z0-9_:.,-]{0,79}`)
