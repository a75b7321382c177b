package slack

import (
	"cmp"
	"context"

	"github.com/slack-go/slack"

	"drawbridge/tools"
	"drawbridge/tools/notify"
)

type replies struct {
	messages []slack.Message
	next     string
}

// ReadThread gives a message and its answers.
func (b *Backend) ReadThread(ctx context.Context, channel, thread string, p tools.Page) (notify.Thread, error) {
	out := notify.Thread{Messages: []notify.Said{}}
	if !stampForm.MatchString(thread) {
		return out, notify.NoSuchThread(thread)
	}
	var cursor string
	if _, err := tools.DecodeCursor(p.Cursor, &cursor); err != nil {
		return out, err
	}
	where, err := b.channel(ctx, channel)
	if err != nil {
		return out, err
	}
	found, err := read(ctx, b, methodReplies, func(ctx context.Context, api *slack.Client) (replies, error) {
		messages, more, next, err := api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: where.ID, Timestamp: thread, Cursor: cursor, Limit: p.Size()})
		if !more {
			next = ""
		}
		return replies{messages, next}, err
	})
	if err != nil {
		return out, err
	}
	for _, m := range found.messages {
		out.Messages = append(out.Messages, notify.Said{MessageID: m.Timestamp, Author: cmp.Or(m.User, m.BotID, "unknown"), Text: unescaping.Replace(m.Text), SentAt: stamp(m.Timestamp)})
	}
	if found.next != "" {
		out.NextCursor = tools.EncodeCursor(found.next)
	}
	return out, nil
}
