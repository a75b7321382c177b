package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"drawbridge/bridge"
	"drawbridge/config"
	"drawbridge/server/mailwatch"
	"drawbridge/tools/email/imap"
)

// wireMail makes what makes events of new mail.
func (a *app) wireMail(context.Context, appOptions) error {
	a.mail = map[string]*mailwatch.Watcher{}
	for name, hook := range a.cfg.Webhooks {
		if !hook.FromMail() || hook.Disabled || a.backends.imap == nil {
			continue
		}
		folder, _ := hook.Watched()
		i := a.cfg.Tools.Email.IMAP
		a.mail[name] = mailwatch.New(mailwatch.Options{Source: name, Mailbox: i.Username + "/" + folder, Follow: following(a.backends.imap, hook),
			Store: a.store, Log: a.log, DedupeFor: time.Duration(hook.DedupeFor), Unable: a.store.Room, Reached: mailReached()})
	}
	return nil
}

// mailReached is told of the points of a watcher.
func mailReached() func(mailwatch.Point) {
	if reached == nil {
		return nil
	}
	return func(p mailwatch.Point) { reached(bridge.Point(p)) }
}

// mailTasks watch the mailboxes, each on one node at a time, until the program drains.
func (a *app) mailTasks(ctx context.Context) []func(context.Context) {
	until, pause := context.WithCancel(context.WithoutCancel(ctx))
	a.pauseMail = pause
	var tasks []func(context.Context)
	for _, name := range slices.Sorted(maps.Keys(a.mail)) {
		watch := onOneNode(a.store, "watching mail of "+name, a.mail[name].Run, a.log)
		tasks = append(tasks, func(ctx context.Context) {
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			defer context.AfterFunc(until, stop)()
			watch(ctx)
		})
	}
	return tasks
}

// following reads a folder for a watcher.
func following(box *imap.Backend, hook config.Webhook) mailwatch.Follow {
	folder, poll := hook.Watched()
	return func(ctx context.Context, h mailwatch.Hooks) error {
		err := box.Follow(ctx, imap.Watch{Folder: folder, Poll: poll, Told: h.Told, GivenUp: h.GivenUp,
			Begin: func(ctx context.Context, found imap.Found) (imap.From, error) {
				at, err := h.Begin(ctx, mailwatch.Found(found))
				return imap.From{UID: at.UID, Since: at.Since, Upto: at.Upto}, err
			},
			Each: func(ctx context.Context, m imap.Arrived) error {
				return h.Each(ctx, mailwatch.Mail{Validity: m.Validity, UID: m.UID, Came: m.Came, Key: m.Key, Body: m.Event, Sent: m.Sent})
			}})
		var unread *imap.Unread
		if errors.As(err, &unread) {
			return &mailwatch.ErrMessage{UID: unread.UID, Err: err}
		}
		return err
	}
}
