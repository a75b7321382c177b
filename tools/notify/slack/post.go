package slack

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"drawbridge/tools"
	"drawbridge/tools/notify"
)

// Post puts a message into a channel, or under one that stands there.
func (b *Backend) Post(ctx context.Context, m notify.Message) (notify.Posted, error) {
	text, err := render(m)
	if err != nil {
		return notify.Posted{}, err
	}
	if m.Thread != "" && !stampForm.MatchString(m.Thread) {
		return notify.Posted{}, notify.NoSuchThread(m.Thread)
	}
	where, err := b.channel(ctx, m.Channel)
	if err != nil {
		return notify.Posted{}, err
	}
	outside, err := b.leaves(ctx, where)
	if err != nil {
		return notify.Posted{}, err
	}
	return b.post(ctx, where.ID, nameOf(where), m.Thread, text, outside)
}

// Direct sends a message to one person.
func (b *Backend) Direct(ctx context.Context, person string, m notify.Message) (notify.Posted, error) {
	text, err := render(m)
	if err != nil {
		return notify.Posted{}, err
	}
	user, err := b.person(ctx, person)
	if err != nil {
		return notify.Posted{}, err
	}
	outside, err := b.admit(ctx, user)
	if err != nil {
		return notify.Posted{}, err
	}
	im, err := read(ctx, b, methodOpen, func(ctx context.Context, api *slack.Client) (*slack.Channel, error) {
		c, _, _, err := api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user.ID}})
		return c, err
	})
	if err != nil {
		return notify.Posted{}, err
	}
	if im == nil || !channelForm.MatchString(im.ID) {
		return notify.Posted{}, tools.Errorf(tools.Unavailable, "Slack's answer cannot be read; nothing was posted. Try again later.")
	}
	return b.post(ctx, im.ID, "", "", text, outside)
}

// post says a text that is ready.
func (b *Backend) post(ctx context.Context, channel, name, thread, text string, outside bool) (notify.Posted, error) {
	options := []slack.MsgOption{slack.MsgOptionText(text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl()}
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	said, err := write(ctx, b, methodPost, channel, func(ctx context.Context, api *slack.Client) error {
		_, _, err := api.PostMessageContext(ctx, channel, options...)
		return err
	})
	if err != nil {
		return notify.Posted{}, err
	}
	posted := notify.Posted{Channel: channel, ChannelName: name, MessageID: said.TS, ThreadID: said.TS, SentAt: stamp(said.TS), Outside: outside}
	switch {
	case thread != "" && said.Message.Thread == thread:
		posted.ThreadID = thread
	case thread != "":
		posted.Note = "The message to answer is gone, so this stands in the channel on its own."
	}
	return posted, nil
}

// stamp is the time in a message's id: seconds, and a number that sets it apart.
func stamp(ts string) time.Time {
	seconds, micros, _ := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	u, _ := strconv.ParseInt((micros + "000000")[:6], 10, 64)
	return time.Unix(s, u*1000).UTC()
}
