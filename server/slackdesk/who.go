package slackdesk

import (
	"context"
	"slices"
	"strings"

	"drawbridge/server/guard"
)

// who gives the name by which whoever pressed a button decides, "" if they may not. A
// user's id needs no question; for an address Slack is asked who the user is.
func (d *Desk) who(ctx context.Context, user string) (string, error) {
	if name := Prefix + user; slices.Contains(d.o.Deciders, name) {
		return name, nil
	}
	if !slices.ContainsFunc(d.o.Deciders, func(name string) bool { return strings.HasPrefix(name, "mail:") }) {
		return "", nil
	}
	email, err := d.chat.Colleague(ctx, user)
	if name := "mail:" + email; err == nil && email != "" && slices.Contains(d.o.Deciders, name) {
		return name, nil
	}
	return "", err
}

func (d *Desk) decider(name string) guard.Decider {
	return guard.Decider{Name: name, Person: d.o.People[name], How: "slack", People: d.o.People}
}
