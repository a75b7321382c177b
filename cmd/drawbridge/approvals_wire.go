package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"drawbridge/config"
	"drawbridge/server/approvalapi"
	"drawbridge/server/callback"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/slackdesk"
	"drawbridge/server/webhook"
	"drawbridge/store/postgres"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/email"
)

// askingApprovals is the store as the guard asks it: whoever is to be told of a new
// approval is noted with it, and a store that is away for a moment is waited for.
type askingApprovals struct {
	store   *state.Store
	targets []string
}

func (a askingApprovals) Ask(ctx context.Context, wanted guard.Approval) (found guard.Approval, err error) {
	wanted.Notify = a.targets
	err = patiently(ctx, whatever, func() error { // the same call finds the one that it made
		found, err = a.store.Ask(ctx, wanted)
		return err
	})
	return found, err
}

// Use is tried again only if it did not begin, as a claim is.
func (a askingApprovals) Use(ctx context.Context, id string, at time.Time, c *guard.Claim) (prior guard.Prior, err error) {
	err = patiently(ctx, postgres.NotBegun, func() error {
		prior, err = a.store.Use(ctx, id, at, c)
		return err
	})
	return prior, err
}

// noticeTargets are those whom the settings want to be told.
func noticeTargets(c config.Approvals) []string {
	var targets []string
	for _, address := range c.Notify.Email {
		targets = append(targets, approvalapi.MailTarget+address)
	}
	if c.Notify.Webhook != nil {
		targets = append(targets, approvalapi.WebhookTarget)
	}
	if c.Notify.Slack != nil {
		targets = append(targets, approvalapi.SlackTarget+c.Notify.Slack.Channel)
	}
	return targets
}

// peopleOf is whose each name is.
func peopleOf(c config.Approvals) map[string]string {
	people := map[string]string{}
	for person, names := range c.People {
		for _, name := range names {
			people[name] = person
		}
	}
	return people
}

// wireApprovals makes what people decide with: the API, the pages of links, and whoever
// sends the links.
func (a *app) wireApprovals(ctx context.Context) (*approvalapi.API, error) {
	secret, err := a.store.OwnSecret(ctx, "approval links")
	if err != nil {
		return nil, err
	}
	links := approvalapi.NewLinks(secret, a.cfg.Server.PublicURL)
	o := approvalapi.Options{People: peopleOf(a.cfg.Approvals), Limits: a.limits, Hosts: publicHosts(a.cfg.Server.PublicURL), Reached: guardReached(), Log: a.log}
	a.approvalPages = approvalapi.NewPages(a.store, links, o)
	a.notifier = &approvalapi.Notifier{Book: a.store, Links: links, Mail: a.mailNotice, Now: time.Now, Log: a.log}
	if hook := a.cfg.Approvals.Notify.Webhook; hook != nil {
		a.notifier.Post = func(ctx context.Context, id string, body []byte) error {
			result := a.sender.Send(ctx, callback.Attempt{ID: id, URL: hook.URL, Origin: callback.Configured, Secrets: []callback.Secret{{Text: a.secrets.Load().Approvals.Notify.Webhook.Secret.Reveal()}}, Body: body})
			if result.Verdict != callback.Delivered {
				return errors.New(result.Reason)
			}
			return nil
		}
	}
	if err := a.wireDesk(ctx, o.People); err != nil {
		return nil, err
	}
	return approvalapi.New(a.store, o), nil
}

// wireDesk makes what people in Slack decide with, if the settings want it.
func (a *app) wireDesk(ctx context.Context, people map[string]string) error {
	s := a.cfg.Approvals.Notify.Slack
	if s == nil || a.backends.slack == nil {
		return nil
	}
	key, err := a.store.OwnSecret(ctx, "approval buttons")
	if err != nil {
		return err
	}
	verifier, err := slackVerifier(*s)
	if err != nil {
		return config.Problems{a.cfg.Problem("approvals.notify.slack.signing_secret", "%v", err)}
	}
	a.desk = slackdesk.New(a.store, a.backends.slack, verifier, slackdesk.Options{Deciders: s.Deciders, People: people, Key: key, Gone: messageGone, Log: a.log})
	a.cleanup(func(context.Context) error {
		a.desk.Close()
		return nil
	})
	a.notifier.Slack = a.desk.Tell
	return nil
}

func slackVerifier(s config.ApprovalSlack) (webhook.Verifier, error) {
	return webhook.NewVerifier(webhook.Slack, []webhook.Secret{{Value: s.SigningSecret.Reveal()}}, webhook.SchemeOptions{})
}

// messageGone reports whether an error says that a message can never be changed.
func messageGone(err error) bool {
	code := tools.CodeOf(err)
	return code == tools.NotFound || code == tools.Conflict
}

// mailNotice sends a mail through the family of e-mail, once a key.
func (a *app) mailNotice(ctx context.Context, m approvalapi.Mail) error {
	sum := sha256.Sum256([]byte(m.Key))
	ctx = tools.WithKey(ctx, "notice_"+hex.EncodeToString(sum[:]))
	_, err := email.New(a.backends.mailer()).Send(ctx, email.Content{Recipients: email.Recipients{To: []string{m.To}}, Subject: cutText(m.Subject, 200), Text: m.Text})
	return err
}

// cutText shortens a text to so many characters.
func cutText(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// stepNotices tells people of approvals, and has what they were told in Slack show how
// these stand. It says when there is more to do; zero if that is not known.
func (a *app) stepNotices(ctx context.Context) (time.Time, error) {
	next, err := a.notifier.Step(ctx)
	if a.desk == nil {
		return next, err
	}
	later, problem := a.desk.Step(ctx)
	if next.IsZero() || !later.IsZero() && later.Before(next) {
		next = later
	}
	return next, errors.Join(err, problem)
}

// noticeLook is how often notices are looked for that other processes have made.
const noticeLook = 5 * time.Second

// notify tells people of approvals until ctx ends.
func (a *app) notify(ctx context.Context) {
	for ctx.Err() == nil {
		next, err := a.stepNotices(ctx)
		pause := noticeLook
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.Error("telling people of approvals", "err", err)
		case err == nil && !next.IsZero():
			pause = min(pause, max(time.Until(next), time.Millisecond))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-a.store.Wake(dispatch.Notices):
		case <-ctx.Done():
		}
		timer.Stop()
	}
}
