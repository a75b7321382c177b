package webhook

import "time"

// slackScheme follows "Verifying requests from Slack" (docs.slack.dev): v0= and the
// HMAC of "v0:timestamp:body". Events have an id in the body; slash commands and
// interactions, which are forms, have none.
var slackScheme = scheme{
	name: Slack,
	forms: []form{{
		names:  spelling{signature: "X-Slack-Signature", timestamp: "X-Slack-Request-Timestamp"},
		unit:   time.Second,
		signed: []string{"v0:", timestampField, ":", bodyField},
		ways:   []way{{"v0=", hexEncoding, hmacSHA256}},
	}},
	readKey:   textKey,
	challenge: slackChallenge,
	inside:    objectID("event_id", "event_time"),
	keep:      []string{"X-Slack-Retry-Num", "X-Slack-Retry-Reason"},
}

// slackChallenge answers the request that Slack sends when the address is entered
// ("url_verification"). It is signed like an event, and is none.
func slackChallenge(body []byte) (Reply, bool) {
	kind := jsonText(members(body, "type")["type"])
	if kind != "url_verification" {
		return Reply{}, false
	}
	challenge := jsonText(members(body, "challenge")["challenge"])
	return Reply{ContentType: plainText, Body: []byte(challenge)}, true
}

const plainText = "text/plain; charset=utf-8"
