package slackfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// contract is what the reference says of a method: its arguments with their forms, which
// of them it needs, the scopes of a bot that it needs, and how it is called.
type contract struct {
	arguments map[string]form
	required  []string
	scopes    []string
	do        func(s *Server, form url.Values) object
}

// form is what a value looks like; it gives what is wrong with one.
type form func(value string) string

func text(string) string { return "" }

func flag(value string) string {
	if !slices.Contains([]string{"true", "false", "1", "0"}, value) {
		return "is no boolean"
	}
	return ""
}

func matching(pattern, what string) form {
	compiled := regexp.MustCompile(pattern)
	return func(value string) string {
		if !compiled.MatchString(value) {
			return "is no " + what
		}
		return ""
	}
}

func upTo(most int) form {
	return func(value string) string {
		if n, err := strconv.Atoi(value); err != nil || n < 1 || n > most {
			return fmt.Sprintf("is no number of 1 to %d", most)
		}
		return ""
	}
}

func structured(value string) string {
	if !json.Valid([]byte(value)) {
		return "is no JSON"
	}
	return ""
}

var (
	userID     = matching(`^[UW][A-Z0-9]{2,}$`, "id of a user")
	userIDs    = matching(`^[UW][A-Z0-9]{2,}(,[UW][A-Z0-9]{2,}){0,7}$`, "list of ids of users")
	channelID  = matching(`^[CDG][A-Z0-9]{6,}$`, "id of a channel")
	timestamp  = matching(`^\d{10}\.\d{6}$`, "timestamp of a message")
	messageArg = map[string]form{"channel": channelID, "text": text, "blocks": blocks, "attachments": structured, "parse": matching(`^(full|none)$`, "way to parse"), "link_names": flag, "as_user": flag}
)

func with(some map[string]form, more map[string]form) map[string]form {
	all := maps.Clone(some)
	maps.Copy(all, more)
	return all
}

// contracts are by the reference of each method, docs.slack.dev/reference/methods.
var contracts map[string]*contract

func init() {
	contracts = map[string]*contract{
		"auth.test": {do: (*Server).authTest},
		"chat.postMessage": {scopes: []string{"chat:write"}, required: []string{"channel"}, do: (*Server).postMessage,
			arguments: with(messageArg, map[string]form{"thread_ts": timestamp, "reply_broadcast": flag, "unfurl_links": flag, "unfurl_media": flag, "mrkdwn": flag,
				"metadata": structured, "username": text, "icon_emoji": text, "icon_url": text, "markdown_text": text})},
		"chat.update": {scopes: []string{"chat:write"}, required: []string{"channel", "ts"}, do: (*Server).update,
			arguments: with(messageArg, map[string]form{"ts": timestamp, "metadata": structured, "reply_broadcast": flag, "file_ids": structured, "markdown_text": text})},
		"chat.postEphemeral": {scopes: []string{"chat:write"}, required: []string{"channel", "user"}, do: (*Server).whisper,
			arguments: with(messageArg, map[string]form{"user": userID, "thread_ts": timestamp, "username": text, "icon_emoji": text, "icon_url": text, "markdown_text": text})},
		"conversations.list": {scopes: []string{"channels:read", "groups:read"}, do: (*Server).list, arguments: map[string]form{"cursor": text, "limit": upTo(999), "exclude_archived": flag,
			"types": matching(`^(public_channel|private_channel|mpim|im)(,(public_channel|private_channel|mpim|im))*$`, "list of types"), "team_id": text}},
		"conversations.info": {required: []string{"channel"}, do: (*Server).info,
			arguments: map[string]form{"channel": channelID, "include_locale": flag, "include_num_members": flag}},
		"conversations.open": {scopes: []string{"im:write"}, do: (*Server).open,
			arguments: map[string]form{"channel": channelID, "users": userIDs, "return_im": flag, "prevent_creation": flag}},
		"conversations.replies": {required: []string{"channel", "ts"}, do: (*Server).replies,
			arguments: map[string]form{"channel": channelID, "ts": timestamp, "cursor": text, "limit": upTo(1000), "inclusive": flag, "latest": text, "oldest": text, "include_all_metadata": flag}},
		"users.info": {scopes: []string{"users:read"}, required: []string{"user"}, do: (*Server).user, arguments: map[string]form{"user": userID, "include_locale": flag}},
		"users.lookupByEmail": {scopes: []string{"users:read.email"}, required: []string{"email"}, do: (*Server).lookupByEmail,
			arguments: map[string]form{"email": matching(`^[^@\s]+@[^@\s]+$`, "address")}},
	}
}

// broken says what is wrong with a request; "" if nothing is.
func (c *contract) broken(r *http.Request) string {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		return "it is sent by " + r.Method
	case r.Method == http.MethodPost && kind != "application/x-www-form-urlencoded":
		return "its body is " + kind
	case r.URL.Query().Has("token"):
		return "the token stands in the address, where logs show it"
	}
	for name, values := range r.Form {
		check := c.arguments[name]
		switch {
		case name == "token":
		case check == nil:
			return fmt.Sprintf("there is no argument %q", name)
		case len(values) != 1:
			return fmt.Sprintf("the argument %q is there %d times", name, len(values))
		default:
			if problem := check(values[0]); problem != "" {
				return fmt.Sprintf("%s=%q %s", name, values[0], problem)
			}
		}
	}
	for _, name := range c.required {
		if r.Form.Get(name) == "" {
			return fmt.Sprintf("the argument %q is missing", name)
		}
	}
	return ""
}
